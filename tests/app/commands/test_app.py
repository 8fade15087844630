"""`cohortsmith app`: the server it starts, the folder it shows, and what it refuses."""

from __future__ import annotations

import os
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cohortsmith.app.commands.app import command, settings

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.app.conftest import Said


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_server_is_local_guarded_and_silent() -> None:
    words = command(8501, browser=False)
    for option in (
        "--server.address=127.0.0.1",
        "--server.enableXsrfProtection=true",
        "--server.enableCORS=true",
        "--browser.gatherUsageStats=false",
        "--server.maxUploadSize=200",
        "--client.showErrorDetails=type",
        "--server.headless=true",
    ):
        assert option in words
    assert "--server.headless=false" in command(8501, browser=True)
    assert Path(words[words.index("run") + 1]).is_file()


def test_a_proxy_names_itself_and_nothing_else_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STREAMLIT_SERVER_ALLOWED_HOSTS", raising=False)
    assert settings(tmp_path)["STREAMLIT_SERVER_ALLOWED_HOSTS"] == "localhost 127.0.0.1"
    monkeypatch.setenv("STREAMLIT_SERVER_ALLOWED_HOSTS", "patients.example.org")
    assert settings(tmp_path)["STREAMLIT_SERVER_ALLOWED_HOSTS"] == "patients.example.org"
    assert settings(tmp_path)["COHORTSMITH_RUNS"] == str(tmp_path.resolve())


def test_a_taken_port_and_a_file_of_runs_give_one_line(cohortsmith: Callable[..., Said], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = cohortsmith("app", "--no-browser", "--port", taken.getsockname()[1], "--runs", tmp_path)
    assert said.code == 2
    assert "is taken" in said.err
    (tmp_path / "file").touch()
    said = cohortsmith("app", "--no-browser", "--port", free_port(), "--runs", tmp_path / "file")
    assert said.code == 2
    assert "a folder was expected" in said.err


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_it_answers_on_this_machine_and_ends_with_its_command(
    started: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    port = free_port()
    server = started("app", "--no-browser", "--port", port, "--runs", tmp_path / "runs")
    try:
        for _ in range(150):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
                    assert answer.status == 200
                break
            except (urllib.error.URLError, ConnectionError):
                assert server.poll() is None
                time.sleep(0.2)
        else:
            pytest.fail("the app did not answer within 30 s")
    finally:
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=20)
    assert f"http://127.0.0.1:{port}" in said
