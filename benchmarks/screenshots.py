"""Screenshots of the app's pages for the docs, in headless Chromium: app-PAGE-LABEL.png, and optionally -dark.png.

    python -m benchmarks.screenshots --runs runs --of demo=20260101T120000Z-demo-1a2b3c4d --of tp53=... --out docs

`demo=NAME:samples,scorecard` selects pages; the default is all pages.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

PAGES = ("cohorts", "generate", "samples", "scorecard", "privacy", "utility", "studies", "glossary")
WIDTH, LEAST, MOST = 1360, 800, 1700  # size of a screenshot, pixels
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def serving(runs: Path) -> Iterator[str]:
    """URL of the app, serving a folder of runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["app", "--no-browser", "--port", str(port), "--runs", str(runs)]
    server = subprocess.Popen(
        [sys.executable, "-c", "from cohortsmith.app.cli import main; main()", *words],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        stdin=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait()


def settled(page: Page) -> None:
    """Wait until the page has been run and its plots are drawn."""
    page.locator("h1").first.wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_timeout(2500)


def picture(page: Page, address: str, out: Path) -> None:
    """Screenshot of a page at the height of its content, within bounds."""
    page.set_viewport_size({"width": WIDTH, "height": LEAST})
    page.goto(address)
    settled(page)
    if "/generate" in address:
        page.get_by_role("button", name="Balance").click()
        settled(page)
        page.mouse.move(0, 0)
    high = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').getBoundingClientRect().height")
    page.set_viewport_size({"width": WIDTH, "height": int(min(MOST, max(LEAST, high)))})
    settled(page)
    page.screenshot(path=out)
    print(out)


def main() -> None:
    """Take the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--of", action="append", required=True, metavar="LABEL=RUN[:PAGE,...]")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--dark", action="store_true", help="also with the dark theme")
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with serving(asked.runs) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for scheme in ("light", "dark") if asked.dark else ("light",):
            for entry in asked.of:
                label, _, named = entry.partition("=")
                name, _, pages = named.partition(":")
                for place in pages.split(",") if pages else PAGES:
                    page = browser.new_context(color_scheme=scheme, device_scale_factor=1).new_page()
                    page.set_default_timeout(120_000)
                    end = "-dark" if scheme == "dark" else ""
                    at = "" if place == PAGES[0] else place  # the first page is at the root URL
                    picture(page, f"{address}/{at}?run={quote(name)}", asked.out / f"app-{place}-{label}{end}.png")
                    page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
