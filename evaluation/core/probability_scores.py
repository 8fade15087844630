"""Scores of class probabilities: over all patients, and per class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.core.intervals import auc_variance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_EPS = float(np.finfo(np.float64).eps)  # 2.2e-16, where scikit-learn's log_loss clips too
_TOLERANCE = 1e-3  # of the sum of a patient's probabilities: those of half precision miss 1 by that much


class ClassScores(NamedTuple):
    """Scores of one class, NaN where no patient has it.

    Attributes:
        name: of the class.
        n: patients of the class.
        recall: share of them that is predicted correctly.
        f1: harmonic mean of recall and precision.
        auc: one against the rest; NaN as well where there is no rest.
    """

    name: str
    n: int
    recall: float
    f1: float
    auc: float


@dataclass(frozen=True)
class Scores:
    """Scores of class probabilities on patients whose classes are known.

    Attributes:
        n: number of patients.
        accuracy: share whose most probable class is the true one; the first class wins a tie.
        mean_class_accuracy: mean recall over the classes that occur (balanced accuracy).
        macro_f1: mean F1 of those classes.
        auc: mean AUC of those classes, one against the rest (ties count half); NaN when only one class occurs.
        brier: mean over patients of the squared distance between the probabilities and the one-hot class, summed over
            classes: 0 to 2 (Brier 1950, Mon. Weather Rev. 78:1, eq. 2).
        cross_entropy: mean of -log of the true class's probability, in nats; probabilities are clipped at
            2.2e-16, so that one confident mistake costs 36 and not infinity.
        confusion: patients of each class (rows) predicted as each class (columns), int64 (k, k).
        by_class: one per class, in the order of the columns.
    """

    n: int
    accuracy: float
    mean_class_accuracy: float
    macro_f1: float
    auc: float
    brier: float
    cross_entropy: float
    confusion: NDArray[np.int64]
    by_class: tuple[ClassScores, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One row of a tidy table for all classes (`label` ""), and one for each.

        A class's `accuracy` is its recall and its `macro_f1` its F1; its other scores are NaN, `confusion` None.
        """
        whole = ("n", "accuracy", "mean_class_accuracy", "macro_f1", "auc", "brier", "cross_entropy")
        nan = float("nan")
        rows: list[dict[str, Any]] = [{"label": "", **{name: getattr(self, name) for name in whole}}]
        rows[0]["confusion"] = self.confusion.tolist()
        for c in self.by_class:
            own = (c.n, c.recall, nan, c.f1, c.auc, nan, nan)
            rows.append({"label": c.name, **dict(zip(whole, own, strict=True)), "confusion": None})
        return rows


def scores(y: NDArray[Any], proba: NDArray[Any], classes: Sequence[str]) -> Scores:
    """Scores of probabilities.

    Args:
        y: true class of each patient (n,), 0 to k - 1; not every class need occur.
        proba: probability of each class (n, k), rows sum to one.
        classes: their k names.

    Raises:
        DataError: no patients, mismatched shapes, an unknown class, or rows that are no probabilities.
    """
    y, p, k = np.asarray(y), np.asarray(proba, dtype=np.float64), len(classes)
    if not len(y) or y.ndim != 1 or p.shape != (len(y), k):
        raise DataError(
            f"probabilities of {len(y)} patients and {k} classes were expected, shape ({len(y)}, {k}), of at least one "
            f"patient; got shape {p.shape}"
        )
    if not np.issubdtype(y.dtype, np.integer) or y.min() < 0 or y.max() >= k:
        raise DataError(f"classes are whole numbers from 0 to {k - 1}, one per patient; got others")
    off = float(np.abs(p.sum(axis=1) - 1).max())
    if not off <= _TOLERANCE or p.min() < 0:
        raise DataError(f"each patient's probabilities must be zero or more and sum to one; a sum is off by {off:g}")
    table = confusion(y, p.argmax(axis=1), k)
    n = table.sum(axis=1)
    occurs = n > 0
    with np.errstate(invalid="ignore"):
        recall = np.where(occurs, table.diagonal() / n, np.nan)
    f_one = np.where(occurs, f1(table), np.nan)
    area = np.array([_auc(y == c, p[:, c]) for c in range(k)])
    own = p[np.arange(len(y)), y]
    return Scores(
        n=len(y),
        accuracy=float(table.trace() / len(y)),
        mean_class_accuracy=float(recall[occurs].mean()),
        macro_f1=macro_f1(table),
        auc=float(area[occurs].mean()),
        brier=float(((p - np.eye(k)[y]) ** 2).sum(axis=1).mean()),
        cross_entropy=float(-np.log(np.clip(own, _EPS, 1.0)).mean()),
        confusion=table,
        by_class=tuple(
            ClassScores(str(classes[c]), int(n[c]), float(recall[c]), float(f_one[c]), float(area[c])) for c in range(k)
        ),
    )


def confusion(y: NDArray[Any], predicted: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Confusion matrix: samples of each class `y` (rows) by `predicted` class (columns), (classes, classes)."""
    table: NDArray[np.int64] = np.bincount(y.astype(np.int64) * classes + predicted, minlength=classes**2)
    return table.reshape(classes, classes)


def f1(table: NDArray[np.int64]) -> list[float]:
    """F1 of each class of a confusion matrix: 2 TP / (2 TP + FP + FN)."""
    either = table.sum(axis=0) + table.sum(axis=1)
    return [float(2 * right / total) if total else 0.0 for right, total in zip(table.diagonal(), either, strict=True)]


def macro_f1(table: NDArray[np.int64]) -> float:
    """Mean F1 over the classes that occur in the test set."""
    return float(np.mean(np.asarray(f1(table))[table.sum(axis=1) > 0]))


def _auc(own: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    if own.all() or not own.any():
        return float("nan")
    return auc_variance(probability[own], probability[~own])[0]
