"""`Fusion`: an ensemble of classifiers by the weighted product of their probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from cohortsmith.data import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LEAST = 1e-12  # a probability of zero would veto all other members


@dataclass(frozen=True)
class Fusion:
    """Probability of a class in proportion to the product of p_m ** w_m over the members m (Hinton 2002, equation 1).

    Attributes:
        weights: of each member, 0 or more. All 1 is the plain product, the fusion of the founding image study.
    """

    weights: tuple[float, ...]

    @classmethod
    def product(cls, members: int) -> Self:
        """Equal weights."""
        return cls((1.0,) * members)

    @classmethod
    def chosen(cls, probabilities: Sequence[NDArray[np.float64]], y: NDArray[np.int64]) -> Self:
        """Weights that minimise the cross-entropy on validation patients, a convex problem.

        Args:
            probabilities: of each member for these patients, (n, classes).
            y: their classes (n,).

        Raises:
            DataError: no members, or probabilities of different shapes.
        """
        from scipy.optimize import minimize  # takes half a second to import, and the plain product does not need it

        logs = np.log(_stacked(probabilities))
        if len(y) != logs.shape[1] or not len(y):
            raise DataError(f"expected one class for each of {logs.shape[1]} patients; got {len(y)}")
        rows = np.arange(len(y))

        def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            scores = np.tensordot(weights, logs, 1)
            shares = _normalised(scores)
            own = logs[:, rows, y]
            gradient = (shares[None] * logs).sum(axis=2).mean(axis=1) - own.mean(axis=1)
            return float(-np.log(np.maximum(shares[rows, y], _LEAST)).mean()), gradient

        start = np.full(len(logs), 1.0 / len(logs))
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(logs))
        return cls(tuple(float(weight) for weight in found.x))

    def __call__(self, probabilities: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Combined probabilities (n, classes) of the members; rows sum to one.

        Args:
            probabilities: of each member, (n, classes), in the order of the weights.

        Raises:
            DataError: wrong number of members, or probabilities of different shapes.
        """
        stacked = _stacked(probabilities)
        if len(stacked) != len(self.weights):
            raise DataError(f"expected probabilities of {len(self.weights)} classifiers; got {len(stacked)}")
        return _normalised(np.tensordot(np.asarray(self.weights), np.log(stacked), 1))


def _stacked(probabilities: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    shapes = {np.shape(one) for one in probabilities}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise DataError(f"expected probabilities (n, classes) of the same patients and classes; got {shapes or 0}")
    return np.maximum(np.asarray(probabilities, dtype=np.float64), _LEAST)


def _normalised(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    proba: NDArray[np.float64] = shares / shares.sum(axis=1, keepdims=True)
    return proba
