"""Statistics of many attacks at once, against closed forms and simulation."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from cohortsmith.evaluation.core.intervals import auc
from cohortsmith.evaluation.privacy.looks import Scores, by_patient, joint_factor, look_at, members_above


def _scores(rng: np.random.Generator, m: int = 60, n: int = 40, shift: float = 0.0) -> Scores:
    return Scores(rng.standard_normal(m) + shift, rng.standard_normal(n), np.arange(m), np.arange(m, m + n))


def test_one_part_has_delongs_interval() -> None:
    scores = _scores(np.random.default_rng(0), shift=0.5)
    expected = auc(scores.members, scores.non_members)
    assert look_at([scores]).interval() == pytest.approx(expected, abs=2e-3)


def test_rows_of_a_patient_are_one() -> None:
    score, ids = by_patient(np.asarray([1.0, 3.0, 5.0]), np.asarray([7, 7, 2]))
    assert (score.tolist(), ids.tolist()) == ([5.0, 2.0], [2, 7])


def test_what_makes_a_patient_easy_to_recognise_cancels_over_folds() -> None:
    """The same scores in every fold: each pair of patients is compared both ways, and the AUC is a half for certain."""
    rng = np.random.default_rng(1)
    score, fold = rng.standard_normal(120), np.arange(120) % 4
    parts = []
    for k in range(4):
        out = np.flatnonzero(fold == k)
        inside = np.flatnonzero(fold != k)
        parts.append(Scores(score[inside], score[out], inside, out))
    found = look_at(parts)
    assert found.value == pytest.approx(0.5)
    assert found.error < 0.005


def test_equal_looks_count_once_and_independent_ones_each() -> None:
    rng = np.random.default_rng(2)
    one = look_at([_scores(rng)])
    alone = joint_factor([one])
    assert alone == pytest.approx(2.33, abs=0.12)  # 98 % of a normal distribution
    assert joint_factor([one] * 20) == pytest.approx(alone, abs=1e-6)
    many = joint_factor([look_at([_scores(rng)]) for _ in range(20)])
    assert many == pytest.approx(3.29, abs=0.2)  # the 98 % quantile of the largest of 20


def test_members_above_by_hand() -> None:
    """Three of five members above all of five others: three of the ten highest are all members."""
    found, chance = members_above(np.asarray([9, 8, 7, 1, 0.5]), np.asarray([6, 5, 4, 3, 2]), 0)
    assert found == 3
    assert chance == pytest.approx(comb(5, 3) / comb(10, 3))
    assert members_above(np.zeros(5), np.zeros(5), 0) == (0, 1.0)  # ties say nothing


def test_the_chance_of_the_count_test_is_kept() -> None:
    rng = np.random.default_rng(4)
    alarms = [members_above(rng.random(80), rng.random(30), 0)[1] <= 0.05 for _ in range(2000)]
    assert np.mean(alarms) <= 0.06
