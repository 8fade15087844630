"""Damaged files, and files that claim more than they hold, are refused with one line and in bounded time and memory."""

from __future__ import annotations

import gzip
import zipfile
from typing import TYPE_CHECKING, Any

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import sparse

from cohortsmith.data import DataError, read_cohort
from cohortsmith.data.io import sweep, temporary_name, whole_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VALUES = np.random.default_rng(0).poisson(2, (12, 5)).astype(np.float32)


def message(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_cohort(path, **options)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.fixture
def annotated(tmp_path: Path) -> Callable[[Any], Path]:
    def write(values: Any) -> Path:
        obs = pd.DataFrame({"label": list("ab" * 6)}, index=[f"s{i}" for i in range(12)])
        path = tmp_path / "cohort.h5ad"
        anndata.AnnData(values, obs=obs, var=pd.DataFrame(index=list("ABCDE"))).write_h5ad(path)
        return path

    return write


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_a_good_file_gives_its_values(annotated: Callable[[Any], Path], kind: Callable[[Any], Any]) -> None:
    cohort = read_cohort(annotated(kind(VALUES)))
    assert np.array_equal(cohort.x, VALUES)
    assert cohort.x.flags.writeable


@pytest.mark.parametrize(("part", "place", "value", "expected"), [
    ("indptr", 3, 10**9, "indptr"), ("indptr", 3, -1, "indptr"), ("indices", 0, 5, "outside"),
    ("indices", 0, -1, "outside"),
])  # fmt: skip
def test_a_sparse_matrix_that_points_elsewhere_is_refused(
    annotated: Callable[[Any], Path], part: str, place: int, value: int, expected: str
) -> None:
    path = annotated(sparse.csr_matrix(VALUES))
    with h5py.File(path, "r+") as file:
        file["X"][part][place] = value
    assert expected in message(path)


def test_values_that_are_claimed_and_not_held_are_refused(annotated: Callable[[Any], Path]) -> None:
    path = annotated(VALUES)
    with h5py.File(path, "r+") as file:
        del file["X"]
        file.create_dataset("X", (12, 200_000_000), "f4", chunks=(1, 1000))
    assert "shape" in message(path)


def test_a_reader_that_does_not_end_is_ended(annotated: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    command = "import sys, resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass"
    monkeypatch.setattr("cohortsmith.data.io.apart._COMMAND", command)
    assert "more time or memory" in message(annotated(VALUES))


def test_a_reader_that_crashes_is_a_damaged_file(
    annotated: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cohortsmith.data.io.apart._COMMAND", "import os; os.kill(os.getpid(), 11)")
    assert "not a complete AnnData" in message(annotated(VALUES))


@pytest.mark.parametrize(("name", "head"), [("a.csv.gz", b"id,label,A,B\ns,a,1,"), ("a.fasta.gz", b">s label=a\n")])
def test_a_small_file_that_unpacks_without_end_is_refused(tmp_path: Path, name: str, head: bytes) -> None:
    with gzip.open(tmp_path / name, "wb", compresslevel=1) as file:
        file.write(head)
        for _ in range(60):
            file.write(b"0" * 5_000_000 if "csv" in name else b"A" * 5_000_000)
    assert "would unpack to" in message(tmp_path / name)


def test_an_archive_of_arrays_is_held_against_its_size(tmp_path: Path) -> None:
    path = tmp_path / "cells.npz"
    np.savez_compressed(path, train_images=np.zeros((2, 28, 28), np.uint8), train_age=np.zeros(300_000_000, np.uint8))
    assert "would unpack to" in message(path)


def test_an_array_that_declares_more_than_it_holds_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "cells.npz"
    np.savez(path, train_images=np.zeros((2, 28, 28), np.uint8))
    with zipfile.ZipFile(path) as archive:
        content = archive.read("train_images.npy")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_images.npy", content.replace(b"(2, 28, 28)", b"(2000000000, 28, 28)"[:11].ljust(11)))
    message(path)


def test_damaged_bytes_in_a_compressed_table_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    rows = "\n".join(f"s{i},{'ab'[i % 2]},{i * 7919 % 1000},{i * 104729 % 1000}" for i in range(500))
    content = bytearray(gzip.compress(f"id,label,A,B\n{rows}\n".encode()))
    for at in range(40, len(content) - 8, 97):
        content[at] ^= 0xFF
    path.write_bytes(content)
    message(path)


def test_names_in_parquet_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"sample_id": list("uvwx"), "label": list("aabb"), "GENENAME": [1.0, 2, 3, 4]}).to_parquet(path)
    path.write_bytes(path.read_bytes().replace(b"GENENAME", b"GENE\xff\xfeME"))
    message(path)


def test_photographs_are_resized_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(3):
            noise = np.random.default_rng(i).integers(0, 255, (60, 50, 3), dtype=np.uint8)
            Image.fromarray(noise).save(tmp_path / "set" / name / f"{name}{i}.png")
    whole = 0

    def stacked(arrays: list[Any]) -> Any:
        nonlocal whole
        whole = max(array.size for array in arrays)
        return real(arrays)

    real = np.stack
    monkeypatch.setattr("cohortsmith.data.io.png_folder.np.stack", stacked)
    assert read_cohort(tmp_path / "set", resize=28).x.shape == (6, 28, 28, 3)
    assert whole == 28 * 28 * 3


def test_temporary_files_of_dead_owners_are_swept_and_of_living_ones_kept(tmp_path: Path) -> None:
    mine = tmp_path / temporary_name("mine.csv")
    dead = tmp_path / mine.name.replace("mine", "theirs").rsplit("-", 1)[0].__add__("-999999999.tmp")
    foreign = tmp_path / ".other.csv.00000000-999999999.tmp"
    for path in (mine, dead, foreign):
        path.write_text("a patient")
    with whole_file(tmp_path / "new.csv") as working:
        working.write_text("x")
    assert mine.exists()
    assert not dead.exists()
    assert foreign.exists()  # of another machine
    old = tmp_path / dead.name.replace(".tmp", ".old")
    old.mkdir()
    sweep(tmp_path, again=True)
    assert (tmp_path / "theirs.csv").is_dir()  # it was being replaced: put back
