"""Pictures that stand twice: the same pixels, and the same picture made anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from cohortsmith.data import Cohort, DataError, duplicates, read_cohort, simulate, split
from cohortsmith.data.duplication.image_likeness import look_alikes, standardised

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def cells() -> Cohort:
    return simulate("simulated-cells", 700, 1)


def test_different_cells_are_no_duplicates(cells: Cohort) -> None:
    """Platelets on an empty field are nearly alike, and still different cells."""
    assert str(duplicates(cells)) == "0 exact and 0 near duplicates"


def test_a_picture_made_anew_is_near(cells: Cohort) -> None:
    """Brighter, compressed, of another white balance, blurred a little: what a second export of one picture does."""
    train, holdout = split(cells, 0)
    x = holdout.x.copy()
    x[3] = train.x[17]
    x[5] = np.clip(train.x[40] * 0.8 + 30, 0, 255)
    x[9] = np.clip(train.x[100] * np.asarray([1.0, 0.97, 0.9]), 0, 255)
    noise = np.random.default_rng(0).normal(0, 4, (28, 28, 3))
    x[11] = np.clip(train.x[7] + noise, 0, 255)
    large = Image.fromarray(train.x[60]).resize((64, 64), Image.Resampling.BICUBIC)
    x[20] = np.asarray(large.resize((28, 28), Image.Resampling.BICUBIC))
    found = duplicates(train, replace(holdout, x=x))
    assert found.exact.tolist() == [[17, 3]]
    assert found.near.tolist() == [[40, 5], [100, 9], [7, 11], [60, 20]]


def test_inside_a_cohort_each_copy_is_paired_once_with_an_earlier_one(cells: Cohort) -> None:
    x = cells.x.copy()
    x[[50, 600]] = x[10]
    x[650] = np.clip(x[20].astype(int) + 9, 0, 255)
    found = duplicates(replace(cells, x=x))
    assert found.exact.tolist() == [[10, 50], [10, 600]]
    assert found.near.tolist() == [[20, 650]]


@pytest.mark.parametrize("near", [0.2, 0.6, 0.9])
def test_coarse_pictures_miss_none(cells: Cohort, near: float) -> None:
    """The pairs are those of the whole table of distances."""
    a, b = standardised(cells.x[:300]), standardised(cells.x[300:420])
    distances = np.sqrt(np.maximum(((b[:, None] - a[None]) ** 2).sum(axis=2), 0))
    close = np.flatnonzero(distances.min(axis=1) < near)
    expected = [(int(distances[row].argmin()), int(row)) for row in close]
    assert look_alikes(cells.x[300:420], cells.x[:300], near) == expected
    assert near == 0.2 or len(expected) > 0


def test_flat_pictures_are_alike_only_when_equal() -> None:
    x = np.stack([np.full((28, 28, 1), value, dtype=np.uint8) for value in (0, 0, 200, 255)] * 2)
    cohort = simulate("simulated-cells", 8, 0, classes=2)
    found = duplicates(replace(cohort, x=x, features=("28x28x1",)))
    assert found.exact.tolist() == [[0, 1], [0, 4], [0, 5], [2, 6], [3, 7]]
    assert len(found.near) == 0


def test_images_of_another_grid_are_refused(cells: Cohort) -> None:
    grey = replace(cells, x=cells.x[..., :1], features=("28x28x1",))
    with pytest.raises(DataError, match="same size and number of channels"):
        duplicates(cells, grey)


REAL = {
    # name: exact and near duplicates of train and test, and inside test
    "bloodmnist_28": ((4, 0), (0, 0)),
    "dermamnist_28": ((0, 0), (0, 0)),
    "breastmnist_28": ((1, 47), (0, 2)),  # a known weakness of its source: one picture saved several times
}


@pytest.mark.parametrize("name", REAL)
def test_what_stands_twice_in_public_sets(real_file: Callable[[str], Path], name: str) -> None:
    across, inside = REAL[name]
    cohort = read_cohort(real_file(f"images/{name}.npz"))
    train, test = split(cohort, 0)
    found = duplicates(train, test)
    assert (len(found.exact), len(found.near)) == across
    if name == "bloodmnist_28":
        labels = {(train.labels[a], test.labels[b]) for a, b in found.exact}
        assert ("neutrophil", "eosinophil") in labels  # one of the four is labelled otherwise in test
    found = duplicates(test)
    assert (len(found.exact), len(found.near)) == inside
