"""How good class probabilities are: of all patients, and of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.core.intervals import auc_variance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST = float(np.finfo(np.float64).eps)  # 2.2e-16, where scikit-learn's log_loss clips too
_OFF = 1e-3  # by which probabilities of a patient may miss a sum of one: those of half precision do


class ClassScores(NamedTuple):
    """Scores of one class, NaN where the patients have none of it.

    Attributes:
        name: of the class.
        n: patients of it.
        recall: share of them that is recognised.
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
        n: patients.
        accuracy: share whose most probable class is the true one; the first class wins a tie.
        mean_class_accuracy: mean recall of the classes that the patients have (balanced accuracy).
        macro_f1: mean F1 of those classes.
        auc: mean of those classes' AUC, one against the rest (ties count half); NaN when only one class is there.
        brier: mean over patients of the squared distance between the probabilities and the one-hot class, summed over
            classes: 0 to 2 (Brier 1950, Mon. Weather Rev. 78:1, eq. 2).
        cross_entropy: mean of -log of the true class's probability, in nats; probabilities under 2.2e-16 count as
            that, so that one sure mistake costs 36 and not infinity.
        confusion: patients of each class (rows) taken for each class (columns), int64 (k, k).
        by_class: one a class, in the order of the columns.
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

        A class's `accuracy` is its recall and its `macro_f1` its F1; what a class has none of is NaN, `confusion` None.
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
        y: true class of each patient (n,), 0 to k - 1; not every class need be there.
        proba: probability of each class (n, k), rows sum to one.
        classes: their k names.

    Raises:
        DataError: no patients, shapes that do not go together, a class that is none, or rows that are no probabilities.
    """
    y, p, k = np.asarray(y), np.asarray(proba, dtype=np.float64), len(classes)
    if not len(y) or y.ndim != 1 or p.shape != (len(y), k):
        raise DataError(
            f"probabilities of {len(y)} patients and {k} classes were expected, shape ({len(y)}, {k}), of at least one "
            f"patient; got shape {p.shape}"
        )
    if not np.issubdtype(y.dtype, np.integer) or y.min() < 0 or y.max() >= k:
        raise DataError(f"classes are whole numbers from 0 to {k - 1}, one a patient; got others")
    off = float(np.abs(p.sum(axis=1) - 1).max())
    if not off <= _OFF or p.min() < 0:
        raise DataError(f"each patient's probabilities must be nought or more and sum to one; a sum is off by {off:g}")
    table = confusion(y, p.argmax(axis=1), k)
    n = table.sum(axis=1)
    here = n > 0
    with np.errstate(invalid="ignore"):
        recall = np.where(here, table.diagonal() / n, np.nan)
    f_one = np.where(here, f1(table), np.nan)
    area = np.array([_auc(y == c, p[:, c]) for c in range(k)])
    own = p[np.arange(len(y)), y]
    return Scores(
        n=len(y),
        accuracy=float(table.trace() / len(y)),
        mean_class_accuracy=float(recall[here].mean()),
        macro_f1=macro_f1(table),
        auc=float(area[here].mean()),
        brier=float(((p - np.eye(k)[y]) ** 2).sum(axis=1).mean()),
        cross_entropy=float(-np.log(np.clip(own, LEAST, 1.0)).mean()),
        confusion=table,
        by_class=tuple(
            ClassScores(str(classes[c]), int(n[c]), float(recall[c]), float(f_one[c]), float(area[c])) for c in range(k)
        ),
    )


def confusion(y: NDArray[Any], said: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """How many samples of each class `y` (rows) are called each class `said` (columns), (classes, classes)."""
    table: NDArray[np.int64] = np.bincount(y.astype(np.int64) * classes + said, minlength=classes**2)
    return table.reshape(classes, classes)


def f1(table: NDArray[np.int64]) -> list[float]:
    """F1 of each class of a confusion table: twice the right ones, over those that are it plus those called it."""
    either = table.sum(axis=0) + table.sum(axis=1)
    return [float(2 * right / total) if total else 0.0 for right, total in zip(table.diagonal(), either, strict=True)]


def macro_f1(table: NDArray[np.int64]) -> float:
    """Mean F1 over the classes that the test set has."""
    return float(np.mean(np.asarray(f1(table))[table.sum(axis=1) > 0]))


def _auc(own: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    if own.all() or not own.any():
        return float("nan")
    return auc_variance(probability[own], probability[~own])[0]
