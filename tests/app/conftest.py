"""The command line called as a user does, on a small simulated cohort."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
# A shell has what it starts in the background ignore interrupts, and so would whatever tests start there.
INTERRUPTED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
COMMAND = [sys.executable, "-c", f"{INTERRUPTED}; from cohortsmith.app.cli import main; main()"]


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def cohortsmith() -> Callable[..., Said]:
    """Run a command line within this process: fast, and with the same exit codes as the installed command."""
    from typer.testing import CliRunner

    from cohortsmith.app.cli import app

    def run(*words: object) -> Said:
        done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        return Said(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def started() -> Callable[..., subprocess.Popen[str]]:
    """Start a command line as a process of its own, to be killed or waited for."""

    def start(*words: object) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [*COMMAND, *map(str, words)],
            text=True,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


@pytest.fixture(scope="session")
def patients(tmp_path_factory: pytest.TempPathFactory, cohortsmith: Callable[..., Said]) -> Path:
    """A table of 150 simulated patients, 12 genes, 2 classes."""
    path = tmp_path_factory.mktemp("patients") / "patients.csv"
    line = ("data", "simulate", "simulated-expression", "--n", 150, "--genes", 12, "--classes", 2, "--out", path)
    assert cohortsmith(*line).code == 0
    return path


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, patients: Path, cohortsmith: Callable[..., Said]) -> Path:
    """A fitted class-conditional Gaussian."""
    path = tmp_path_factory.mktemp("models") / "mvn"
    done = cohortsmith("fit", patients, "--family", "mvn", "--out", path)
    assert done.code == 0, done.err
    return path
