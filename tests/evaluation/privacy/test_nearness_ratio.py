"""A few copies among many records are found by the ratio of distances; other patients and repetition are not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from scipy.special import comb

from cohortsmith.evaluation import Comparison
from cohortsmith.evaluation.core import NotEvaluable
from cohortsmith.evaluation.privacy.near_copies import NEAR_COPIES
from cohortsmith.evaluation.privacy.nearness_ratio import _patients, count_excess, nearness_ratio
from tests.evaluation import sequences
from tests.evaluation.cohorts import bootstrap, cohort, one_mode, patients

if TYPE_CHECKING:
    from cohortsmith.data.cohort import Cohort


def _planted(train: Cohort, made: Cohort, copies: int, noise: float) -> Cohort:
    rng = np.random.default_rng(4)
    x = made.x.copy()
    x[:copies] = train.x[rng.choice(len(train), copies, replace=False)]
    x[:copies] += noise * train.x.std(axis=0) * rng.standard_normal((copies, x.shape[1]))
    return cohort(x, made.y)


@pytest.mark.parametrize("noise", [0.01, 0.1])
def test_one_copy_in_a_hundred_is_proven(noise: float) -> None:
    train, holdout = patients(600, 1), patients(500, 2)
    found = nearness_ratio(Comparison(train, holdout, _planted(train, patients(2000, 3), 20, noise)), 0)
    assert found.low is not None
    assert 0.004 < found.low <= found.value < 0.03
    assert found.detail["p"] < 0.01


def test_other_patients_and_a_generator_that_repeats_itself_are_not() -> None:
    proven = []
    for seed in range(8):
        train, holdout, made = patients(300, seed), patients(130, 100 + seed), patients(300, 200 + seed)
        proven += [nearness_ratio(Comparison(train, holdout, one), 0).low for one in (made, one_mode(made, seed))]
    assert sum(bool(low) for low in proven) <= 1


def test_all_of_a_bootstrap_is_found_although_records_repeat() -> None:
    train = patients(400, 1)
    found = nearness_ratio(Comparison(train, patients(300, 2), bootstrap(train, 400, 3)), 0)
    assert found.value == 1
    assert found.detail["n"] < 300  # equal records count once
    metric = next(metric for metric in NEAR_COPIES if metric.name == "near_copies_ratio")
    assert metric.compute(Comparison(train, patients(300, 2), patients(400, 3))).ok


def test_records_of_one_patient_and_equal_records_are_one_patient() -> None:
    z = np.asarray([[0.0], [1], [1], [2], [3]], dtype=np.float32)
    assert _patients(z, np.asarray(["a", "b", "c", "c", "d"])).tolist() == [0, 1, 1, 1, 2]
    train = patients(200, 1)
    twice = replace(
        train.take(np.repeat(np.arange(200), 2)),
        subjects=np.repeat(train.subjects, 2),
        obs=pd.DataFrame(index=[f"s{i}" for i in range(400)]),
    )
    other = patients(200, 3)
    once = nearness_ratio(Comparison(train, patients(200, 2), _planted(train, other, 20, 0.05)), 0)
    found = nearness_ratio(Comparison(twice, patients(200, 2), _planted(train, other, 20, 0.05)), 0)
    assert found.value == once.value > 0


def test_the_count_test_by_hand() -> None:
    train, holdout = np.asarray([0.1, 0.2, 0.3, 0.9, 0.95]), np.asarray([0.5, 0.6, 0.7, 0.8, 0.99])
    found = count_excess(train, holdout)
    # the 3 lowest of 10 are all train's: 1 / C(10, 3) * C(5, 3) = 10 / 120, times five cuts
    assert (found.below, found.allowed, found.cut) == (3, 0, 0.5)
    assert found.p == pytest.approx(5 * comb(5, 3) / comb(10, 3))
    assert found.proven == 0
    many = np.linspace(0.01, 0.2, 40)
    sure = count_excess(np.concatenate([many, np.full(60, 0.9)]), np.linspace(0.5, 1, 100))
    # 2^-j * 5 <= .01 for j >= 9: with 32 copies taken away, 8 remain, which is usual
    assert (sure.below, sure.proven) == (40, 32)


def test_presence_and_few_patients_have_no_ratio() -> None:
    c = Comparison(sequences.patients(60, 1), sequences.patients(60, 2), sequences.patients(60, 3))
    with pytest.raises(NotEvaluable, match="presence"):
        nearness_ratio(c, 0)
    with pytest.raises(NotEvaluable, match="at least 20"):
        nearness_ratio(Comparison(patients(60, 1), patients(12, 2), patients(60, 3)), 0)
