from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.data import DataError, simulate, split

if TYPE_CHECKING:
    from collections.abc import Callable

    from cohortsmith.data import Cohort


def test_plain_cohort_is_split_stratified_with_the_right_counts() -> None:
    cohort = simulate("simulated-expression", 200, 0, genes=10, classes=4)
    train, holdout = split(cohort, seed=0)
    assert (len(train), len(holdout)) == (140, 60)
    for name, size in cohort.class_counts().items():
        assert abs(holdout.class_counts()[name] - 0.3 * size) < 1
        assert train.class_counts()[name] + holdout.class_counts()[name] == size
    assert sorted([*train.ids, *holdout.ids]) == sorted(cohort.ids)


def test_same_seed_same_split_and_other_seed_another() -> None:
    cohort = simulate("simulated-expression", 200, 0, genes=10)
    assert split(cohort, 1).holdout.ids.tolist() == split(cohort, 1).holdout.ids.tolist()
    assert split(cohort, 1).holdout.ids.tolist() != split(cohort, 2).holdout.ids.tolist()


def test_every_patient_is_as_likely_to_be_held_out() -> None:
    cohort = simulate("simulated-expression", 40, 0, genes=10, classes=2)
    held = np.zeros(40)
    for seed in range(300):
        held += np.isin(cohort.ids, split(cohort, seed).holdout.ids)
    # binomial around 90 with sd 7.9: 5 sd on either side
    assert held.min() > 50
    assert held.max() < 130


def test_global_random_state_is_left_alone() -> None:
    cohort = simulate("simulated-expression", 40, 0, genes=10)
    before = repr(np.random.get_state())  # noqa: NPY002 it is the global state that is looked at
    split(cohort, 0)
    simulate("simulated-expression", 40, 0, genes=10)
    assert repr(np.random.get_state()) == before  # noqa: NPY002


def test_patients_with_tumour_and_normal_tissue_stay_whole(paired: Cohort) -> None:
    train, holdout = split(paired, seed=0)
    assert not set(train.subjects) & set(holdout.subjects)
    assert holdout.class_counts() == {"BRCA normal": 18, "BRCA tumour": 18, "OV normal": 6, "OV tumour": 6}


def test_patients_with_many_samples_are_dealt_evenly(make_cohort: Callable[..., Cohort]) -> None:
    rng = np.random.default_rng(3)
    subjects = np.repeat([f"p{i}" for i in range(150)], rng.integers(1, 8, 150))
    labels = np.where(rng.random(len(subjects)) < 0.2, "rare", "usual")  # some patients have both
    cohort = make_cohort(rng.normal(size=(len(subjects), 3)).astype(np.float32), labels.tolist(), subjects.tolist())
    train, holdout = split(cohort, seed=0)
    assert not set(train.subjects) & set(holdout.subjects)
    for name, size in cohort.class_counts().items():
        assert holdout.class_counts()[name] == pytest.approx(0.3 * size, abs=4)


@pytest.mark.parametrize("holdout", [0.01, 0.3, 0.99])
def test_class_with_two_patients_stands_on_both_sides(make_cohort: Callable[..., Cohort], holdout: float) -> None:
    x = np.arange(84, dtype=np.float32).reshape(42, 2)
    cohort = make_cohort(x, ["a"] * 2 + ["b"] * 40)
    for side in split(cohort, seed=0, holdout=holdout):
        assert side.class_counts()["a"] == 1
        assert side.class_counts()["b"] >= 1


def test_class_that_cannot_be_split_is_named(make_cohort: Callable[..., Cohort]) -> None:
    x = np.zeros((5, 2), dtype=np.float32)
    with pytest.raises(DataError, match="class 'a' has one patient"):
        split(make_cohort(x, ["a", "b", "b", "b", "b"]), seed=0)
    with pytest.raises(DataError, match="class 'a' has one patient"):
        split(make_cohort(x, ["a", "a", "b", "b", "b"], ["p", "p", "q", "r", "s"]), seed=0)


@pytest.mark.parametrize("holdout", [0.0, 1.0, -1.0, 30.0])
def test_share_out_of_range_is_refused(simulated: Cohort, holdout: float) -> None:
    with pytest.raises(DataError, match="between 0 and 1"):
        split(simulated, 0, holdout)
