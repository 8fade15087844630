from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    roc_auc_score,
)

from cohortsmith.data import DataError
from cohortsmith.evaluation.core.probability_scores import scores

ABC = ("a", "b", "c")
Y = np.array([0, 0, 1, 1])
P = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.7, 0.1], [0.1, 0.5, 0.4]])  # the second patient is missed


def test_scores_by_hand_where_a_class_is_absent() -> None:
    found = scores(Y, P, ABC)
    assert found.n == 4
    assert found.accuracy == 0.75
    assert found.mean_class_accuracy == 0.75  # a 1/2, b 2/2; c does not count
    assert found.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found.auc == pytest.approx((4 / 4 + 3 / 4) / 2)  # a: .8 .3 over .2 .1; b: .7 .5 over .1 .6
    assert found.brier == pytest.approx((0.06 + 0.86 + 0.14 + 0.42) / 4)
    assert found.cross_entropy == pytest.approx(-math.log(0.8 * 0.3 * 0.7 * 0.5) / 4)
    assert found.confusion.tolist() == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    a, b, c = found.by_class
    assert a[:3] == ("a", 2, 0.5)
    assert b[1:] == pytest.approx((2, 1.0, 4 / 5, 3 / 4))
    assert c[:2] == ("c", 0)
    assert np.isnan(c[2:]).all()


def test_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 4, 200), rng.dirichlet(np.ones(4), 200).round(2)  # with ties
    p /= p.sum(axis=1, keepdims=True)
    found, said = scores(y, p, tuple("abcd")), p.argmax(axis=1)
    assert found.mean_class_accuracy == pytest.approx(balanced_accuracy_score(y, said))
    assert found.macro_f1 == pytest.approx(f1_score(y, said, average="macro"))
    assert found.auc == pytest.approx(roc_auc_score(y, p, multi_class="ovr", average="macro"))
    assert found.cross_entropy == pytest.approx(log_loss(y, p))
    assert found.confusion.tolist() == confusion_matrix(y, said).tolist()
    two = np.stack([p[:, 0], 1 - p[:, 0]], axis=1)
    half = scores((y > 1).astype(int), two, ("a", "b"))
    # of two classes the summed distance is twice the usual one
    assert half.brier == pytest.approx(2 * brier_score_loss(y > 1, two[:, 1]))


def test_a_sure_mistake_costs_much_but_stays_finite() -> None:
    found = scores(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]), ("a", "b"))
    assert found.cross_entropy == pytest.approx(52 * math.log(2) / 2)
    assert found.brier == 1.0
    assert found.auc == 0.5


def test_one_class_alone_has_no_auc() -> None:
    found = scores(np.array([1, 1]), np.array([[0.1, 0.9], [0.6, 0.4]]), ("a", "b"))
    assert found.accuracy == found.mean_class_accuracy == 0.5
    assert math.isnan(found.auc)


def test_rows_are_of_all_classes_then_of_each() -> None:
    whole, a, _, c = scores(Y, P, ABC).rows()
    assert (whole["label"], whole["n"], whole["accuracy"]) == ("", 4, 0.75)
    assert whole["confusion"] == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert (a["label"], a["n"], a["accuracy"], a["confusion"]) == ("a", 2, 0.5, None)
    assert math.isnan(a["brier"])
    assert c["n"] == 0
    assert whole.keys() == a.keys()


@pytest.mark.parametrize(
    ("y", "p", "says"),
    [
        ([0, 1], [[1.0, 0.0]], r"shape \(2, 2\)"),
        ([], np.zeros((0, 2)), "at least one patient"),
        ([0, 2], [[1.0, 0.0], [0.0, 1.0]], "0 to 1"),
        ([0.0, 1.0], [[1.0, 0.0], [0.0, 1.0]], "whole numbers"),
        ([0, 1], [[1.0, 0.5], [0.0, 1.0]], "sum to one"),
        ([0, 1], [[1.5, -0.5], [0.0, 1.0]], "zero or more"),
        ([0, 1], [[np.nan, 0.5], [0.0, 1.0]], "sum to one"),
    ],
)
def test_what_are_no_probabilities_is_refused(y: list[float], p: list[list[float]], says: str) -> None:
    with pytest.raises(DataError, match=says):
        scores(np.array(y), np.array(p), ("a", "b"))
