"""Run folders: one experiment carried out into `runs/<UTC time>-<name>-<hash>/`, and finding them again."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.cohorts import read, report_duplicates, suffix_like, train_and_holdout
from app.console import is_main_process
from app.folders import put_in_place, read_json
from app.pipeline import carry_out, write_outcome
from app.progress import CHECKPOINT, Watch, working_folder
from app.seeing import eyes_for
from data import DataError
from data.names import near_misses
from generators import make_generator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.experiment import Experiment
    from app.pipeline import Outcome


@dataclass(frozen=True)
class Run:
    """A finished run on disk.

    Attributes:
        folder: where it is.
        kind: "run" of one family, "comparison" of several, or "study".
        facts: its config.json, comparison.json or study.json.
    """

    folder: Path
    kind: str
    facts: dict[str, Any]

    @property
    def families(self) -> list[str]:
        """Families that were fitted."""
        if self.kind != "run":
            return [entry["family"] for entry in self.facts.get("families", [])]
        return [self.facts.get("generator", {}).get("family", "?")]

    def row(self) -> dict[str, Any]:
        """What a list of runs shows."""
        return {
            "run": self.folder.name,
            "kind": self.kind,
            "cohort": self.facts.get("data", {}).get("cohort", "?"),
            "families": self.families,
            "seed": self.facts.get("seed"),
        }


def check(experiment: Experiment) -> None:
    """Check before any work what can be known without the data.

    Raises:
        DataError: an unknown family, setting or metric, or more than one way to say how many samples.
    """
    from evaluation import METRICS

    make_generator(experiment.generator.family, **experiment.generator.settings)
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


def carry_out_run(experiment: Experiment, runs: Path) -> tuple[Path, Outcome] | None:
    """Carry out an experiment; the run folder appears when it is whole. None in the further processes.

    Raises:
        DataError: as `check`, the cohort, the family or the metrics say.
        TrainingError: the fit could not go on.
    """
    check(experiment)
    started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    part = experiment.data
    cohort = read(part)
    train, holdout = train_and_holdout(cohort, part, experiment.seed)
    found = report_duplicates(train, holdout)
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
            eyes=eyes_for(cohort.kind, experiment.training),
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


def list_runs(runs: Path) -> list[Run]:
    """Finished runs and comparisons in a folder, oldest first."""
    if not runs.is_dir():
        return []
    found = []
    for folder in sorted(entry for entry in runs.iterdir() if entry.is_dir() and not entry.name.startswith(".")):
        for kind, marker in (("comparison", "comparison.json"), ("study", "study.json"), ("run", "config.json")):
            if (folder / marker).is_file():
                found.append(Run(folder, kind, read_json(folder / marker)))
                break
    return found


def find_run(runs: Path, name: str) -> Run:
    """Run by its folder's name, or by a part of it that only one run has.

    Raises:
        DataError: none or several of that name.
    """
    known = list_runs(runs)
    exact = [run for run in known if run.folder.name == name]
    matching = exact or [run for run in known if name in run.folder.name]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise DataError(f"{name!r} is part of several runs: {', '.join(run.folder.name for run in matching)}")
    hint = near_misses(name, [run.folder.name for run in known]) or "; `cohortsmith runs list` shows them all"
    raise DataError(f"no run {name!r} in {runs}{hint}")


@contextmanager
def _working_folder(working: Path) -> Iterator[Path]:
    """Folder that keeps nothing but a training checkpoint when the run does not come to its end."""
    if not is_main_process():
        yield working
        return
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
