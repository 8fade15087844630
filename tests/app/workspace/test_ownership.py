"""One process at a time writes a folder of results; uploads are private and can be deleted."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cohortsmith.app.workspace import Workspace, owned, require_free
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from pathlib import Path

HOLD = (
    "import sys, time; from pathlib import Path; from cohortsmith.app.workspace import owned\n"
    "with owned(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)"
)


def test_a_second_process_is_told_whose_the_folder_is_and_a_dead_one_holds_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DataError, match=rf"model is being written by process {holder.pid}; wait"), owned(folder):
            pass
        holder.kill()
    with owned(folder), owned(folder):
        assert (tmp_path / ".model.lock").read_text() == str(os.getpid())
    assert not list(tmp_path.iterdir())


def test_a_place_below_a_file_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="is a file, not a folder"):
        require_free(tmp_path / "file" / "out")


def test_a_grid_is_ours(tmp_path: Path) -> None:
    (tmp_path / "grid.json").write_text("{}")
    with pytest.raises(DataError, match="--force"):
        require_free(tmp_path)
    require_free(tmp_path, force=True)


def test_uploads_are_private_and_can_be_deleted(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    path = place.keep_upload("a.csv", b"id,label\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == path.parent.parent.stat().st_mode & 0o777 == 0o700
    place.delete_upload(path)
    assert place.uploads() == []
    with pytest.raises(DataError, match="no uploaded file"):
        place.delete_upload(tmp_path / "other.csv")
