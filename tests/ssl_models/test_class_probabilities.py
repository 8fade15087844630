"""The class-probability discriminator: what it can learn, what it only memorises, that it repeats itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch

from cohortsmith.data import Cohort, DataError
from cohortsmith.ssl_models import ClassProbabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray


def sequences(x: NDArray[Any], y: list[int]) -> Cohort:
    ids = [f"s{i}" for i in range(len(x))]
    return Cohort(
        kind="sequence",
        x=x.astype(np.uint8),
        y=np.asarray(y, dtype=np.int64),
        classes=("mutated", "wild-type"),
        features=tuple(str(i + 1) for i in range(x.shape[1])),
        subjects=np.asarray(ids, dtype=np.str_),
        obs=pd.DataFrame(index=pd.Index(ids)),
    )


def marked(n: int, seed: int) -> Cohort:
    """Random sequences of 30 positions whose fifth position alone tells the class."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 4, (n, 30)), rng.integers(0, 2, n)
    x[:, 4] = y
    return sequences(x, y.tolist())


def parity(n: int, seed: int) -> Cohort:
    """Two positions whose agreement is the class: no weighted vote of positions can tell it (Minsky, Papert 1969)."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, (n, 2))
    return sequences(x, (x[:, 0] == x[:, 1]).astype(int).tolist())


@pytest.mark.parametrize("activation", [True, False])
def test_a_position_that_tells_the_class_is_found(activation: bool) -> None:
    model = ClassProbabilities(activation=activation, steps=150, learning_rate=3e-3)
    model.fit(marked(1500, 0), marked(300, 1))
    assert model.accuracy(marked(300, 2)) > 0.97
    assert [row["step"] for row in model.history] == list(range(1, 151))
    first, last = model.history[0], model.history[-1]
    assert last["accuracy_train"] > 0.97
    assert first["accuracy_holdout"] < 0.8 < 0.97 < last["accuracy_holdout"]
    assert last["loss"] < first["loss"]


def test_without_activation_the_layers_are_one_linear_map() -> None:
    bent = ClassProbabilities(activation=True, width=16, steps=400, learning_rate=1e-2).fit(parity(200, 0))
    straight = ClassProbabilities(activation=False, depth=3, width=16, steps=400, learning_rate=1e-2)
    straight.fit(parity(200, 0))
    assert bent.accuracy(parity(400, 1)) == 1.0
    assert straight.accuracy(parity(400, 1)) < 0.8  # three of the four pairs at best, by the luck of the draw


def test_labels_without_a_reason_are_learned_by_heart_and_nothing_more() -> None:
    rng = np.random.default_rng(0)
    train = sequences(rng.integers(0, 4, (40, 200)), [0, 1] * 20)
    holdout = sequences(rng.integers(0, 4, (400, 200)), [0, 1] * 200)
    model = ClassProbabilities().fit(train, holdout)
    assert model.history[-1]["accuracy_train"] == 1.0
    assert 0.4 < model.history[-1]["accuracy_holdout"] < 0.6


def test_holdout_patients_are_only_looked_at_and_a_seed_repeats() -> None:
    alone = ClassProbabilities(steps=20).fit(marked(50, 0), seed=3)
    watched = ClassProbabilities(steps=20).fit(marked(50, 0), marked(70, 1), seed=3, log_every=5)
    other = ClassProbabilities(steps=20).fit(marked(50, 0), seed=4)
    state = torch.get_rng_state()
    given = alone.probabilities(marked(30, 2))
    assert np.array_equal(given, watched.probabilities(marked(30, 2)))
    assert not np.array_equal(given, other.probabilities(marked(30, 2)))
    assert torch.equal(state, torch.get_rng_state())
    np.testing.assert_allclose(given.sum(axis=1), 1.0, atol=1e-6)


def test_what_it_cannot_learn_from_is_refused() -> None:
    with pytest.raises(DataError, match="not fitted"):
        ClassProbabilities().probabilities(marked(5, 0))
    with pytest.raises(DataError, match="width must be at least 1"):
        ClassProbabilities(width=0)
    model = ClassProbabilities(steps=2).fit(marked(20, 0))
    with pytest.raises(DataError, match="positions"):
        model.probabilities(parity(5, 0))
