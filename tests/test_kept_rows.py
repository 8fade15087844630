"""Rows behind published tables: seeds that were measured on different days stand in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from benchmarks import harness
from benchmarks.kept_rows import publish, with_kept

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

BLOCK = "image classifiers study blood full"


def rows(seed: int, accuracy: float, classifier: str = "small-cnn") -> pd.DataFrame:
    arm = {"data": "blood", "labelled": "full", "family": "", "learn_from": "", "ratio": "0", "role": ""}
    same = {
        **arm,
        "classifier": classifier,
        "seed": seed,
        "label": "",
        "accuracy": accuracy,
        "confusion": [[3, 1], [0, 4]],
    }
    return pd.DataFrame([{**same, "part": part} for part in ("test", "validation")])


def accuracies(table: pd.DataFrame) -> dict[tuple[str, int], float]:
    test = table[table.part == "test"]
    return {(str(row["classifier"]), int(row["seed"])): float(row["accuracy"]) for row in test.to_dict("records")}


def test_seeds_of_another_day_join_those_measured_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "machine", lambda: "an older machine")
    with_kept(BLOCK, rows(0, 0.9), write=True, folder=tmp_path)
    monkeypatch.setattr(harness, "machine", lambda: "this machine")
    both = with_kept(BLOCK, rows(1, 0.8), write=True, folder=tmp_path)
    assert accuracies(both) == {("small-cnn", 0): 0.9, ("small-cnn", 1): 0.8}
    assert dict(zip(both.seed, both.machine, strict=True)) == {0: "an older machine", 1: "this machine"}
    third = with_kept(BLOCK, rows(2, 0.7), write=False, folder=tmp_path)
    assert sorted(third.seed.unique()) == [0, 1, 2]


def test_what_is_measured_anew_takes_the_place_of_what_was_kept(tmp_path: Path) -> None:
    with_kept(BLOCK, pd.concat([rows(0, 0.9), rows(0, 0.6, "scratch")]), write=True, folder=tmp_path)
    now = with_kept(BLOCK, rows(0, 0.95), write=True, folder=tmp_path)
    assert accuracies(now) == {("small-cnn", 0): 0.95, ("scratch", 0): 0.6}
    assert len(now) == 4


def test_nothing_is_kept_unless_the_table_is_written(tmp_path: Path) -> None:
    with_kept(BLOCK, rows(0, 0.9), write=False, folder=tmp_path)
    assert not list(tmp_path.iterdir())
    assert set(with_kept(BLOCK, rows(1, 0.8), write=False, folder=tmp_path).seed) == {1}


def test_a_table_says_every_command_machine_and_seed_that_it_stems_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(harness, "machine", lambda: "an older machine")
    monkeypatch.setattr(harness, "command", lambda: "python grid.py --seeds 3")
    with_kept(BLOCK, rows(3, 0.9), write=True, folder=tmp_path)
    monkeypatch.setattr(harness, "machine", lambda: "this machine")
    monkeypatch.setattr(harness, "command", lambda: "python grid.py --seeds 1")
    publish(BLOCK, "the table", with_kept(BLOCK, rows(1, 0.8), write=False, folder=tmp_path), write=False)
    told = capsys.readouterr().out
    assert "- Command: `python grid.py --seeds 1`; `python grid.py --seeds 3`\n" in told
    assert "- Machine: an older machine; this machine\n- Seeds: 1, 3\n" in told
    assert "the table" in told


def test_a_gain_has_an_interval_only_over_several_seeds() -> None:
    gain = {"gain": 0.094, "low": 0.028, "high": 0.159}
    assert harness.points(gain | {"seeds": 4}) == "+9.4 (+2.8 to +15.9)"
    assert harness.points(gain | {"low": float("nan"), "high": float("nan"), "seeds": 1}) == "+9.4 (one seed)"
    assert harness.points({"gain": float("nan"), "low": float("nan"), "high": float("nan"), "seeds": 0}) == "-"
