from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.data import DataError, duplicates, simulate, split

if TYPE_CHECKING:
    from cohortsmith.data import Cohort


@pytest.fixture
def cohort() -> Cohort:
    return simulate("simulated-expression", 300, 1, genes=60, scale="log")


def test_different_patients_are_no_duplicates(cohort: Cohort) -> None:
    for found in (duplicates(cohort), duplicates(*split(cohort, 0))):
        assert str(found) == "0 exact and 0 near duplicates"


def test_copies_and_jittered_copies_are_found_across_a_split(cohort: Cohort) -> None:
    train, holdout = split(cohort, 0)
    x = holdout.x.copy()
    x[3] = train.x[17]
    x[5] = train.x[40]
    x[9] = train.x[100] + np.random.default_rng(0).normal(0, 0.01, 60)
    found = duplicates(train, replace(holdout, x=x))
    assert found.exact.tolist() == [[17, 3], [40, 5]]
    assert found.near.tolist() == [[100, 9]]


def test_inside_a_cohort_each_copy_is_paired_once_with_an_earlier_row(cohort: Cohort) -> None:
    x = cohort.x.copy()
    x[[50, 70]] = x[10]
    x[60] = x[20] * np.float32(1.0001)
    found = duplicates(replace(cohort, x=x))
    assert found.exact.tolist() == [[10, 50], [10, 70]]
    assert found.near.tolist() == [[20, 60]]


def test_a_synthetic_cohort_of_mere_copies_does_not_hide_itself(cohort: Cohort) -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(300, size=200)
    noisy = cohort.x[rows] + rng.normal(0, 0.01, (200, 60)).astype(np.float32)
    copies = replace(cohort.take(rows), x=noisy)
    assert duplicates(cohort, copies).near[:, 0].tolist() == rows.tolist()


def test_sequencing_the_same_library_again_is_near(cohort: Cohort) -> None:
    counts = simulate("simulated-expression", 200, 1, genes=400)
    again = counts.x.copy()
    again[1] = 3 * again[0]  # the same proportions at three times the depth
    found = duplicates(replace(counts, x=again))
    assert found.near.tolist() == [[0, 1]]


def test_blocks_give_what_one_block_gives(cohort: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    x = cohort.x.copy()
    x[299] = x[0]
    x[298] = x[1] + np.float32(1e-3)
    changed = replace(cohort, x=x)
    whole = duplicates(changed)
    monkeypatch.setattr("cohortsmith.data.duplication.records.DISTANCES_AT_ONCE", 1000)
    small = duplicates(changed)
    np.testing.assert_array_equal(whole.exact, small.exact)
    np.testing.assert_array_equal(whole.near, small.near)
    assert len(small.near) == 1


def test_other_genes_are_refused(cohort: Cohort) -> None:
    with pytest.raises(DataError, match="same genes"):
        duplicates(cohort, simulate("simulated-expression", 20, 0, genes=61))
