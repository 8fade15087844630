"""A kill at any moment leaves a whole result or none; a killed fit goes on to the same model."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path


def fit_line(patients: Path, out: Path, steps: int = 300) -> list[object]:
    small = ["--set", "width=16", "--set", "depth=1", "--set", f"steps={steps}", "--checkpoint-every", 25]
    small += ["--set", "validation=0", "--set", "epochs=1000000"]  # every step is taken, however few the patients
    return ["fit", patients, "--family", "diffusion", "--device", "cpu", *small, "--out", out]


def wait_for(path: Path, process: subprocess.Popen[str], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, f"{path.name} did not come"
        time.sleep(0.005)


def weights(model: Path) -> bytes:
    return (model / "model.safetensors").read_bytes()


def test_killed_fit_goes_on_to_the_same_model(tmp_path: Path, patients: Path, started: Any, cohortsmith: Any) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    first = started(*fit_line(patients, killed))
    wait_for(tmp_path / "killed.partial" / "checkpoint.json", first)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert not killed.exists()

    again = cohortsmith(*fit_line(patients, killed))  # the same command once more
    assert again.code == 0, again.err
    assert "resuming from step " in again.err
    assert cohortsmith(*fit_line(patients, whole)).code == 0  # and a run that is left alone
    assert weights(killed) == weights(whole)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["killed", "whole"]


def test_interrupt_is_one_line_and_its_checkpoint_serves_no_other_run(
    tmp_path: Path, patients: Path, started: Any, cohortsmith: Any
) -> None:
    out = tmp_path / "model"
    first = started(*fit_line(patients, out, steps=20_000))  # longer than anybody waits
    wait_for(tmp_path / "model.partial" / "checkpoint.json", first)
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 130
    assert said.splitlines()[-1] == "error: interrupted"
    assert "Traceback" not in said
    assert not out.exists()

    other = fit_line(patients, out, steps=20)
    refused = cohortsmith(*other)
    assert refused.code == 2
    assert "--restart" in refused.err.splitlines()[-1]
    assert cohortsmith(*other, "--restart").code == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_terminated_writing_leaves_nothing(tmp_path: Path, model: Path, started: Any) -> None:
    out = tmp_path / "virtual.csv"
    out.write_text("what stood there before")
    process = started("sample", model, "--n", 3_000_000, "--out", out)
    end = time.monotonic() + 60
    while not list(tmp_path.glob(".virtual.csv.*")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.005)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert out.read_text() == "what stood there before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["virtual.csv"]
