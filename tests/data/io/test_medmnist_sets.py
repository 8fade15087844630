"""MedMNIST sets fetched from a server on this machine: checked by their md5 sum, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.data import DataError, read_cohort
from cohortsmith.data.io import medmnist_sets as medmnist
from cohortsmith.data.io.medmnist_sets import MEDMNIST, RECORD, fetch, names_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def content() -> bytes:
    """A file as MedMNIST publishes it: no class names, labels (n, 1)."""
    arrays = {}
    for split in ("train", "val", "test"):
        arrays[f"{split}_images"] = np.random.default_rng(0).integers(0, 256, (16, 28, 28, 3), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.arange(8, dtype=np.uint8).repeat(2)[:, None]
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


WHOLE = content()


class Zenodo(BaseHTTPRequestHandler):
    """Gives the file whole, or broken off, or altered, by the folder that is asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        how = self.path.split("/")[1]
        if how == "gone":
            self.send_error(410, "Gone")
            return
        body = WHOLE[:-1] + b"?" if how == "altered" else WHOLE
        self.send_response(200)
        if how != "unsized":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if how == "broken" else body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setitem(MEDMNIST, "bloodmnist", MEDMNIST["bloodmnist"]._replace(md5=hashlib.md5(WHOLE).hexdigest()))
    monkeypatch.setattr(Zenodo, "asked", [], raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Zenodo) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize("how", ["files", "unsized"])
def test_what_is_fetched_is_whole_and_can_be_read(server: str, tmp_path: Path, how: str) -> None:
    said: list[str] = []
    size = fetch("bloodmnist", tmp_path / "bloodmnist.npz", record=f"{server}/{how}", say=said.append)
    assert (tmp_path / "bloodmnist.npz").read_bytes() == WHOLE
    assert size == len(WHOLE)
    assert Zenodo.asked == [f"/{how}/bloodmnist.npz?download=1"]
    assert "CC BY 4.0" in said[0]
    assert re.search(r"0\.1 MB, md5 [0-9a-f]{32} matches", said[-1])
    assert [p.name for p in tmp_path.iterdir()] == ["bloodmnist.npz"]
    assert "platelet" in read_cohort(tmp_path / "bloodmnist.npz").classes


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("altered", r"has md5 [0-9a-f]{32}, not the published"),
        ("broken", r"stopped after \d+ of \d+ bytes"),
        ("gone", "returned 410 Gone"),
    ],
)
def test_anything_else_leaves_what_stood_there(server: str, tmp_path: Path, how: str, expected: str) -> None:
    out = tmp_path / "mine.npz"
    out.write_text("earlier")
    with pytest.raises(DataError, match=expected) as caught:
        fetch("bloodmnist", out, record=f"{server}/{how}")
    assert "\n" not in str(caught.value)
    assert out.read_text() == "earlier"
    assert [p.name for p in tmp_path.iterdir()] == ["mine.npz"]


def test_no_server_no_folder_no_set(server: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no connection to http://127\.0\.0\.1:1/"):
        fetch("bloodmnist", tmp_path / "a.npz", record="http://127.0.0.1:1")
    with pytest.raises(DataError, match="does not exist; create it first"):
        fetch("bloodmnist", tmp_path / "no" / "a.npz", record=server)
    with pytest.raises(DataError, match=r"downloaded as \.npz"):
        fetch("bloodmnist", tmp_path / "a.csv", record=server)
    with pytest.raises(DataError, match="'bludmnist'; did you mean 'bloodmnist'"):
        fetch("bludmnist", tmp_path / "a.npz", record=server)
    with pytest.raises(DataError, match="14 labels per image; multi-label sets are not supported"):
        fetch("chestmnist", tmp_path / "a.npz", record=server)
    assert Zenodo.asked == []
    assert not list(tmp_path.iterdir())


def test_the_table_is_that_of_the_package() -> None:
    """Where the package `medmnist` is at hand, its own table says the same."""
    published = pytest.importorskip("medmnist.info", reason="package medmnist").INFO
    for name, known in MEDMNIST.items():
        entry = published[name]
        assert entry["url"] == f"{RECORD}/{name}.npz?download=1"
        assert entry["MD5"] == known.md5
        assert tuple(entry["label"][str(i)] for i in range(len(known.names))) == known.names
        assert len(entry["label"]) == len(known.names)
        assert sum(entry["n_samples"].values()) == known.images
        assert entry["license"] == known.licence


def test_names_by_the_name_of_a_file() -> None:
    assert names_of("BreastMNIST_64.npz") == ("malignant", "normal, benign")
    assert names_of("cells.npz") == ()
    assert all(len(set(known.names)) == len(known.names) for known in medmnist.MEDMNIST.values())


@pytest.mark.network
def test_zenodo_gives_the_published_file(tmp_path: Path) -> None:
    fetch("breastmnist", tmp_path / "breastmnist.npz")
    assert len(read_cohort(tmp_path / "breastmnist.npz")) == 780
