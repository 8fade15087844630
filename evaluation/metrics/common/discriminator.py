"""Discriminators: classifiers that distinguish synthetic from unseen real samples."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cohortsmith.evaluation.core import (
    SAMPLES_PER_SIDE,
    Finding,
    Interval,
    Stream,
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

FOLDS = 5
TOP_COLUMNS = 10
AUC_INTERVAL = "DeLong within folds, widened after Nadeau and Bengio"
RATE_INTERVAL = "Wilson, widened after Nadeau and Bengio"


class DiscriminatorScores(NamedTuple):
    """Scores of a cross-validated discriminator."""

    auc: Interval
    accuracy: Interval


def discriminator_auc(comparison: Comparison, seed: int) -> Finding:
    """AUC of gradient boosting of synthetic against holdout samples, 5-fold cross-validated, equally many of each.

    Inputs for wide data: principal components of the two sides compared and 200 genes (a seeded draw). Sequences:
    traits (`sequence_statistics`), shared edits and counts of all edits. Images: principal components, colours and
    spectrum (`image_statistics`), and the features of both networks where they are given.
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
    """Accuracy of the same gradient boosting at a threshold of 0.5."""
    found, reference, detail = _boosting(comparison, seed)
    return Finding(
        *found.accuracy,
        reference=reference.accuracy.value,
        chance=0.5,
        interval=RATE_INTERVAL,
        detail=detail,
    )


def discriminator_auc_linear(comparison: Comparison, seed: int) -> Finding:
    """AUC of logistic regression of synthetic against holdout samples, 5-fold cross-validated.

    Its inputs are all genes, or for sequences and images the inputs of gradient boosting.
    """
    draw = comparison.draw(SAMPLES_PER_SIDE, seed)
    sides, names = comparison.view.discriminated(SAMPLES_PER_SIDE, seed)
    found, reference = _both(logistic, sides, draw, seed)
    with quietly():
        whole = logistic(*_stacked(sides.real, sides.synthetic), seed)
    weights = whole.weights()[0]
    top = np.argsort(-np.abs(weights), kind="stable")[:TOP_COLUMNS]
    what = comparison.view.column
    detail = {
        "n": len(draw),
        "folds": FOLDS,
        "classifier": "logistic regression",
        "accuracy": found.accuracy.value,
        f"telling_{what}s": [{what: names[g], "weight": float(weights[g])} for g in top],
    }
    return Finding(
        *found.auc,
        reference=reference.auc.value,
        chance=0.5,
        interval=AUC_INTERVAL,
        detail=detail,
    )


def _boosting(comparison: Comparison, seed: int) -> tuple[DiscriminatorScores, DiscriminatorScores, dict[str, Any]]:
    def make() -> tuple[DiscriminatorScores, DiscriminatorScores, dict[str, Any]]:
        draw = comparison.draw(SAMPLES_PER_SIDE, seed)
        sides = comparison.view.boosted(SAMPLES_PER_SIDE, seed)
        detail = {
            "n": len(draw),
            "folds": FOLDS,
            "classifier": "gradient boosting",
            "columns": sides.real.shape[1],
        }
        return *_both(boosting, sides, draw, seed), detail

    return comparison.memo(("boosting", seed), make)


def _both(fit: Classifier, sides: Sides, draw: Draw, seed: int) -> tuple[DiscriminatorScores, DiscriminatorScores]:
    """Scores on synthetic against real, and on real against real samples."""
    beside = sides.real if sides.real_beside_reference is None else sides.real_beside_reference
    return (
        cross_validated(fit, sides.real, sides.synthetic, folds_of(draw.real_y, draw.synthetic_y, seed), seed),
        cross_validated(fit, beside, sides.reference, folds_of(draw.real_y, draw.reference_y, seed), seed),
    )


def folds_of(real_y: NDArray[np.int64], other_y: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Fold of each sample, real ones first: every fold has both sides and all their classes in equal proportions.

    Both sides have equal class counts, so a fold with more real samples of a class would leave fewer of them for
    training, and an uninformed classifier would fall below 0.5.
    """
    rng = np.random.default_rng([seed, Stream.FOLDS])
    fold = np.empty(len(real_y) + len(other_y), dtype=np.int64)
    for start, y in ((0, real_y), (len(real_y), other_y)):
        order = rng.permutation(len(y))
        order = order[np.argsort(y[order], kind="stable")]
        fold[start + order] = np.arange(len(y)) % FOLDS
    return fold


def cross_validated(
    fit: Classifier, real: Matrix, other: Matrix, folds: NDArray[np.int64], seed: int
) -> DiscriminatorScores:
    """Cross-validated scores of a classifier of `other` (n, d) against `real` (n, d).

    Args:
        fit: called as fit(x, is_other, seed); returns something with scikit-learn's `predict_proba`.
        real: real samples.
        other: samples to be distinguished from them.
        folds: fold of each sample, real ones first.
        seed: seed of the classifier.
    """
    x, y = _stacked(real, other)

    def fold(f: int) -> NDArray[np.float64]:
        fitted, test = folds != f, folds == f
        score: NDArray[np.float64] = fit(x[fitted], y[fitted], seed).predict_proba(x[test])[:, 1]
        return score

    with quietly(), ThreadPoolExecutor(min(FOLDS, os.cpu_count() or 1)) as pool:
        scores = list(pool.map(fold, range(FOLDS)))
    parts = [(s[y[folds == f] == 1], s[y[folds == f] == 0]) for f, s in enumerate(scores)]
    correct = sum(
        float((p > 0.5).sum() + (n < 0.5).sum() + ((p == 0.5).sum() + (n == 0.5).sum()) / 2) for p, n in parts
    )
    shrunk = fold_inflation(FOLDS)
    return DiscriminatorScores(auc_over_folds(parts), wilson(correct / shrunk, len(y) / shrunk))


def _stacked(real: Matrix, other: Matrix) -> tuple[Matrix, NDArray[np.int64]]:
    return np.concatenate([real, other]), np.repeat(np.arange(2), [len(real), len(other)])
