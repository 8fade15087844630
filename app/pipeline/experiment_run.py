"""Run folders: one experiment carried out into `runs/<UTC time>-<name>-<hash>/`."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cohortsmith.app.pipeline.feature_extractors import image_models_for
from cohortsmith.app.pipeline.fitting import require_public_reading
from cohortsmith.app.pipeline.pipeline import carry_out, write_outcome
from cohortsmith.app.terminal import is_main_process, say
from cohortsmith.app.workspace import (
    CHECKPOINT,
    Watch,
    owned,
    put_in_place,
    read,
    report_duplicates,
    require_writable,
    train_and_holdout,
    working_folder,
)
from cohortsmith.data import DataError
from cohortsmith.data.io import suffix_like
from cohortsmith.data.suggestions import near_misses
from cohortsmith.generators import make_generator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cohortsmith.app.config import Experiment
    from cohortsmith.app.pipeline.pipeline import FitOutcome
    from cohortsmith.data import Cohort

MIN_FOR_FOLDS = 100  # patients: even in folds an honest cohort is then rarely told from a leaking one


def check(experiment: Experiment) -> None:
    """Check before any work what can be known without the data.

    Raises:
        DataError: an unknown family, setting or metric, or more than one way to say how many samples.
    """
    from cohortsmith.evaluation import METRICS

    make_generator(experiment.generator.family, **experiment.generator.settings)
    require_public_reading(experiment.data, experiment.generator.family, experiment.generator.settings)
    sample = experiment.sample
    ways = [sample.n is not None, sample.per_class is not None, bool(sample.counts), sample.balance]
    if sum(ways) > 1:
        raise DataError("[sample]: at most one of n, per_class, counts, balance was expected")
    for key, number in (("n", sample.n), ("per_class", sample.per_class)):
        if number is not None and number <= 0:
            raise DataError(f"[sample] {key} must be at least 1; got {number}")
    names = [metric.name for metric in METRICS]
    for name in experiment.evaluation.only:
        if name not in names:
            raise DataError(f"[evaluation] only: no metric {name!r}{near_misses(name, names)}")


def carry_out_run(experiment: Experiment, runs: Path) -> tuple[Path, FitOutcome] | None:
    """Carry out an experiment; the run folder appears when it is whole. None in the further processes.

    Raises:
        DataError: as `check`, the cohort, the family or the metrics say.
        TrainingError: the fit could not go on.
    """
    check(experiment)
    require_writable(runs / "run")
    started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    part = experiment.data
    cohort = read(part)
    train, holdout = train_and_holdout(cohort, part, experiment.seed)
    found = report_duplicates(train, holdout)
    if (warning := size_note(train, holdout)) and is_main_process():
        say(warning)
    target = runs / f"{started}-{experiment.name}-{experiment.digest()}"
    with _working_folder(working_folder(experiment, runs)) as working:
        watch = Watch(working)
        outcome = carry_out(
            train,
            holdout,
            family=experiment.generator.family,
            settings=experiment.generator.settings,
            seed=experiment.seed,
            training=experiment.training,
            sample=experiment.sample,
            only=experiment.evaluation.only,
            image_models=image_models_for(cohort.kind, experiment.training),
            checkpoint=working / CHECKPOINT,
            watch=watch,
        )
        if outcome is None:
            return None
        config = experiment.resolved() | {"started": started, "duplicates": found, "digest": cohort.digest()}
        config["generator"]["settings"] = dict(outcome.generator.settings)
        title = f"{experiment.name}: {outcome.family}"
        write_outcome(working, outcome, config=config, suffix=suffix_like(part.cohort, cohort.kind), title=title)
        watch.remove()
        shutil.rmtree(working / CHECKPOINT, ignore_errors=True)
        put_in_place(working, target)
    return target, outcome


def size_note(train: Cohort, holdout: Cohort) -> str:
    """What the default policy cannot decide at this size, and what can, before anything is fitted; "" if it can."""
    from cohortsmith.evaluation.privacy import DEFAULT, patients_needed

    sizes = [len(set(side.subjects.tolist())) for side in (train, holdout)]
    need = patients_needed(DEFAULT, sizes[1] / sum(sizes))
    if sum(sizes) >= need:
        return ""
    if sum(sizes) < MIN_FOR_FOLDS:
        return (
            f"note: with {sum(sizes)} patients no audit can pass a cohort: differential privacy, or a release to named "
            "recipients, remains"
        )
    return (
        f"note: with {sum(sizes)} patients an audit on the holdout alone is unlikely to decide (about {need} would); "
        "`cohortsmith audit RUN --folds 10` uses everybody on both sides"
    )


@contextmanager
def _working_folder(working: Path) -> Iterator[Path]:
    """Folder that keeps nothing but a training checkpoint when the run does not come to its end."""
    if not is_main_process():
        yield working
        return
    with owned(working):
        if working.exists():
            _keep_checkpoint_only(working)
        working.mkdir(parents=True, exist_ok=True)
        try:
            yield working
        finally:
            if working.exists():
                _keep_checkpoint_only(working)


def _keep_checkpoint_only(working: Path) -> None:
    for entry in working.iterdir():
        if entry.is_file():
            entry.unlink()
        elif entry.name != CHECKPOINT or not any(entry.iterdir()):
            shutil.rmtree(entry)
    if not any(working.iterdir()):
        working.rmdir()
