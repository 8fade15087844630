"""Discriminators: how well a classifier tells synthetic from unseen real samples."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cohortsmith.evaluation.core import (
    Finding,
    Interval,
    auc_over_folds,
    boosting,
    fold_inflation,
    logistic,
    quietly,
    wilson,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Draw, Matrix
    from cohortsmith.evaluation.spaces import Comparison, Sides

    Classifier = Callable[[Matrix, NDArray[Any], int], Any]

LIMIT = 2000
FOLDS = 5
TELLING = 10
AUC_INTERVAL = "DeLong within folds, widened after Nadeau and Bengio"
RATE_INTERVAL = "Wilson, widened after Nadeau and Bengio"


class Scores(NamedTuple):
    """What a cross-validated discriminator achieved."""

    auc: Interval
    accuracy: Interval


def discriminator_auc(comparison: Comparison, seed: int) -> Finding:
    """AUC of gradient boosting that tells synthetic from holdout samples, 5-fold cross-validated, equally many of each.

    Wide data: train's principal components and 200 genes (a seeded draw) stand for all genes. Sequences: their traits
    (`sequence_statistics`), edits that patients share, counts of all edits. Images: principal components, colours and
    spectrum (`image_statistics`), and the features of both networks where there are any.
    """
    found, reference, detail = _boosting(comparison, seed)
    return Finding(
        *found.auc,
        reference=reference.auc.value,
        chance=0.5,
        interval=AUC_INTERVAL,
        detail=detail,
    )


def discriminator_accuracy(comparison: Comparison, seed: int) -> Finding:
    """Accuracy of the same gradient boosting at an even threshold."""
    found, reference, detail = _boosting(comparison, seed)
    return Finding(
        *found.accuracy,
        reference=reference.accuracy.value,
        chance=0.5,
        interval=RATE_INTERVAL,
        detail=detail,
    )


def discriminator_auc_linear(comparison: Comparison, seed: int) -> Finding:
    """AUC of logistic regression that tells synthetic from holdout samples, 5-fold cross-validated.

    It sees all genes, or the same traits of sequences and images as gradient boosting does.
    """
    draw = comparison.draw(LIMIT, seed)
    sides, names = comparison.view.discriminated(LIMIT, seed)
    found, reference = _both(logistic, sides, draw, seed)
    with quietly():
        whole = logistic(*_stacked(sides.real, sides.synthetic), seed)
    weights = whole.weights()[0]
    telling = np.argsort(-np.abs(weights), kind="stable")[:TELLING]
    what = comparison.view.column
    detail = {
        "n": len(draw),
        "folds": FOLDS,
        "classifier": "logistic regression",
        "accuracy": found.accuracy.value,
        f"telling_{what}s": [{what: names[g], "weight": float(weights[g])} for g in telling],
    }
    return Finding(
        *found.auc,
        reference=reference.auc.value,
        chance=0.5,
        interval=AUC_INTERVAL,
        detail=detail,
    )


def _boosting(comparison: Comparison, seed: int) -> tuple[Scores, Scores, dict[str, Any]]:
    def make() -> tuple[Scores, Scores, dict[str, Any]]:
        draw = comparison.draw(LIMIT, seed)
        sides = comparison.view.boosted(LIMIT, seed)
        detail = {
            "n": len(draw),
            "folds": FOLDS,
            "classifier": "gradient boosting",
            "columns": sides.real.shape[1],
        }
        return *_both(boosting, sides, draw, seed), detail

    return comparison.memo(("boosting", seed), make)


def _both(fit: Classifier, sides: Sides, draw: Draw, seed: int) -> tuple[Scores, Scores]:
    """Scores on synthetic against real, and on real against real samples."""
    return (
        cross_validated(fit, sides.real, sides.synthetic, folds_of(draw.real_y, draw.synthetic_y, seed), seed),
        cross_validated(fit, sides.real, sides.reference, folds_of(draw.real_y, draw.reference_y, seed), seed),
    )


def folds_of(real_y: NDArray[np.int64], other_y: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Fold of each sample, real ones first: every fold has both sides and all their classes in equal proportions.

    Both sides have equal class counts, so a fold with more real samples of a class would leave fewer of them to learn
    from, and a classifier that knows nothing would fall below 0.5.
    """
    rng = np.random.default_rng([seed, 42])
    fold = np.empty(len(real_y) + len(other_y), dtype=np.int64)
    for start, y in ((0, real_y), (len(real_y), other_y)):
        order = rng.permutation(len(y))
        order = order[np.argsort(y[order], kind="stable")]
        fold[start + order] = np.arange(len(y)) % FOLDS
    return fold


def cross_validated(fit: Classifier, real: Matrix, other: Matrix, folds: NDArray[np.int64], seed: int) -> Scores:
    """Cross-validated scores of a classifier that tells `other` (n, d) from `real` (n, d).

    Args:
        fit: called as fit(x, is_other, seed); returns something with scikit-learn's `predict_proba`.
        real: real samples.
        other: what is to be told from them.
        folds: fold of each sample, real ones first.
        seed: seed of the classifier.
    """
    x, y = _stacked(real, other)

    def fold(f: int) -> NDArray[np.float64]:
        learn, test = folds != f, folds == f
        score: NDArray[np.float64] = fit(x[learn], y[learn], seed).predict_proba(x[test])[:, 1]
        return score

    with quietly(), ThreadPoolExecutor(min(FOLDS, os.cpu_count() or 1)) as pool:
        scores = list(pool.map(fold, range(FOLDS)))
    parts = [(s[y[folds == f] == 1], s[y[folds == f] == 0]) for f, s in enumerate(scores)]
    right = sum(float((p > 0.5).sum() + (n < 0.5).sum() + ((p == 0.5).sum() + (n == 0.5).sum()) / 2) for p, n in parts)
    shrunk = fold_inflation(FOLDS)
    return Scores(auc_over_folds(parts), wilson(right / shrunk, len(y) / shrunk))


def _stacked(real: Matrix, other: Matrix) -> tuple[Matrix, NDArray[np.int64]]:
    return np.concatenate([real, other]), np.repeat(np.arange(2), [len(real), len(other)])
