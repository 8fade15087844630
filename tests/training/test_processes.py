"""Runs in processes of their own: two that share a batch, and one that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training import process_script

SCRIPT = Path(process_script.__file__)


def run(out: Path, *arguments: int) -> subprocess.CompletedProcess[str]:
    out.mkdir(exist_ok=True)
    # A launcher's variables in this process would make the child one of that launcher's processes.
    clean = {name: value for name, value in os.environ.items() if name not in {"RANK", "LOCAL_RANK", "WORLD_SIZE"}}
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(out), *map(str, arguments)],
        env=clean | {"PYTHONPATH": str(SCRIPT.parents[2]), "OMP_NUM_THREADS": str(torch.get_num_threads())},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def run_here(out: Path, steps: int) -> None:
    out.mkdir(exist_ok=True)
    process_script.run(out, 1, steps)


def outcome(out: Path, rank: int = 0) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / f"rank-{rank}.json").read_text())
    return content


def test_two_processes_give_the_curve_of_one_and_only_the_first_writes(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    run_here(one, 60)
    done = run(two, 2, 60)
    assert done.returncode == 0, done.stderr
    alone, first, second = outcome(one), outcome(two), outcome(two, rank=1)
    assert [row["step"] for row in first["history"]] == list(range(5, 61, 5))
    for row, expected in zip(first["history"], alone["history"], strict=True):
        assert row == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert first["weights"] == pytest.approx(alone["weights"], rel=1e-3, abs=1e-4)
    assert second["weights"] == first["weights"]
    assert second["history"] == first["history"]
    assert (first["main"], second["main"]) == (True, False)
    assert (two / "checkpoint-0").exists()
    assert not (two / "checkpoint-1").exists()
    assert first["told"]
    assert not second["told"]


def test_killed_run_resumes_to_the_same_bits(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run_here(whole, 40)
    assert run(broken, 1, 40, 25).returncode == -signal.SIGKILL
    assert not (broken / "rank-0.json").exists()
    run_here(broken, 40)
    assert outcome(broken)["resumed_from"] == 20
    for part in ("weights", "history"):
        assert outcome(broken)[part] == outcome(whole)[part]
