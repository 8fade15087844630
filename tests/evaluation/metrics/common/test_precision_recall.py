from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from cohortsmith.evaluation.metrics.common.precision_recall import (
    adversarial_accuracy,
    coverage,
    density,
    manifold,
    precision,
    recall,
)
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.cohorts import bootstrap, independent, one_mode, patients


def test_manifold_by_hand() -> None:
    real = np.asarray([[0.0], [1], [2], [10]])  # radii to the nearest: 1, 1, 1, 8
    made = np.asarray([[0.5], [1.5], [30], [31]])  # radii: 1, 1, 1, 1
    found = manifold(cdist(real, real), cdist(made, made), cdist(real, made), k=1)
    assert found.precision == 2 / 4  # 0.5 and 1.5
    assert found.recall == 3 / 4  # 0, 1 and 2 lie within 1 of a synthetic one
    assert found.density == 4 / 4  # 0.5 in the balls of 0 and 1, 1.5 in those of 1 and 2
    assert found.coverage == 3 / 4  # 10 has none: the nearest, 1.5, is 8.5 away


def test_a_collapsed_mode_loses_recall_and_coverage() -> None:
    train, holdout = patients(400, 1), patients(240, 2)
    good, one = Comparison(train, holdout, patients(400, 3)), Comparison(train, holdout, one_mode(train, 4))
    for measure in (recall, coverage):
        assert measure(good, 0).value > 0.8
        assert measure(one, 0).value < 0.1


def test_independent_genes_lose_precision_and_density() -> None:
    train, holdout = patients(400, 1), patients(240, 2)
    good, none = Comparison(train, holdout, patients(400, 3)), Comparison(train, holdout, independent(train, 4))
    for measure in (precision, density):
        assert measure(none, 0).value < measure(good, 0).value / 2


def test_adversarial_accuracy_by_hand() -> None:
    from cohortsmith.evaluation.metrics.common.precision_recall import _farther

    across, within = np.asarray([1.0, 2, 3, 3], np.float32), np.asarray([2.0, 1, 3, 1], np.float32)
    assert _farther(across, within) == (0 + 1 + 0.5 + 1) / 4


def test_adversarial_accuracy_of_real_copies_and_far_cohorts() -> None:
    train, holdout = patients(400, 1), patients(240, 2)
    real = adversarial_accuracy(Comparison(train, holdout, patients(400, 3)), 0)
    assert real.low is not None
    assert real.high is not None
    assert real.low < 0.5 < real.high
    far = adversarial_accuracy(Comparison(train, holdout, one_mode(train, 4)), 0)
    assert far.detail["truth"] > 0.9
    assert far.detail["synthetic"] > 0.9
    copied = adversarial_accuracy(Comparison(train, train, train), 0)
    assert copied.value < 0.2


def test_copies_of_train_lose_privacy() -> None:
    """Bootstrapped patients look fine against the holdout and copied against train: that gap is the privacy loss."""
    train, holdout = patients(400, 1), patients(300, 2)
    real = adversarial_accuracy(Comparison(train, holdout, patients(400, 3)), 0)
    copies = adversarial_accuracy(Comparison(train, holdout, bootstrap(train, 400, 4)), 0)
    assert abs(real.detail["privacy_loss"]) < 0.1
    assert copies.detail["privacy_loss"] > 0.15


def test_ties_count_half() -> None:
    """Every patient twice on both sides: all nearest neighbours at distance 0, so the sides are indistinguishable."""
    half = patients(60, 1)
    twice = half.take(np.tile(np.arange(60), 2))
    found = adversarial_accuracy(Comparison(twice.take(np.tile(np.arange(120), 2)), twice, twice), 0)
    assert found.value == pytest.approx(0.5)
