"""Fits in processes of their own: told on disk, killed, gone on with, and an experiment written as TOML."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cohortsmith.app.background.fit_jobs import find_job, jobs, start_fit
from cohortsmith.app.config.experiment import (
    DataPart,
    EvaluationPart,
    Experiment,
    GeneratorPart,
    SamplePart,
    TrainingPart,
    read_experiment,
    toml_of,
)
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "runs"
    yield folder
    for job in jobs(folder):
        job.cancel()


def fit(patients: Path, **settings: object) -> Experiment:
    settings = {"steps": 100_000, "epochs": 1_000_000, "validation": 0.0, "width": 32, "depth": 1} | settings
    return Experiment(
        DataPart(str(patients)),
        GeneratorPart("diffusion", dict(settings)),
        name="fit",
        training=TrainingPart(checkpoint_every=100),
        evaluation=EvaluationPart(["wasserstein"]),
    )


def wait(until: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        time.sleep(0.2)
    assert until()


def test_an_experiment_reads_back_as_it_was_written(tmp_path: Path) -> None:
    asked = Experiment(
        DataPart("a \"b\"\\c é\t.csv", label="x=y", covariates=["age, years"], holdout=0.25),
        GeneratorPart("gan", {"steps": 3, "learning_rate": 1e-4, "profile": "cpu", "flag": True, "widths": [1, 2]}),
        name="a.b-c_d",
        seed=3,
        sample=SamplePart(counts={"class 'A'": 3, "[x]\u007f": 0, "😀": 1}),
    )  # fmt: skip
    path = tmp_path / "any.toml"
    path.write_text(toml_of(asked), encoding="utf-8")
    assert read_experiment(path) == asked


def test_a_killed_fit_is_told_and_goes_on_where_it_stood(runs: Path, patients: Path) -> None:
    job = start_fit(fit(patients), runs)
    wait(lambda: job.resumable and job.standing)
    with pytest.raises(DataError, match="is running already"):
        start_fit(fit(patients), runs)
    with pytest.raises(DataError, match="cancel it first"):
        job.forget()
    os.kill(job.pid, signal.SIGKILL)
    wait(lambda: job.state == "stopped")
    stood = job.history[-1]["step"]
    assert stood >= 100
    again = find_job(runs, job.name).go_on()
    wait(lambda: again.standing and again.history[-1]["step"] > stood)
    assert again.history[0]["step"] < 100
    assert "resuming from step" in again.log
    again.cancel()
    assert again.state == "cancelled"
    assert again.resumable
    again.forget()
    assert list(runs.rglob("*.json")) == []


def test_a_number_of_a_process_that_is_another_now_is_not_taken_for_the_fit(runs: Path, patients: Path) -> None:
    job = start_fit(fit(patients, steps=1), runs)
    mine = replace(job, pid=os.getpid(), born=1.0)
    assert mine.state != "running"


@pytest.mark.parametrize("name", ["../outside", "/etc", "..", "", "link"])
def test_a_name_of_a_fit_leads_nowhere_else(runs: Path, tmp_path: Path, name: str) -> None:
    (runs / ".jobs").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (runs / ".jobs" / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="no fit named"):
        find_job(runs, name)
