"""Fits in processes of their own: started by the app, told on disk, and found again whoever looks, whenever.

A job is a folder `.jobs/<name>` in the folder of runs: `experiment.toml`, `job.json` (the process), `log.txt` (what the
command said), `result.json` (what it gave). The process is `cohortsmith run`, in a session of its own, so that it lives
on when the app or the browser is closed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil

from app.experiment import read_experiment, toml_of
from app.folders import read_json, write_json
from app.progress import CHECKPOINT, rows_so_far, standing_of, working_folder
from data import DataError
from data.names import near_misses

if TYPE_CHECKING:
    from app.experiment import Experiment
    from app.progress import Standing

State = Literal["running", "finished", "failed", "cancelled", "stopped"]

JOBS = ".jobs"
PATIENCE = 5.0  # seconds a job has to end by itself when it is cancelled
_COMMAND = "from app.cli import main; main()"
_starting = threading.Lock()
_children: dict[int, subprocess.Popen[bytes]] = {}  # of this process: a dead child stays a zombie until it is asked


@dataclass(frozen=True)
class Job:
    """A fit that was started.

    Attributes:
        name: of its folder: time, name and hash of the experiment.
        folder: where it is told.
        experiment: what is carried out.
        pid: process that does it.
        born: when that process began, in seconds since 1970: another process may get the same number later.
        started: UTC time of the start.
    """

    name: str
    folder: Path
    experiment: Experiment
    pid: int
    born: float
    started: str

    @property
    def runs(self) -> Path:
        """Folder of runs it belongs to."""
        return self.folder.parent.parent

    @property
    def state(self) -> State:
        """What became of it; "stopped" is a process that ended without a word: killed, or the machine went down."""
        if self._process() is not None:
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
            return Path(str(read_json(self.folder / "result.json")["run"])).name
        except (DataError, KeyError, OSError):
            return ""

    @property
    def log(self) -> str:
        """What the command said."""
        try:
            return (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    @property
    def error(self) -> str:
        """The one line of its error; of one that is the program's own, its last line."""
        lines = [line for line in self.log.splitlines() if line.strip()]
        told = next((line for line in reversed(lines) if line.startswith("error: ")), "")
        if told:
            return told.removeprefix("error: ")
        return lines[-1] if any(line.startswith("Traceback ") for line in lines) else ""

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
        """End it: politely, so that it tidies up, and by force when it does not within `PATIENCE` seconds."""
        process = self._process()
        (self.folder / "cancelled").touch()
        if process is None:
            return
        for sign in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                _signal(self.pid, sign)
            with contextlib.suppress(psutil.Error):
                process.wait(PATIENCE)
            if self._process() is None:
                return

    def go_on(self) -> Job:
        """Start it again where its checkpoint stands, or from the beginning.

        Raises:
            DataError: it is running.
        """
        with _starting:
            _refuse_twice(self.runs, self.experiment)
            for name in ("cancelled", "result.json"):
                (self.folder / name).unlink(missing_ok=True)
            return _launch(self)

    def forget(self) -> None:
        """Remove what is told of it, and its checkpoint where it did not finish.

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

    def _process(self) -> psutil.Process | None:
        if child := _children.get(self.pid):
            child.poll()
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.born) > 1 or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except (psutil.Error, ValueError):
            return None
        return process


def start(experiment: Experiment, runs: Path) -> Job:
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
            raise DataError(f"{experiment.name} was started within this very second already") from None
        (folder / "experiment.toml").write_text(toml_of(experiment), encoding="utf-8")
        return _launch(Job(folder.name, folder, experiment, 0, 0.0, now))


def jobs(runs: Path) -> list[Job]:
    """Every job of a folder of runs, the newest first; folders that tell of none are left out."""
    found = []
    for folder in sorted((runs / JOBS).glob("*/"), key=lambda folder: folder.name, reverse=True):
        if folder.is_symlink():
            continue
        with contextlib.suppress(DataError, OSError, KeyError, TypeError, ValueError):
            facts = read_json(folder / "job.json")
            experiment = read_experiment(folder / "experiment.toml")
            found.append(
                Job(folder.name, folder, experiment, int(facts["pid"]), float(facts["born"]), str(facts["started"]))
            )
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
        raise DataError(f"{experiment.name} is running already with these very settings; change one, or the seed")


def _launch(job: Job) -> Job:
    root = str(Path(__file__).resolve().parents[1])
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH")]))
    if named := environment.get("COHORTSMITH_DATA"):
        environment["COHORTSMITH_DATA"] = os.path.abspath(named)
    words = ["run", str(job.folder.resolve() / "experiment.toml"), "--runs", str(job.runs.resolve()), "--json"]
    with (job.folder / "result.json").open("wb") as out, (job.folder / "log.txt").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, *words],
            cwd=job.runs,
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
    begun = replace(job, pid=child.pid, born=born)
    write_json(job.folder / "job.json", {"pid": begun.pid, "born": begun.born, "started": begun.started})
    return begun


def _signal(pid: int, sign: int) -> None:
    """To the process and to those it started: it leads a session of its own."""
    if hasattr(os, "killpg"):
        os.killpg(pid, sign)
    else:
        os.kill(pid, sign)
