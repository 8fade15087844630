"""Images on the command line: described, fetched, simulated, written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.data import read_cohort

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


def test_a_simulated_set_goes_to_a_file_and_to_folders(tmp_path: Path, cohortsmith: Any) -> None:
    for name in ("cells.npz", "cells"):
        done = cohortsmith("data", "simulate", "simulated-cells", "--n", 24, "--classes", 3, "--out", tmp_path / name)
        assert done.code == 0, done.err
        assert sum(read_cohort(tmp_path / name).class_counts().values()) == 24
    done = cohortsmith("data", "simulate", "simulated-cells", "--n", 24, "--out", tmp_path / "cells.csv")
    assert done.code == 2
    assert "written as .npz, a folder of PNG" in done.err


def test_describe_tells_size_splits_and_duplicates(tmp_path: Path, cohortsmith: Any) -> None:
    x = np.random.default_rng(0).integers(0, 256, (30, 56, 56), dtype=np.uint8)
    x[25] = x[3]
    arrays: dict[str, Any] = {"train_images": x[:20], "test_images": x[20:]}
    arrays |= {"train_labels": np.arange(20) % 2, "test_labels": np.arange(10) % 2}
    np.savez(tmp_path / "large.npz", **arrays)
    refused = cohortsmith("data", "describe", tmp_path / "large.npz")
    assert refused.code == 2
    assert "--resize 28" in refused.err
    told = json.loads(cohortsmith("data", "describe", tmp_path / "large.npz", "--resize", 28, "--json").out)
    assert told["kind"] == "image"
    assert told["pixels"] == "28x28x1"
    assert told["resized_from"] == "56x56"
    assert told["splits"] == {"train": 20, "val": 0, "test": 10}
    assert told["in_train_and_test"] == "1 exact and 0 near duplicates"
    assert "scale" not in told


def test_a_public_set_can_be_described_and_written_elsewhere(
    tmp_path: Path, real_file: Callable[[str], Path], cohortsmith: Any
) -> None:
    real_file("images/breastmnist_28.npz")
    out = tmp_path / "breast"
    assert cohortsmith("data", "get", "breastmnist_28", "--out", out).code == 0
    assert read_cohort(out).digest() != ""
    assert read_cohort(out).class_counts() == {"malignant": 210, "normal, benign": 570}
    assert sorted(p.name for p in out.iterdir()) == ["test", "train", "val"]


def test_get_fetches_medmnist_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cohortsmith: Any) -> None:
    monkeypatch.setattr("cohortsmith.data.io.medmnist_sets.RECORD", "http://127.0.0.1:1")
    done = cohortsmith("data", "get", "bloodmnist", "--out", tmp_path / "bloodmnist.npz")
    assert done.code == 2
    assert "17092 images" in done.err
    assert "no connection to http://127.0.0.1:1/bloodmnist.npz" in done.err
    assert not list(tmp_path.iterdir())
    done = cohortsmith("data", "get", "bloodmist", "--out", tmp_path / "a.npz")
    assert done.code == 2
    assert "'bloodmnist'" in done.err
