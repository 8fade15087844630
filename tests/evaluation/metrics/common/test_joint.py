from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from cohortsmith.evaluation.metrics.common.joint import correlation, frechet, frechet_distance, mmd, sliced_wasserstein
from cohortsmith.evaluation.spaces import ExpressionView
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.cohorts import cohort, independent, one_mode, patients


@pytest.fixture(scope="module")
def good() -> Comparison:
    return Comparison(patients(400, 1), patients(240, 2), patients(400, 3))


@pytest.fixture(scope="module")
def shapeless() -> Comparison:
    return Comparison(patients(400, 1), patients(240, 2), independent(patients(400, 3), 4))


def test_correlations_agree_for_real_and_vanish_for_independent_genes(good: Comparison, shapeless: Comparison) -> None:
    real, none = correlation(good, 0), correlation(shapeless, 0)
    assert real.value > 0.95
    assert real.low is not None
    assert real.reference is not None
    assert none.high is not None
    assert none.high < real.low
    assert abs(none.value) < 0.4


def test_correlation_agreement_by_hand(good: Comparison) -> None:
    draw = good.draw(2000, 0)
    at = np.triu_indices(12, 1)
    a, b = (np.asarray(np.corrcoef(side.T))[at] for side in (draw.real, draw.synthetic))
    found = correlation(good, 0)
    assert found.value == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-4)
    assert found.detail["mean_absolute_difference"] == pytest.approx(np.abs(a - b).mean(), abs=1e-4)


def test_a_constant_synthetic_gene_is_no_agreement_and_no_crash() -> None:
    made = patients(400, 3)
    flat = cohort(np.zeros_like(made.x), made.y)
    assert correlation(Comparison(patients(400, 1), patients(240, 2), flat), 0).value == 0


def test_unbiased_mmd_by_hand() -> None:
    c = Comparison(patients(90, 1), patients(40, 2), patients(60, 3))
    draw = c.draw(2000, 0)
    n = len(draw)
    within = cdist(draw.real, draw.real)
    width = np.median(within[np.triu_indices(n, 1)])

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.exp(-cdist(a, b, "sqeuclidean") / (2 * width**2))

    off = ~np.eye(n, dtype=bool)
    slow = kernel(draw.real, draw.real)[off].mean() + kernel(draw.synthetic, draw.synthetic)[off].mean()
    slow -= 2 * kernel(draw.real, draw.synthetic).mean()
    assert mmd(c, 0).value == pytest.approx(slow, abs=1e-5)


def test_mmd_is_about_zero_for_real_and_above_for_independent_genes(good: Comparison, shapeless: Comparison) -> None:
    real, none = mmd(good, 0), mmd(shapeless, 0)
    assert real.low is not None
    assert real.high is not None
    assert real.low < 0 < real.high
    assert none.low is not None
    assert none.low > real.high


def test_frechet_of_gaussians_known_in_closed_form() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((500, 3)) @ rng.standard_normal((3, 3)), rng.standard_normal((400, 3)) + 1
    first, second = np.cov(a.T), np.cov(b.T)
    slow = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert frechet_distance(a, b) == pytest.approx(slow, rel=1e-6)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    one = rng.standard_normal((100_000, 1))
    assert frechet_distance(one, 2 * one + 3) == pytest.approx(9 + 1, rel=0.02)  # (2 - 1)^2 + 3^2


@pytest.mark.parametrize("measure", [frechet, sliced_wasserstein])
def test_faults_are_farther_than_real(measure: object, good: Comparison, shapeless: Comparison) -> None:
    assert callable(measure)
    collapsed = Comparison(good.train, good.holdout, one_mode(good.train, 5))
    real, none, one = measure(good, 0), measure(shapeless, 0), measure(collapsed, 0)
    assert real.high < none.low
    assert real.high < one.low
    assert real.value == pytest.approx(real.reference, abs=real.high - real.value)


def test_sliced_wasserstein_of_a_shift() -> None:
    """All profiles moved by d: W2 along a direction v is |v d|, root mean square |d| / sqrt(genes)."""
    holdout = patients(300, 2)
    moved = cohort(holdout.x + 20, holdout.y)
    c = Comparison(patients(450, 1), holdout, moved)
    distance = np.linalg.norm(20 / c.seen_as(ExpressionView).spread) / np.sqrt(12)
    assert sliced_wasserstein(c, 0).value == pytest.approx(distance, rel=0.15)
