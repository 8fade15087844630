"""Attribute inference from half a record, on cohorts whose answer is known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.privacy.attribute_disclosure import (
    Disclosure,
    Half,
    _shared,
    disclosure,
    nearest_class,
    nearest_values,
    ridge_values,
)
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation import images, sequences
from tests.evaluation.cohorts import bootstrap, patients


@cache
def _found(kind: str, what: str) -> dict[str, Disclosure]:
    if kind == "expression":
        train, holdout, others = (patients(n, s) for n, s in ((500, 1), (400, 2), (500, 9)))
    elif kind == "image":
        train, holdout, others = (images.cells(n, s) for n, s in ((300, 1), (200, 2), (300, 9)))
    else:
        train, holdout, others = (sequences.patients(n, s, deletions=0) for n, s in ((600, 1), (500, 2), (600, 9)))
    made = bootstrap(train, len(train), 3) if what == "copies" else others
    return {each.name: each for each in disclosure(Comparison(train, holdout, made), 0)}


@pytest.mark.parametrize("kind", ["expression", "image"])
def test_copies_reveal_the_other_half(kind: str) -> None:
    found = _found(kind, "copies")["values, nearest"]
    assert found.gain.low > 0.1
    assert found.train.value > 0.6
    assert found.gain.value == pytest.approx(found.train.value - found.holdout.value)
    assert found.control.low <= 0 <= found.control.high


@pytest.mark.parametrize("kind", ["expression", "sequence", "image"])
def test_other_patients_reveal_nothing(kind: str) -> None:
    for found in _found(kind, "others").values():
        assert found.gain.low <= 0 <= found.gain.high
        assert found.control.low <= 0.01
        assert found.control.high >= -0.01
        assert found.gain.low < found.gain.value < found.gain.high
        assert found.baseline <= found.train.value + 0.1


def test_every_kind_has_its_attacks() -> None:
    attacks = ["values, nearest", "values, ridge", "class, nearest", "class, logistic"]
    assert list(_found("expression", "others")) == list(_found("image", "others")) == attacks
    assert list(_found("sequence", "others")) == [name for name in attacks if name != "values, ridge"]


def test_copies_reveal_a_class_that_cannot_be_learnt() -> None:
    """Random labels: only a copy reveals a class."""
    rng = np.random.default_rng(0)
    train, holdout = patients(500, 1), patients(300, 2)
    for side in (train, holdout):
        rng.shuffle(side.y)
    made = bootstrap(train, 500, 3)
    found = {each.name: each for each in disclosure(Comparison(train, holdout, made), 0)}["class, nearest"]
    assert found.gain.low > 0.2
    assert found.holdout.value == pytest.approx(1 / 3, abs=0.1)
    assert found.baseline == pytest.approx(1 / 3, abs=0.05)


def test_methods_by_hand() -> None:
    known = np.asarray([[0], [1], [2]], dtype=np.float32)
    held = Half(known, 3 * known + 1, np.asarray([0, 1, 2]))
    x = np.asarray([[0.4], [1.9]], dtype=np.float32)
    asked = Half(x, np.zeros((2, 1), dtype=np.float32), np.zeros(2, dtype=np.int64))
    assert nearest_values(asked, held).ravel().tolist() == [1, 7]
    assert nearest_class(asked, held).tolist() == [0, 2]
    slope = 3 * 2 / (2 + 1)  # sum of squares about the mean 2, penalty 1
    assert ridge_values(asked, held).ravel() == pytest.approx(4 + slope * (x.ravel() - 1), abs=1e-5)


def test_score_of_edits_by_hand() -> None:
    truth = np.asarray([[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 0, 0]], dtype=np.float32)
    guess = np.asarray([[1, 0, 1], [1, 0, 0], [1, 0, 0], [0, 0, 0]], dtype=np.float32)
    np.testing.assert_allclose(_shared(truth, guess), [1 / 3, 1, np.nan, 0])


def test_too_few_patients_are_not_evaluable() -> None:
    with pytest.raises(NotEvaluable, match="at least 20 patients of train, in each half of the holdout"):
        disclosure(Comparison(patients(100, 1), patients(30, 2), patients(100, 3)), 0)


def test_same_seed_same_figures() -> None:
    a, b, c = patients(200, 1), patients(120, 2), patients(200, 3)
    assert disclosure(Comparison(a, b, c), 0) == disclosure(Comparison(a, b, c), 0)
