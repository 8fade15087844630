"""Utility: classifiers trained on synthetic and tested on real samples, and the other way round.

Logistic regression; for images with image models, the small network that `ImageModels.learn` trains from scratch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from cohortsmith.evaluation.core import (
    Finding,
    Interval,
    NotEvaluable,
    confusion,
    f1,
    logistic,
    macro_f1,
    pick,
    proportional,
    quietly,
    wilson,
)
from cohortsmith.evaluation.spaces import LIMIT as DRAWN
from cohortsmith.evaluation.spaces import ImageView

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Images, Learned
    from cohortsmith.evaluation.spaces import Comparison

LIMIT = 5000
IMAGES = 20000  # that a network learns from: it takes as many steps whatever their number
RESAMPLES = 500


class Classifier(Protocol):
    """Something that has learnt classes."""

    def predict(self, x: Any) -> NDArray[Any]:
        """Class of each sample, (n,)."""


class Answers(NamedTuple):
    """What a classifier says of a test set, (n,), and the test set's classes, (n,)."""

    said: NDArray[np.int64]
    y: NDArray[np.int64]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Where it is right, (n,)."""
        return np.asarray(self.said == self.y, dtype=bool)


class Crossed(NamedTuple):
    """A classifier on its test set, one of real data on real data, and how many samples the latter learnt from."""

    found: Answers
    real: Answers
    n: int


def tstr(comparison: Comparison, seed: int) -> Finding:
    """Train on synthetic, test on real: accuracy on the holdout of a classifier fitted on the synthetic cohort.

    Esteban et al. (2017). Reference (TRTR): the same classifier fitted on as many samples of train, at most all.
    """
    return _finding(comparison, _synthetic_on_real(comparison, seed))


def tstr_macro_f1(comparison: Comparison, seed: int) -> Finding:
    """The same classifiers: F1 of each class in the holdout, averaged over classes, so that a rare one counts as much.

    Interval: 500 draws of the holdout's samples.
    """
    found, real, n = _synthetic_on_real(comparison, seed)
    k = len(comparison.classes)
    table = confusion(found.y, found.said, k)
    again = np.random.default_rng([seed, 52]).multinomial(len(found.y), table.ravel() / len(found.y), RESAMPLES)
    low, high = np.quantile([macro_f1(draw.reshape(k, k)) for draw in again], [0.025, 0.975])
    value = macro_f1(table)
    majority = np.full(len(found.y), int(np.bincount(comparison.train.y).argmax()))
    by_class = zip(comparison.classes, f1(table), f1(confusion(real.y, real.said, k)), strict=True)
    return Finding(
        *Interval(value, float(low), float(high)).widened(Interval(value, value, value)),
        reference=macro_f1(confusion(real.y, real.said, k)),
        chance=macro_f1(confusion(found.y, majority, k)),
        interval=f"bootstrap of the test samples, {RESAMPLES} draws",
        detail={
            "n_test": len(found.y),
            "n_reference_classifier": n,
            "by_class": [{"class": name, "value": a, "reference": b} for name, a, b in by_class],
        },
    )


def trts(comparison: Comparison, seed: int) -> Finding:
    """Train on real, test on synthetic: accuracy on the synthetic cohort of a classifier fitted on train.

    Esteban et al. (2017). Reference (TRTR): the same classifier on the holdout. Much above it, the synthetic cohort is
    a caricature of its classes; below it, labels and profiles do not go together. A network is the one that also embeds
    images (`ImageView.learnt`), so that only one has to learn.
    """
    _check(comparison)
    c = comparison
    if c.view.by_network:
        n = len(c.draw(DRAWN, seed).apart)
        fitted: Classifier = _Network(c.seen_as(ImageView).learnt(seed))
    else:
        n = min(len(c.train), LIMIT)
        fitted = _real_classifier(c, n, seed)
    made, held = (_test(fitted, c.view.classified(side), getattr(c, side).y) for side in ("synthetic", "holdout"))
    found = _finding(c, Crossed(made, held, n))
    return replace(found, detail={**found.detail, "confusion": confusion(made.y, made.said, len(c.classes)).tolist()})


class _Network:
    """A network as a classifier."""

    def __init__(self, learned: Learned) -> None:
        self._learned = learned

    def predict(self, x: Images) -> NDArray[np.int64]:
        return np.asarray(self._learned.predict_proba(x).argmax(axis=1), dtype=np.int64)


class _Always:
    """What can be learnt from one class."""

    def __init__(self, answer: int) -> None:
        self._answer = answer

    def predict(self, x: Any) -> NDArray[np.int64]:
        return np.full(len(x), self._answer, dtype=np.int64)


def _check(comparison: Comparison) -> None:
    comparison.require("a classifier")
    for name in ("train", "holdout"):
        if len(np.unique(getattr(comparison, name).y)) < 2:
            raise NotEvaluable(f"a classifier needs two classes, {name} has one")


def _synthetic_on_real(comparison: Comparison, seed: int) -> Crossed:
    _check(comparison)

    def make() -> Crossed:
        c, most = comparison, IMAGES if comparison.view.by_network else LIMIT
        n = min(len(c.train), len(c.synthetic), most)
        fitted = _classifier(c, "synthetic", min(len(c.synthetic), most), seed)
        test = (c.view.classified("holdout"), c.holdout.y)
        return Crossed(_test(fitted, *test), _test(_real_classifier(c, n, seed), *test), n)

    return comparison.memo(("synthetic on real", seed), make)


def _real_classifier(comparison: Comparison, n: int, seed: int) -> Classifier:
    return comparison.memo(("classifier of train", n, seed), lambda: _classifier(comparison, "train", n, seed))


def _classifier(comparison: Comparison, side: str, n: int, seed: int) -> Classifier:
    """Classifier fitted on `n` samples in the classes' proportions; a class itself when there is only one."""
    x, y = comparison.view.classified(side), getattr(comparison, side).y
    if n < len(y):
        share = np.bincount(y) / len(y)
        rows = pick(y, proportional(share, n), np.random.default_rng([seed, 51]))
        x, y = x[rows], y[rows]
    if len(np.unique(y)) < 2:
        return _Always(int(y[0]))
    if comparison.view.by_network:
        return _Network(comparison.seen_as(ImageView).networks.learn(x, y, len(comparison.classes), seed))
    with quietly():
        return logistic(x, y, seed)


def _test(fitted: Classifier, x: Any, y: NDArray[np.int64]) -> Answers:
    return Answers(np.asarray(fitted.predict(x), dtype=np.int64), y)


def _finding(comparison: Comparison, crossed: Crossed) -> Finding:
    found, real, n = crossed
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
