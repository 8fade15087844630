"""Fits in processes of their own, started by the app and recorded on disk, where every session finds them.

A job is a folder `.jobs/<name>` in the folder of runs: `experiment.toml`, and what `processes` tells of the command
that carries it out, `cohortsmith run`.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cohortsmith.app.background.processes import RESULT, Process, launch, process_state
from cohortsmith.app.config import Experiment, read_experiment, toml_of
from cohortsmith.app.workspace import CHECKPOINT, read_json_as, rows_so_far, standing_of, working_folder
from cohortsmith.data import DataError
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from cohortsmith.app.workspace import Standing

FitState = Literal["running", "finished", "failed", "cancelled", "stopped"]

JOBS = ".jobs"
_starting = threading.Lock()


@dataclass(frozen=True)
class _Result:
    """What `cohortsmith run --json` prints, as far as it is read back."""

    run: str


@dataclass(frozen=True)
class Job(Process):
    """A fit that was started; its folder's name is time, name and hash of the experiment.

    Attributes:
        experiment: what is carried out.
    """

    experiment: Experiment

    @property
    def name(self) -> str:
        """Of its folder."""
        return self.folder.name

    @property
    def runs(self) -> Path:
        """Folder of runs it belongs to."""
        return self.folder.parent.parent

    @property
    def state(self) -> FitState:
        """What became of it; "stopped" is a process that stopped unexpectedly: killed, or the machine went down."""
        if self.running:
            return "running"
        if self.result:
            return "finished"
        if (self.folder / "cancelled").exists():
            return "cancelled"
        return "failed" if self.error else "stopped"

    @property
    def result(self) -> str:
        """Name of the run folder it made; empty until then."""
        try:
            return Path(read_json_as(_Result, self.folder / RESULT).run).name
        except (DataError, OSError):
            return ""

    @property
    def standing(self) -> Standing | None:
        """Where it stands; None while it is still reading the cohort."""
        return standing_of(self._working)

    @property
    def history(self) -> list[dict[str, Any]]:
        """Its training curve so far."""
        return rows_so_far(self._working)

    @property
    def resumable(self) -> bool:
        """Whether a checkpoint stands from which it would go on."""
        return (self._working / CHECKPOINT / "checkpoint.json").is_file()

    def cancel(self) -> None:
        """End it, and say on disk that it was asked for."""
        (self.folder / "cancelled").touch()
        self.end()

    def go_on(self) -> Job:
        """Resume it from its checkpoint, or start it again.

        Raises:
            DataError: it is running.
        """
        with _starting:
            _refuse_twice(self.runs, self.experiment)
            for name in ("cancelled", RESULT):
                (self.folder / name).unlink(missing_ok=True)
            return _launch(self.folder, self.experiment)

    def forget(self) -> None:
        """Remove its state, and its checkpoint where it did not finish.

        Raises:
            DataError: it is running.
        """
        if self.state == "running":
            raise DataError(f"{self.name} is running; cancel it first")
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self._working, ignore_errors=True)

    @property
    def _working(self) -> Path:
        return working_folder(self.experiment, self.runs)


def start_fit(experiment: Experiment, runs: Path) -> Job:
    """Start an experiment in a process of its own, from the folder of runs: its cohort is named from there.

    Raises:
        DataError: the very same experiment is running.
    """
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    with _starting:
        _refuse_twice(runs, experiment)
        folder = runs / JOBS / f"{now}-{experiment.name}-{experiment.digest()}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise DataError(f"{experiment.name} was started in this same second already") from None
        (folder / "experiment.toml").write_text(toml_of(experiment), encoding="utf-8")
        return _launch(folder, experiment)


def jobs(runs: Path) -> list[Job]:
    """Every job of a folder of runs, the newest first; folders that tell of none are left out."""
    found = []
    for folder in sorted((runs / JOBS).glob("*/"), key=lambda folder: folder.name, reverse=True):
        if folder.is_symlink():
            continue
        with contextlib.suppress(DataError, OSError):
            found.append(Job(**process_state(folder), experiment=read_experiment(folder / "experiment.toml")))
    return found


def find_job(runs: Path, name: str) -> Job:
    """Job by its name.

    Raises:
        DataError: no such job here.
    """
    known = {job.name: job for job in jobs(runs)}
    if name not in known:
        raise DataError(f"no fit named {name!r} in {runs}{near_misses(name, known)}")
    return known[name]


def _refuse_twice(runs: Path, experiment: Experiment) -> None:
    """Two processes in one working folder would spoil each other's files."""
    digest = experiment.digest()
    if any(job.experiment.digest() == digest and job.state == "running" for job in jobs(runs)):
        raise DataError(f"{experiment.name} is running already with the same settings; change one, or the seed")


def _launch(folder: Path, experiment: Experiment) -> Job:
    runs = folder.parent.parent
    words = ["run", str(folder.resolve() / "experiment.toml"), "--runs", str(runs.resolve()), "--json"]
    return Job(**launch(words, folder, runs), experiment=experiment)
