"""The page Generate: counts, the start of a fit, and fits in every state."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from cohortsmith.app.background.fit_jobs import Job, jobs
from cohortsmith.app.ui.cohort_choice import PART
from cohortsmith.app.workspace.folders import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    Page = Callable[..., AppTest]


@pytest.fixture
def small(patients: Path) -> dict[str, object]:
    """The choice of a cohort of 150 patients, as the page Cohorts keeps it."""
    return {PART: {"cohort": str(patients)}}


@pytest.fixture(autouse=True)
def _no_fit_stays(runs: Path) -> Iterator[None]:
    yield
    for job in jobs(runs):
        job.cancel()


def ended(runs: Path, seconds: float = 90) -> Job:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (job := jobs(runs)[0]).state != "running":
            return job
        time.sleep(0.3)
    raise AssertionError(f"still running after {seconds} s: {jobs(runs)[0].log}")


def test_balance_tops_up_and_shows_before_and_after(page: Page, runs: Path, small: dict[str, object]) -> None:
    shown = page("generate", **small)
    assert not shown.exception
    table = shown.data_editor[0].value
    assert (table["virtual"] == table["real"]).all()
    shown.button(key="balance").click().run()
    table = shown.data_editor[0].value
    assert len(set(table["real"] + table["virtual"])) == 1
    assert len(shown.get("plotly_chart")) == 2
    shown.button(key="as-real").click().run()
    assert (shown.data_editor[0].value["virtual"] == table["real"]).all()


@pytest.mark.slow
def test_a_fit_is_started_in_a_process_of_its_own_and_found_again(
    page: Page, runs: Path, small: dict[str, object]
) -> None:
    shown = page("generate", **small)
    shown.selectbox(key="family-expression").select("diffusion").run()
    shown.text_area[0].input("steps = 100000\nwidth = 32\ndepth = 1").run()
    shown.button(key="start").click().run()
    assert not shown.exception
    (job,) = jobs(runs)
    assert job.state == "running"
    assert job.experiment.generator.settings == {"steps": 100000, "width": 32, "depth": 1}
    assert os.getsid(job.pid) == job.pid != os.getsid(0)
    until = time.monotonic() + 60
    while not job.history and time.monotonic() < until:
        time.sleep(0.3)
    again = page("generate", **small)  # another browser
    (told,) = (bar.proto.text.replace("\\", "") for bar in again.progress)
    assert re.match(r"Training: step [\d,]+ of 100,000, \d+:\d\d left", told)
    assert "Loss" in " ".join(text.value for text in again.markdown)
    again.button(key="cancel").click().run()
    assert not again.exception
    assert jobs(runs)[0].state == "cancelled"
    assert not psutil.pid_exists(job.pid) or psutil.Process(job.pid).status() == psutil.STATUS_ZOMBIE
    assert [text.value for text in again.warning] == ["Cancelled."]
    again.button(key="forget").click().run()
    assert jobs(runs) == []
    assert not again.exception


def test_a_finished_fit_leads_to_its_patients(page: Page, runs: Path, small: dict[str, object]) -> None:
    shown = page("generate", **small)
    shown.selectbox(key="family-expression").select("mvn").run()
    shown.button(key="balance").click().run()
    shown.button(key="start").click().run()
    job = ended(runs)
    assert job.state == "finished", job.log
    assert (runs / job.result / "metrics.json").is_file()
    again = page("generate", **small)
    assert [text.value.replace("\\", "") for text in again.success] == [f"Finished: {job.result}"]


@pytest.mark.parametrize(
    ("log", "state", "words"),
    [
        ("error: class 'x' has one patient\n", "failed", "class 'x' has one patient"),
        ("Traceback (most recent call last):\n  File\nValueError: wrong\n", "failed", "ValueError: wrong"),
        ("", "stopped", "Stopped unexpectedly"),
    ],
)
def test_a_fit_that_ended_badly_says_so(
    page: Page, runs: Path, small: dict[str, object], log: str, state: str, words: str
) -> None:
    folder = runs / ".jobs" / "20260101T000000Z-tried-0123abcd"
    folder.mkdir(parents=True)
    (folder / "experiment.toml").write_text('name = "tried"\n[data]\ncohort = "x.csv"\n[generator]\nfamily = "mvn"\n')
    (folder / "log.txt").write_text(log)
    write_json(folder / "job.json", {"pid": 2**22 + 1, "born": 0.0, "started": "20260101T000000Z"})
    assert jobs(runs)[0].state == state
    shown = page("generate", **small)
    assert not shown.exception
    said = [text.value.replace("\\", "") for text in (*shown.error, *shown.warning)]
    assert any(words in text for text in said)
    assert shown.button(key="go-on").label == "Start again"


def test_settings_a_family_does_not_have_give_one_line(page: Page, runs: Path, small: dict[str, object]) -> None:
    shown = page("generate", **small)
    shown.text_area[0].input("stepps = 3").run()
    shown.button(key="start").click().run()
    assert not shown.exception
    (error,) = shown.error
    assert "steps" in error.value
    assert jobs(runs) == []


def test_a_name_cannot_lead_out_of_the_folder(page: Page, runs: Path, small: dict[str, object]) -> None:
    shown = page("generate", **small)
    shown.text_input[0].input("../../outside").run()
    shown.button(key="start").click().run()
    (error,) = shown.error
    assert "letters, digits" in error.value
    assert jobs(runs) == []
