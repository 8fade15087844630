"""The classifiers of discriminators and of utility (TSTR): logistic regression and gradient boosting."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core.pixel_scale import Matrix

ITERATIONS = 150


@contextmanager
def quietly() -> Iterator[None]:
    """No convergence warnings, and one thread; enter it outside threads, since both settings are global."""
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


class Logistic:
    """Logistic regression with scikit-learn's defaults (L2 penalty, C = 1).

    With more genes than samples the optimum lies in the span of the samples and is sought there: the same classifier at
    a cost linear in genes. On wide separable data the solver stops at 150 iterations, before convergence.

    Args:
        x: (n, genes) training samples.
        y: (n,) their classes, at least two different.
    """

    def __init__(self, x: Matrix, y: NDArray[Any]) -> None:
        self._span: Matrix | None = np.linalg.qr(x.T)[0] if x.shape[1] > len(x) else None
        self._model = LogisticRegression(max_iter=ITERATIONS).fit(self._projected(x), y)

    def predict(self, x: Matrix) -> NDArray[Any]:
        """Most likely class of each sample, (n,)."""
        return np.asarray(self._model.predict(self._projected(x)))

    def predict_proba(self, x: Matrix) -> NDArray[np.float64]:
        """Probability of each class, (n, classes)."""
        return np.asarray(self._model.predict_proba(self._projected(x)), dtype=np.float64)

    def weights(self) -> NDArray[np.float64]:
        """Coefficient of each gene, (1 or classes, genes)."""
        weights: NDArray[np.float64] = self._model.coef_
        return weights if self._span is None else weights @ self._span.T

    def _projected(self, x: Matrix) -> Matrix:
        return x if self._span is None else x @ self._span


def logistic(x: Matrix, y: NDArray[Any], seed: int) -> Logistic:
    """Fitted `Logistic`; its solver is deterministic, so the seed is ignored."""
    del seed
    return Logistic(x, y)


def boosting(x: Matrix, y: NDArray[Any], seed: int) -> Any:
    """Fitted histogram gradient boosting, scikit-learn's defaults, smaller leaves for few samples.

    On one thread: its threads synchronise after every node, which on a busy machine takes minutes.
    """
    leaf = int(np.clip(len(x) // 10, 2, 20))
    model = HistGradientBoostingClassifier(early_stopping=False, min_samples_leaf=leaf, random_state=seed)
    with threadpool_limits(1, user_api="openmp"):
        return model.fit(x, y)
