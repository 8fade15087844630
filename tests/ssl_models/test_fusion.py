"""Fusion: the product of probabilities, and weights that validation chooses."""

from __future__ import annotations

import numpy as np
import pytest

from cohortsmith.data import DataError
from cohortsmith.ssl_models import Fusion


def members(seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """Four hundred patients of three classes: one member that knows much, one that knows little, one that guesses."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 400)
    scores = [rng.normal(0, 1, (400, 3)) + knows * np.eye(3)[y] for knows in (3.0, 1.0, 0.0)]
    shares = [np.exp(s) / np.exp(s).sum(axis=1, keepdims=True) for s in scores]
    return shares, y


def cross_entropy(proba: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(proba[np.arange(len(y)), y]).mean())


def test_the_product_is_the_product() -> None:
    a, b = np.array([[0.5, 0.3, 0.2]]), np.array([[0.1, 0.8, 0.1]])
    expected = a * b / (a * b).sum()
    np.testing.assert_allclose(Fusion.product(2)([a, b]), expected, rtol=1e-12)
    np.testing.assert_allclose(Fusion.product(1)([a]), a, rtol=1e-12)
    np.testing.assert_allclose(Fusion((1.0, 0.0))([a, b]), a, rtol=1e-12)


def test_one_member_s_nought_does_not_break_it() -> None:
    a, b = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    np.testing.assert_allclose(Fusion.product(2)([a, b]), [[0.5, 0.5]])


def test_chosen_weights_are_the_best_and_leave_the_guessing_out() -> None:
    shares, y = members()
    chosen = Fusion.chosen(shares, y)
    assert chosen.weights[0] > chosen.weights[1] > chosen.weights[2]
    assert chosen.weights[2] < 0.15
    best = cross_entropy(chosen(shares), y)
    assert best < cross_entropy(Fusion.product(3)(shares), y)
    for at in range(3):
        for step in (-0.05, 0.05):
            near = list(chosen.weights)
            near[at] = max(near[at] + step, 0.0)
            assert cross_entropy(Fusion(tuple(near))(shares), y) >= best - 1e-9
    new, truth = members(seed=1)
    assert cross_entropy(chosen(new), truth) < cross_entropy(Fusion.product(3)(new), truth)
    assert Fusion.chosen(shares, y) == chosen


def test_members_that_do_not_go_together_are_refused() -> None:
    shares, y = members()
    with pytest.raises(DataError, match="expected probabilities of 2 classifiers; got 3"):
        Fusion.product(2)(shares)
    with pytest.raises(DataError, match="same patients and classes"):
        Fusion.product(2)([shares[0], shares[1][:5]])
    with pytest.raises(DataError, match="same patients and classes"):
        Fusion.product(0)([])
    with pytest.raises(DataError, match="each of 400 patients"):
        Fusion.chosen(shares, y[:3])
