from __future__ import annotations

import numpy as np
import pytest

from cohortsmith.evaluation.core.sklearn_models import Logistic
from cohortsmith.evaluation.metrics.common.discriminator import (
    FOLDS,
    discriminator_accuracy,
    discriminator_auc,
    discriminator_auc_linear,
    folds_of,
)
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.cohorts import cohort, independent, patients


def test_boosting_sees_missing_structure_and_the_linear_one_does_not() -> None:
    train, holdout = patients(600, 1), patients(300, 2)
    c = Comparison(train, holdout, independent(train, 4))
    assert discriminator_auc(c, 0).value > 0.8
    assert discriminator_accuracy(c, 0).value > 0.7
    linear = discriminator_auc_linear(c, 0)
    assert linear.high is not None
    assert linear.high < 0.7


def test_the_linear_one_sees_a_shift_and_names_its_gene() -> None:
    train, holdout, made = patients(300, 1), patients(150, 2), patients(300, 3)
    x = made.x.copy()
    x[:, 7] += 3 * x[:, 7].std()
    found = discriminator_auc_linear(Comparison(train, holdout, cohort(x, made.y)), 0)
    assert found.value > 0.85
    assert found.detail["telling_genes"][0]["gene"] == "g7"


@pytest.mark.parametrize(
    ("measure", "runs", "n"),
    [(discriminator_auc, 8, 60), (discriminator_auc_linear, 60, 60)],
    ids=["boosting", "linear"],
)
def test_identical_distributions_give_one_half(measure: object, runs: int, n: int) -> None:
    assert callable(measure)
    found = [
        measure(Comparison(patients(2 * n, 10 * s), patients(n, 10 * s + 1), patients(2 * n, 10 * s + 2)), s)
        for s in range(runs)
    ]
    covered = np.mean([f.low <= 0.5 <= f.high for f in found])
    assert covered >= 0.85
    assert np.mean([f.value for f in found]) == pytest.approx(0.5, abs=4 * 0.07 / np.sqrt(runs))
    assert np.mean([f.reference for f in found]) == pytest.approx(0.5, abs=4 * 0.07 / np.sqrt(runs))


def test_wide_train_looks_real_beside_the_holdout() -> None:
    """Components fitted on train would give train away as reference: they are fitted on other samples of it."""
    rng = np.random.default_rng(0)
    sides = [cohort(rng.standard_normal((n, 400)), np.arange(n) % 2) for n in (400, 100, 100)]
    assert discriminator_auc(Comparison(*sides), 0).reference == pytest.approx(0.5, abs=0.17)


def test_folds_hold_equal_shares_of_each_class() -> None:
    y = np.repeat([0, 1, 2], [50, 30, 15])
    folds = folds_of(y, y, 0)
    for f in range(FOLDS):
        assert np.bincount(y[folds[:95] == f]).tolist() == [10, 6, 3]
        assert np.bincount(y[folds[95:] == f]).tolist() == [10, 6, 3]


def test_logistic_in_the_span_of_few_samples_is_the_same_classifier() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 60)).astype(np.float32), np.arange(20) % 2
    other = rng.standard_normal((50, 60)).astype(np.float32)
    slow = LogisticRegression(max_iter=5000, tol=1e-8).fit(x.astype(float), y)
    fast = Logistic(x, y)
    assert np.allclose(fast.predict_proba(other), slow.predict_proba(other), atol=5e-3)
    assert np.allclose(fast.weights(), slow.coef_, atol=5e-3)


def test_components_of_wide_cohorts_are_those_of_the_two_sides_compared() -> None:
    """Synthetic patients have no part in the reference's components, nor train in theirs."""
    wide = [cohort(np.random.default_rng(s).normal(size=(150, 400)), np.arange(150) % 3) for s in range(4)]
    train, holdout, made, other = wide
    first, second = (Comparison(train, holdout, side).view.boosted(100, 0) for side in (made, other))
    components = slice(0, 20)
    for side in ("real_beside_reference", "reference"):
        assert np.allclose(getattr(first, side)[:, components], getattr(second, side)[:, components], atol=1e-4)
    assert not np.allclose(first.real[:, components], second.real[:, components], atol=0.1)
    assert first.real_beside_reference is not None
    assert not np.allclose(first.real[:, components], first.real_beside_reference[:, components], atol=0.1)
