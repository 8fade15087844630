"""Audits and releases in processes of their own, started by the app: one of each kind for a run's virtual patients.

Recorded in `.decisions/<name>` of the folder of runs; `<name>` is the results folder to be.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cohortsmith.app.background.processes import Process, launch, process_state
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from pathlib import Path

Command = Literal["audit", "release"]
AuditState = Literal["running", "finished", "failed", "stopped"]

DECISIONS = ".decisions"
_starting = threading.Lock()


@dataclass(frozen=True)
class Decision(Process):
    """An audit or a release that was started."""

    @property
    def state(self) -> AuditState:
        """What became of it; "stopped" is a process that stopped unexpectedly: killed, or the machine went down."""
        if self.running:
            return "running"
        if (self.folder.parent.parent / self.folder.name / "audit.json").is_file():
            return "finished"
        return "failed" if self.error else "stopped"

    def cancel(self) -> None:
        """End it, as if it had never been started."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def start(command: Command, run: Path, runs: Path) -> Decision:
    """Audit or release the run in the folder `run`, by the default policy, into a folder of `runs`.

    Raises:
        DataError: it is running already.
    """
    with _starting:
        known = find(command, run, runs)
        if known is not None and known.running:
            raise DataError(f"{known.folder.name} is running already")
        place = runs / DECISIONS / name_of(command, run, runs)
        place.mkdir(parents=True, exist_ok=True)
        words = [command, str(run.resolve()), "--out", str((runs / place.name).resolve())]
        return Decision(**launch(words, place, runs))


def find(command: Command, run: Path, runs: Path) -> Decision | None:
    """The audit or release of a run that was started last; None where none was."""
    with contextlib.suppress(DataError, OSError):
        return Decision(**process_state(runs / DECISIONS / name_of(command, run, runs)))
    return None


def name_of(command: Command, run: Path, runs: Path) -> str:
    """Folder of results of an audit or a release of a run, in the folder of runs."""
    return "-".join([*run.relative_to(runs).parts, command])
