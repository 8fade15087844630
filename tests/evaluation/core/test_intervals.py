from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cohortsmith.evaluation.core.intervals import (
    auc,
    auc_over_folds,
    from_halves,
    group_of,
    half_samples,
    jackknife,
    median,
    wilson,
)


def test_wilson_against_the_textbook() -> None:
    value, low, high = wilson(8, 10)  # Wilson's interval of 8 out of 10: 0.490 .. 0.943
    assert value == 0.8
    assert low == pytest.approx(0.490, abs=1e-3)
    assert high == pytest.approx(0.943, abs=1e-3)
    assert wilson(0, 10).low == 0
    assert wilson(10, 10).high == 1


def test_auc_by_hand_counts_ties_half() -> None:
    assert auc(np.asarray([2, 3]), np.asarray([1, 2])).value == (1 + 0.5 + 1 + 1) / 4


def test_delong_against_all_pairs() -> None:
    rng = np.random.default_rng(0)
    p, n = rng.normal(0.5, 1, 30).round(1), rng.normal(0, 1, 40).round(1)
    pairs = (p[:, None] > n) + (p[:, None] == n) / 2
    variance = pairs.mean(axis=1).var(ddof=1) / 30 + pairs.mean(axis=0).var(ddof=1) / 40
    found = auc(p, n)
    assert found.value == pytest.approx(roc_auc_score(np.repeat([1, 0], [30, 40]), np.concatenate([p, n])))
    assert found.high - found.value == pytest.approx(1.959964 * np.sqrt(variance))


def test_a_perfect_auc_still_has_an_interval() -> None:
    found = auc(np.arange(10, 20), np.arange(10))
    assert found.value == 1
    assert found.low < 1


def test_folds_are_not_ranked_against_each_other() -> None:
    fold = (np.asarray([0.9, 0.8]), np.asarray([0.1, 0.2]))
    lower = (np.asarray([0.09, 0.08]), np.asarray([0.01, 0.02]))
    assert auc_over_folds([fold, lower]).value == 1


@pytest.mark.parametrize("kind", ["groups", "halves"])
def test_both_jackknives_know_the_variance_of_a_mean(kind: str) -> None:
    widths = []
    for seed in range(200):
        x = np.random.default_rng(seed).normal(0, 1, 400)
        group = group_of(400)
        if kind == "groups":
            found = jackknife(x.mean(), [x[group != g].mean() for g in range(10)])
        else:
            found = from_halves(x.mean(), [x[keep[group]].mean() for keep in half_samples()])
        widths.append((found.high - found.value) / 2.262)
    assert np.sqrt(np.mean(np.square(widths))) == pytest.approx(1 / 20, rel=0.1)


def test_median_interval() -> None:
    value, low, high = median(np.arange(101))
    assert value == 50
    assert (low, high) == (40, 60)  # the 41st and 61st of 101, binomial ranks
