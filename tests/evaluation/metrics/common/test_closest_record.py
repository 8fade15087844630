from __future__ import annotations

import numpy as np
import pytest

from cohortsmith.evaluation.metrics.common.closest_record import dcr, dcr_share, exact_copies, nndr
from cohortsmith.evaluation.spaces import ExpressionView
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.cohorts import bootstrap, cohort, patients


def test_exact_copies_are_counted() -> None:
    train, made = patients(200, 1), patients(100, 3)
    x = made.x.copy()
    x[:7] = train.x[10:17]
    found = exact_copies(Comparison(train, patients(100, 2), cohort(x, made.y)), 0)
    assert found.value == 7 / 100
    assert found.detail["copies"] == found.detail["train_copied"] == 7
    assert found.reference == 0


def test_a_copy_survives_rounding_of_a_file_but_a_near_one_is_none() -> None:
    train = patients(200, 1)
    rounded = cohort(np.round(train.x.astype(np.float64), 7), train.y)
    near = cohort(train.x + 0.01, train.y)
    assert exact_copies(Comparison(train, train, rounded), 0).value > 0.95
    assert exact_copies(Comparison(train, train, near), 0).value == 0


def test_holdout_copies_of_train_are_the_reference() -> None:
    train, holdout = patients(200, 1), patients(100, 2)
    x = holdout.x.copy()
    x[:5] = train.x[:5]
    assert exact_copies(Comparison(train, cohort(x, holdout.y), patients(50, 3)), 0).reference == 5 / 100


def test_real_patients_are_as_far_from_train_as_the_holdout() -> None:
    c = Comparison(patients(400, 1), patients(300, 2), patients(400, 3))
    for measure in (dcr, nndr):
        found = measure(c, 0)
        assert found.value == pytest.approx(found.reference, rel=0.05)
    share = dcr_share(c, 0)
    assert share.low is not None
    assert share.high is not None
    assert share.low < 0.5 < share.high


def test_copies_are_at_zero_and_near_copies_near() -> None:
    train, holdout = patients(400, 1), patients(300, 2)
    copies = Comparison(train, holdout, bootstrap(train, 400, 4))
    assert dcr(copies, 0).value == 0
    assert nndr(copies, 0).value == 0
    assert (dcr(copies, 0).reference or 0) > 0.1
    noise = 0.02 * np.random.default_rng(5).standard_normal(train.x.shape)
    near = Comparison(train, holdout, cohort(train.x + noise, train.y))
    assert nndr(near, 0).value < 0.5 * (nndr(near, 0).reference or 0)
    share = dcr_share(near, 0)
    assert share.low is not None
    assert share.low > 0.6


def test_dcr_is_a_root_mean_square_over_genes() -> None:
    train = patients(100, 1)
    c = Comparison(train, patients(60, 2), cohort(train.x + 1e-3, train.y))
    assert dcr(c, 0).value == pytest.approx(np.sqrt(np.mean((1e-3 / c.seen_as(ExpressionView).spread) ** 2)), rel=1e-2)


def test_ties_between_train_and_holdout_count_half() -> None:
    both = patients(90, 1)
    assert dcr_share(Comparison(both, both, patients(90, 3)), 0).value == pytest.approx(0.5)
