"""From an upload to a downloaded file in a real browser: headless Chromium against the app as a person starts it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import psutil
import pytest

from benchmarks.screenshots import FLAGS
from cohortsmith.app.background.fit_jobs import Job, jobs
from cohortsmith.data import read_cohort

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 90_000  # milliseconds: a machine that runs the whole suite is busy


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def address(tmp_path: Path, root: Path) -> Iterator[str]:
    """Address of the app over an empty folder of runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ("app", "--no-browser", "--port", str(port), "--runs", str(tmp_path / "runs"))
    server = subprocess.Popen(
        [sys.executable, "-c", "from cohortsmith.app.cli import main; main()", *words],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            assert server.poll() is None
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()
        for job in jobs(tmp_path / "runs"):
            job.cancel()


def opened(browser: Browser, address: str, heading: str) -> Page:
    """A page in a browser of its own."""
    page = browser.new_context(accept_downloads=True).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.get_by_role("heading", name=heading, exact=True).wait_for()
    return page


def press(page: Page, name: str) -> None:
    """Press a button once the page has come to rest, as a person does."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.get_by_role("button", name=name).click()


def started(runs: Path, part: str) -> Job:
    """The fit with `part` in its name, once it is there."""
    for _ in range(300):
        if found := [job for job in jobs(runs) if part in job.name]:
            return found[0]
        time.sleep(0.2)
    raise AssertionError(f"no fit {part} within a minute")


def test_from_an_upload_to_a_downloaded_file(browser: Browser, address: str, patients: Path, tmp_path: Path) -> None:
    first = opened(browser, address, "Cohorts")
    first.get_by_text("Upload a file", exact=True).click()
    first.locator("input[type=file]").set_input_files(patients)
    first.get_by_text("Train: 105 samples. Holdout: 45 samples").wait_for()
    press(first, "Fit a generator on this cohort")
    first.get_by_role("heading", name="Generate", exact=True).wait_for()
    first.get_by_text("train 105 samples, holdout 45").wait_for()
    first.get_by_label("Family").click()
    first.get_by_role("option", name="mvn", exact=True).click()
    first.get_by_text("One Gaussian per class").wait_for()
    press(first, "100 per class")
    first.get_by_text("160", exact=True).wait_for()  # 60 real patients of the larger class, and 100
    press(first, "Start")
    first.get_by_role("button", name="Cancel").wait_for()

    # A second browser fits a cohort of its own, and loses that fit: the app and the first browser go on undisturbed.
    second = opened(browser, f"{address}/generate", "Generate")
    second.get_by_text("Noise is removed step by step").wait_for()
    press(second, "Start")
    os.killpg(started(tmp_path / "runs", "-diffusion-").pid, signal.SIGKILL)
    second.get_by_text("Stopped unexpectedly").wait_for()
    second.close()

    first.get_by_text("Finished:").wait_for()
    (finished,) = (job for job in jobs(tmp_path / "runs") if job.state == "finished")
    press(first, "View the samples")
    first.get_by_role("heading", name="Samples", exact=True).wait_for()
    first.locator(".js-plotly-plot").first.wait_for()
    with first.expect_download() as waiting:
        press(first, "Download all 200 virtual patients")
    made = read_cohort(waiting.value.path().rename(tmp_path / waiting.value.suggested_filename), part=True)
    assert waiting.value.suggested_filename == f"{finished.result}-virtual.csv"
    assert made.class_counts() == {"class-A": 100, "class-B": 100}
    assert made.features == read_cohort(patients).features

    first.get_by_role("link", name="Scorecard").click()
    first.get_by_role("heading", name="Scorecard", exact=True).wait_for()
    first.frame_locator("iframe").get_by_text("Discriminator AUC", exact=True).wait_for()

    first.get_by_role("link", name="Privacy").click()
    first.get_by_role("heading", name="Privacy", exact=True).wait_for()
    first.get_by_text("Not audited yet").wait_for()
    press(first, "Audit")
    first.frame_locator("iframe").get_by_text("Membership: worst attack, AUC").first.wait_for()
    with first.expect_download() as waiting:
        press(first, "audit.json")
    audit = json.loads(waiting.value.path().read_text(encoding="utf-8"))
    assert audit["decision"] in {"pass", "fail", "not evaluable"}
    assert "sha256" in audit["stamp"]
    assert first.get_by_test_id("stException").count() == 0
    assert not psutil.pid_exists(finished.pid) or psutil.Process(finished.pid).status() == psutil.STATUS_ZOMBIE
