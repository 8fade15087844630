"""Commands in processes of their own, recorded in a folder, where every session finds them.

The folder holds `job.json` (the process), `log.txt` (its stderr) and `result.json` (its stdout). The
process is in a session of its own, so that it lives on when the app or the browser is closed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import psutil
from pydantic import Field, FiniteFloat

from cohortsmith.app.workspace import read_json_as, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLD = "job.json"
LOG = "log.txt"
RESULT = "result.json"
PATIENCE = 5.0  # seconds a process has to end by itself when it is cancelled
_COMMAND = "from cohortsmith.app.cli import main; main()"
_children: dict[int, subprocess.Popen[bytes]] = {}  # of this process: a dead child stays a zombie until it is asked


@dataclass(frozen=True)
class _Recorded:
    """`job.json`; see `Process`."""

    pid: Annotated[int, Field(ge=1, le=2**31)]
    born: FiniteFloat
    started: str


@dataclass(frozen=True)
class Process:
    """A command that was started.

    Attributes:
        folder: of its state.
        pid: number of the process.
        born: when that process began, in seconds since 1970: another process may get the same number later.
        started: UTC time of the start.
    """

    folder: Path
    pid: int
    born: float
    started: str

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self._process() is not None

    @property
    def log(self) -> str:
        """Log of the command."""
        try:
            return (self.folder / LOG).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    @property
    def error(self) -> str:
        """The one line of its error; of one that is the program's own, its last line."""
        lines = [line for line in self.log.splitlines() if line.strip()]
        last_error = next((line for line in reversed(lines) if line.startswith("error: ")), "")
        if last_error:
            return last_error.removeprefix("error: ")
        return lines[-1] if any(line.startswith("Traceback ") for line in lines) else ""

    def end(self) -> None:
        """End it: politely, so that it tidies up, and by force when it does not within `PATIENCE` seconds."""
        process = self._process()
        if process is None:
            return
        for sign in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                _signal(self.pid, sign)
            with contextlib.suppress(psutil.Error):
                process.wait(PATIENCE)
            if self._process() is None:
                return

    def _process(self) -> psutil.Process | None:
        if child := _children.get(self.pid):
            child.poll()
        try:
            process = psutil.Process(self.pid)
            # Written so that a time that is no number is nobody's: another's process is never ended.
            if not abs(process.create_time() - self.born) <= 1 or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except (psutil.Error, ValueError, OverflowError):
            return None
        return process


def launch(words: Sequence[str], folder: Path, where: Path) -> dict[str, Any]:
    """Start `cohortsmith WORDS` in the folder `where` with its state in `folder`; its `process_state` from then on."""
    environment = dict(os.environ)
    if named := environment.get("COHORTSMITH_DATA"):
        environment["COHORTSMITH_DATA"] = os.path.abspath(named)
    with (folder / RESULT).open("wb") as out, (folder / LOG).open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, *words],
            cwd=where,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            start_new_session=True,
        )
    _children[child.pid] = child
    try:
        born = psutil.Process(child.pid).create_time()
    except psutil.Error:
        born = 0.0  # it ended at once
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    write_json(folder / TOLD, {"pid": child.pid, "born": born, "started": now})
    return process_state(folder)


def process_state(folder: Path) -> dict[str, Any]:
    """What a `Process` is made of, as its folder tells it.

    Raises:
        DataError: no state of a process there, or something else.
    """
    return {"folder": folder} | asdict(read_json_as(_Recorded, folder / TOLD))


def _signal(pid: int, sign: int) -> None:
    """To the process and to those it started: it leads a session of its own."""
    if hasattr(os, "killpg"):
        os.killpg(pid, sign)
    else:
        os.kill(pid, sign)
