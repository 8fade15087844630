"""Utility: classifiers trained on synthetic and tested on real samples, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evaluation.classifiers import logistic, quietly
from evaluation.comparison import pick, proportional
from evaluation.estimate import Finding, NotEvaluable
from evaluation.intervals import wilson
from evaluation.traits import traits_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evaluation.comparison import Comparison, Matrix

LIMIT = 5000
CARRIERS = 2  # an edit that one sequence has can teach nothing about another


class Tested(NamedTuple):
    """Right answers of a classifier on a test set, (n,), and the test set's classes, (n,)."""

    right: NDArray[np.bool_]
    y: NDArray[np.int64]


def tstr(comparison: Comparison, seed: int) -> Finding:
    """Train on synthetic, test on real: accuracy on the holdout of logistic regression fitted on the synthetic cohort.

    Esteban et al. (2017). Reference (TRTR): the same classifier fitted on as many samples of train, at most all.
    """
    _check(comparison)
    c = comparison
    fitted = _classifier(_profiles(c, "synthetic"), c.synthetic.y, min(len(c.synthetic), LIMIT), seed)
    n = min(len(c.train), len(c.synthetic), LIMIT)
    test = (_profiles(c, "holdout"), c.holdout.y)
    return _finding(c, _test(fitted, *test), _test(_real_classifier(c, n, seed), *test), n)


def trts(comparison: Comparison, seed: int) -> Finding:
    """Train on real, test on synthetic: accuracy on the synthetic cohort of logistic regression fitted on train.

    Esteban et al. (2017). Reference (TRTR): the same classifier on the holdout. Much above it, the synthetic cohort is
    a caricature of its classes; below it, labels and profiles do not go together.
    """
    _check(comparison)
    c = comparison
    n = min(len(c.train), LIMIT)
    fitted = _real_classifier(c, n, seed)
    made, held = (_profiles(c, "synthetic"), c.synthetic.y), (_profiles(c, "holdout"), c.holdout.y)
    return _finding(c, _test(fitted, *made), _test(fitted, *held), n)


def _profiles(comparison: Comparison, side: str) -> Matrix:
    """What the classifier sees of a side: all genes, or traits of sequences."""
    if comparison.kind == "sequence":
        return traits_of(comparison, side, CARRIERS)
    profiles: Matrix = getattr(comparison, f"z_{side}")
    return profiles


def _check(comparison: Comparison) -> None:
    comparison.require("a classifier")
    for name in ("train", "holdout"):
        if len(np.unique(getattr(comparison, name).y)) < 2:
            raise NotEvaluable(f"a classifier needs two classes, {name} has one")


def _real_classifier(comparison: Comparison, n: int, seed: int) -> Any:
    def make() -> Any:
        return _classifier(_profiles(comparison, "train"), comparison.train.y, n, seed)

    return comparison.memo(("classifier of train", n, seed), make)


def _classifier(x: Matrix, y: NDArray[np.int64], n: int, seed: int) -> Any:
    """Logistic regression on `n` samples in the classes' proportions; a class itself when there is only one."""
    if n < len(y):
        share = np.bincount(y) / len(y)
        rows = pick(y, proportional(share, n), np.random.default_rng([seed, 51]))
        x, y = x[rows], y[rows]
    with quietly():
        return logistic(x, y, seed) if len(np.unique(y)) > 1 else int(y[0])


def _test(fitted: Any, x: Matrix, y: NDArray[np.int64]) -> Tested:
    said = np.full(len(y), fitted) if isinstance(fitted, int) else fitted.predict(x)
    return Tested(np.asarray(said == y, dtype=bool), y)


def _finding(comparison: Comparison, found: Tested, real: Tested, n: int) -> Finding:
    by_class: list[dict[str, Any]] = []
    for c, name in enumerate(comparison.classes):
        mine, theirs = found.right[found.y == c], real.right[real.y == c]
        if len(mine) or len(theirs):
            by_class.append(
                {
                    "class": name,
                    "n": len(mine),
                    "value": float(mine.mean()) if len(mine) else None,
                    "reference": float(theirs.mean()) if len(theirs) else None,
                }
            )
    majority = int(np.bincount(comparison.train.y).argmax())
    present = [row["value"] for row in by_class if row["value"] is not None]
    return Finding(
        *wilson(float(found.right.sum()), len(found.right)),
        reference=float(real.right.mean()),
        chance=float((found.y == majority).mean()),
        interval="Wilson, of the test samples",
        detail={
            "n_test": len(found.y),
            "n_reference_classifier": n,
            "balanced_accuracy": float(np.mean(present)),
            "by_class": by_class,
        },
    )
