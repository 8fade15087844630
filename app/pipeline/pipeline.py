"""From training patients to a scorecard: fit, draw, evaluate, and write it all into one folder."""

from __future__ import annotations

import os
import platform
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from cohortsmith.app.pipeline.fitting import fit_generator
from cohortsmith.app.pipeline.models import alarms, how_many, profile_of, summary
from cohortsmith.app.terminal import is_main_process, say, status
from cohortsmith.app.workspace import digest_of, file_hashes, write_json, write_json_lines
from cohortsmith.data import write_cohort
from cohortsmith.evaluation import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from cohortsmith.app.config import SamplePart, TrainingPart
    from cohortsmith.app.workspace import Watch
    from cohortsmith.data import Cohort
    from cohortsmith.evaluation import ImageModels, Report
    from cohortsmith.generators import Generator

PACKAGES = ("cohortsmith", "torch", "lightning-fabric", "numpy", "scipy", "scikit-learn", "pandas", "POT", "anndata")


@dataclass(frozen=True)
class FitOutcome:
    """What became of one family: the fitted generator, its virtual patients, their scorecard, seconds of fitting."""

    family: str
    generator: Generator
    synthetic: Cohort
    report: Report
    fit_seconds: float


def carry_out(
    train: Cohort,
    holdout: Cohort,
    *,
    family: str,
    settings: Mapping[str, Any],
    seed: int,
    training: TrainingPart,
    sample: SamplePart,
    only: Sequence[str] | None = None,
    image_models: ImageModels | None = None,
    checkpoint: Path | None = None,
    watch: Watch | None = None,
) -> FitOutcome | None:
    """Fit, draw and evaluate one family; None in the further processes of a run over several devices.

    `watch` is informed of the progress.

    Raises:
        DataError: as the family, the draw or the metrics say.
        TrainingError: the fit could not go on.
    """
    start = time.perf_counter()
    generator = fit_generator(
        family, dict(settings), train, seed=seed, training=training, checkpoint=checkpoint, watch=watch
    )
    seconds = time.perf_counter() - start
    if not is_main_process():
        return None
    if profile := profile_of(generator):
        say(profile)
    for alarm in alarms(generator):
        say(alarm)
    counts = how_many(generator, sample.n, sample.per_class, sample.counts or None, sample.balance)
    if watch:
        watch.sampling(sum(counts.values()))
    synthetic = generator.sample(counts, seed=seed)
    with evaluating(family, watch) as on_progress:
        report = evaluate(
            train, holdout, synthetic, only=only or None, seed=seed, image_models=image_models, on_progress=on_progress
        )
    return FitOutcome(family, generator, synthetic, report, seconds)


def write_outcome(
    folder: Path,
    outcome: FitOutcome,
    *,
    config: Mapping[str, Any],
    suffix: str,
    title: str,
    show_patients: bool = False,
) -> None:
    """Fill a run folder: configuration, environment, training curve, model, virtual patients, figures, page."""
    model = ""
    if outcome.generator.savable:
        outcome.generator.save(folder / "model")
        model = digest_of(file_hashes(folder / "model"))
    write_json(folder / "config.json", {**config, "model": model})
    write_json(folder / "environment.json", environment() | summary(outcome.generator))
    write_json_lines(folder / "train.jsonl", outcome.generator.history)
    write_cohort(outcome.synthetic, folder / f"synthetic{suffix}")
    from cohortsmith.evaluation.html import write_report  # Plotly takes a second to import: only a page needs it

    write_report(
        outcome.report, folder, history=outcome.generator.history or None, title=title, show_patients=show_patients
    )


def environment() -> dict[str, Any]:
    """Versions and machine, as far as they change figures or seconds; no name of the machine or of its user."""
    import torch

    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


@contextmanager
def evaluating(title: str, watch: Watch | None = None) -> Iterator[Callable[[str, int, int], None]]:
    """Give a callback that shows which metric is being measured, on a terminal, and tells `watch`."""
    if not (status.is_terminal and is_main_process()):
        yield watch.measuring if watch else lambda name, done, total: None
        return
    with status.status(f"{title}: evaluating") as spinner:

        def tell(name: str, done: int, total: int) -> None:
            spinner.update(f"{title}: measuring {name} ({done + 1} of {total})")
            if watch:
                watch.measuring(name, done, total)

        yield tell


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
