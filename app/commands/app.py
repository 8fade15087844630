"""`cohortsmith app`: the Streamlit pages, on this machine only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cohortsmith.app.commands.options import RunsFolder
from cohortsmith.app.terminal import say

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESS = "127.0.0.1"


def open_app(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8501,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    runs: RunsFolder = Path("runs"),
) -> None:
    """Open the app on this machine: inspect cohorts, fit generators, inspect virtual patients, audit and release.

    It listens on 127.0.0.1 only; the README says how to put it behind an authenticating proxy.

    Example: [bold]cohortsmith app --runs runs --port 8600 --no-browser[/bold]
    """
    from cohortsmith.data import DataError

    if runs.exists() and not runs.is_dir():
        raise DataError(f"--runs: a folder was expected; {runs} is a file")
    _require_free(port)
    say(f"cohortsmith app: http://{ADDRESS}:{port} over the runs in {runs} (Ctrl-C stops it; running fits continue)")
    words, environment = command(port, browser=not no_browser), settings(runs)
    if os.name == "posix":
        os.execve(words[0], words, environment)  # one process: whoever ends this command ends the app
    raise typer.Exit(subprocess.call(words, env=environment))


def command(port: int, *, browser: bool) -> list[str]:
    """Command line of Streamlit's server: local, protected against forged requests, silent towards its makers."""
    from cohortsmith.app.ui import DARK, LIGHT
    from cohortsmith.app.workspace import LARGEST_UPLOAD

    options = {
        "server.address": ADDRESS,
        "server.port": port,
        "server.headless": not browser,
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,  # Streamlit's word for: requests of other origins are refused
        "server.maxUploadSize": LARGEST_UPLOAD,
        "server.fileWatcherType": "none",
        "server.showEmailPrompt": False,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "type",  # a traceback can hold a patient's values
        "client.showErrorLinks": False,
        "logger.level": "warning",
        "theme.paddingTop": "0.5rem",
        "theme.metricValueFontSize": "1.7rem",
        "theme.headingFontSizes": '["2rem", "1.5rem", "1.25rem"]',
    }
    for name, palette in (("light", LIGHT), ("dark", DARK)):
        options |= {
            f"theme.{name}.primaryColor": palette["button"],
            f"theme.{name}.backgroundColor": palette["paper"],
            f"theme.{name}.secondaryBackgroundColor": palette["soft"],
            f"theme.{name}.textColor": palette["ink"],
            f"theme.{name}.borderColor": palette["line"],
        }
    words = [f"--{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in options.items()]
    script = Path(__file__).parents[1] / "ui" / "pages" / "main.py"
    return [sys.executable, "-m", "streamlit", "run", str(script), *words]


def settings(runs: Path) -> dict[str, str]:
    """Environment of the server. What is set there already stays: a proxy's name is stated so (see the README)."""
    defaults: Mapping[str, str] = {
        "STREAMLIT_SERVER_ALLOWED_HOSTS": f"localhost {ADDRESS}",  # against DNS rebinding
        "STREAMLIT_BROWSER_SERVER_ADDRESS": ADDRESS,
    }
    return {
        **defaults,
        **os.environ,
        "COHORTSMITH_RUNS": str(runs.resolve()),
    }


def _require_free(port: int) -> None:
    from cohortsmith.data import DataError

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            raise DataError(f"port {port} is taken; stop what uses it, or name another with --port") from None
