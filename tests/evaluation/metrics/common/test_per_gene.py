from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from cohortsmith.evaluation.metrics.common.per_gene import js_divergence, wasserstein
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.cohorts import cohort, patients


def _with(change: float) -> Comparison:
    """Synthetic patients whose gene g3 is shifted by `change`."""
    train, holdout, made = patients(300, 1), patients(200, 2), patients(300, 3)
    x = made.x.copy()
    x[:, 3] += change
    return Comparison(train, holdout, cohort(x, made.y))


def test_wasserstein_is_scipys_gene_by_gene() -> None:
    c = _with(0.0)
    draw = c.draw(5000, 0)
    slow = [wasserstein_distance(draw.real[:, g], draw.synthetic[:, g]) for g in range(12)]
    found = wasserstein(c, 0)
    assert found.value == pytest.approx(np.mean(slow), rel=1e-4)
    assert np.allclose(found.detail["by_gene"]["value"], slow, atol=1e-4)


def test_a_shift_is_measured_in_standard_deviations_and_its_gene_named() -> None:
    before, after = wasserstein(_with(0.0), 0), wasserstein(_with(30.0), 0)
    sd = patients(300, 1).x[:, 3].std()
    assert (after.value - before.value) * 12 == pytest.approx(30 / sd, rel=0.05)
    assert after.detail["worst"][0]["gene"] == "g3"


def test_js_is_one_for_disjoint_values() -> None:
    found = js_divergence(_with(30.0), 0)
    assert found.detail["worst"][0]["gene"] == "g3"
    assert found.detail["worst"][0]["value"] == pytest.approx(1, abs=0.1)


def test_js_counts_a_point_mass_as_a_bin_of_its_own() -> None:
    rng = np.random.default_rng(0)

    def zeros(share: float, n: int) -> np.ndarray:
        return np.where(np.arange(n) < share * n, 0, 5 + rng.random(n))[:, None]

    # 50 % zeros against values just above zero: histograms with one bin for both would call them alike
    real, train = cohort(zeros(0.5, 400), np.arange(400) % 2), cohort(zeros(0.5, 800), np.arange(800) % 2)
    near = cohort(np.where(zeros(0.5, 800) == 0, 0.001, zeros(0.5, 800)), np.arange(800) % 2)
    found = js_divergence(Comparison(train, real, near), 0)
    expected = jensenshannon([0.5, 0, 0.5], [0, 0.5, 0.5], base=2) ** 2
    assert found.value == pytest.approx(expected, abs=0.1)
    assert found.reference is not None
    assert found.reference < 0.05
