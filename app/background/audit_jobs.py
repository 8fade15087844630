"""Audits and releases in separate processes, started by the app: at most one of each kind per run.

Recorded in `.decisions/<name>` in the folder of runs, where `<name>` is the future results folder.
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
        """State of the process; "stopped" if it stopped unexpectedly: killed, or the machine went down."""
        if self.running:
            return "running"
        if (self.folder.parent.parent / self.folder.name / "audit.json").is_file():
            return "finished"
        return "failed" if self.error else "stopped"

    def cancel(self) -> None:
        """Stop it and delete its record."""
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
        record = runs / DECISIONS / name_of(command, run, runs)
        record.mkdir(parents=True, exist_ok=True)
        arguments = [command, str(run.resolve()), "--out", str((runs / record.name).resolve())]
        return Decision(**launch(arguments, record, runs))


def find(command: Command, run: Path, runs: Path) -> Decision | None:
    """The audit or release of a run that was started last; None without any."""
    with contextlib.suppress(DataError, OSError):
        return Decision(**process_state(runs / DECISIONS / name_of(command, run, runs)))
    return None


def name_of(command: Command, run: Path, runs: Path) -> str:
    """Name of the results folder of an audit or a release of a run, in the folder of runs."""
    return "-".join([*run.relative_to(runs).parts, command])
