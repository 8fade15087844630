"""Result folders are whole or not there, and nothing that is not ours is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cohortsmith.app.workspace.folders import put_in_place, require_free, whole_folder, write_json_lines
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from pathlib import Path


def test_folder_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "deep" / "card") as working:
        (working / "metrics.json").write_text("{}")
        assert not (tmp_path / "deep" / "card").exists()
    assert [entry.name for entry in (tmp_path / "deep").iterdir()] == ["card"]


def test_folder_is_gone_when_the_work_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with whole_folder(tmp_path / "card") as working:
            (working / "metrics.json").write_text("{}")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not list(tmp_path.iterdir())


def test_old_results_stay_until_the_new_ones_are_in_place(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, text in ((old, "1"), (new, "2")):
        folder.mkdir()
        (folder / "metrics.json").write_text(text)
    put_in_place(new, old)
    assert (old / "metrics.json").read_text() == "2"
    assert [entry.name for entry in tmp_path.iterdir()] == ["old"]


def test_what_is_not_ours_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="did not write"):
        require_free(tmp_path, force=True)
    with pytest.raises(DataError, match="is a file"):
        require_free(tmp_path / "thesis.txt")
    (tmp_path / "empty").mkdir()
    require_free(tmp_path / "empty")


def test_figures_that_are_not_finite_stay_readable_json(tmp_path: Path) -> None:
    write_json_lines(tmp_path / "train.jsonl", [{"step": 1, "loss": float("nan")}, {"step": 2, "loss": float("inf")}])
    assert (tmp_path / "train.jsonl").read_text() == '{"step": 1, "loss": null}\n{"step": 2, "loss": null}\n'
