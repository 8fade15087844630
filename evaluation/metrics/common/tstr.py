"""Utility: classifiers trained on synthetic and tested on real samples (TSTR), and the reverse (TRTS).

Logistic regression; for images with feature extractors, the small network that `ImageModels.learn` trains.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from cohortsmith.evaluation.core import (
    BOOTSTRAP_ROUNDS,
    LARGE_SAMPLES_PER_SIDE,
    SAMPLES_PER_SIDE,
    TAILS_95,
    Finding,
    Interval,
    NotEvaluable,
    Stream,
    confusion,
    f1,
    logistic,
    macro_f1,
    pick,
    proportional,
    quietly,
    wilson,
)
from cohortsmith.evaluation.spaces import ImageView

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Images, Learned
    from cohortsmith.evaluation.spaces import Comparison

IMAGES = 20000  # at most, that a network is trained on: its number of steps is fixed


class TstrClassifier(Protocol):
    """A fitted classifier."""

    def predict(self, x: Any) -> NDArray[Any]:
        """Class of each sample, (n,)."""


class Predictions(NamedTuple):
    """Predicted classes of a test set, (n,), and its true classes, (n,)."""

    predicted: NDArray[np.int64]
    y: NDArray[np.int64]

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each prediction is correct, (n,)."""
        return np.asarray(self.predicted == self.y, dtype=bool)


class Crossed(NamedTuple):
    """Predictions of a classifier, of the reference (real on real), and the training samples of the latter."""

    found: Predictions
    real: Predictions
    n: int


def tstr(comparison: Comparison, seed: int) -> Finding:
    """Train on synthetic, test on real: accuracy on the holdout of a classifier fitted on the synthetic cohort.

    Esteban et al. (2017). Reference (TRTR): the same classifier fitted on as many samples of train, at most all.
    """
    return _finding(comparison, _synthetic_on_real(comparison, seed))


def tstr_macro_f1(comparison: Comparison, seed: int) -> Finding:
    """The same classifiers: F1 of each class in the holdout, averaged over classes, so that rare ones count as much.

    Interval: bootstrap of the holdout's samples, 500 rounds.
    """
    found, real, n = _synthetic_on_real(comparison, seed)
    k = len(comparison.classes)
    table = confusion(found.y, found.predicted, k)
    rng = np.random.default_rng([seed, Stream.CLASSIFIER_BOOTSTRAP])
    resampled = rng.multinomial(len(found.y), table.ravel() / len(found.y), BOOTSTRAP_ROUNDS)
    low, high = np.quantile([macro_f1(draw.reshape(k, k)) for draw in resampled], TAILS_95)
    value = macro_f1(table)
    majority = np.full(len(found.y), int(np.bincount(comparison.train.y).argmax()))
    by_class = zip(comparison.classes, f1(table), f1(confusion(real.y, real.predicted, k)), strict=True)
    return Finding(
        *Interval(value, float(low), float(high)).widened(Interval(value, value, value)),
        reference=macro_f1(confusion(real.y, real.predicted, k)),
        chance=macro_f1(confusion(found.y, majority, k)),
        interval=f"bootstrap of the test samples, {BOOTSTRAP_ROUNDS} draws",
        detail={
            "n_test": len(found.y),
            "n_reference_classifier": n,
            "by_class": [{"class": name, "value": a, "reference": b} for name, a, b in by_class],
        },
    )


def trts(comparison: Comparison, seed: int) -> Finding:
    """Train on real, test on synthetic: accuracy on the synthetic cohort of a classifier fitted on train.

    Esteban et al. (2017). Reference (TRTR): the same classifier on the holdout. Much above it, the classes of the
    synthetic cohort are exaggerated; below it, labels and profiles do not match. The network is the one that extracts
    features (`ImageView.trained_network`), so that only one has to be trained.
    """
    _check(comparison)
    c = comparison
    if c.view.by_network:
        n = len(c.draw(SAMPLES_PER_SIDE, seed).fitting_rows)
        fitted: TstrClassifier = _Network(c.seen_as(ImageView).trained_network(seed))
    else:
        n = min(len(c.train), LARGE_SAMPLES_PER_SIDE)
        fitted = _real_classifier(c, n, seed)
    made, held = (_test(fitted, c.view.classified(side), getattr(c, side).y) for side in ("synthetic", "holdout"))
    found = _finding(c, Crossed(made, held, n))
    table = confusion(made.y, made.predicted, len(c.classes))
    return replace(found, detail={**found.detail, "confusion": table.tolist()})


class _Network:
    """A trained network as a `TstrClassifier`."""

    def __init__(self, network: Learned) -> None:
        self._network = network

    def predict(self, x: Images) -> NDArray[np.int64]:
        return np.asarray(self._network.predict_proba(x).argmax(axis=1), dtype=np.int64)


class _Constant:
    """A constant classifier, fitted to a single class."""

    def __init__(self, c: int) -> None:
        self._class = c

    def predict(self, x: Any) -> NDArray[np.int64]:
        return np.full(len(x), self._class, dtype=np.int64)


def _check(comparison: Comparison) -> None:
    comparison.require("a classifier")
    for name in ("train", "holdout"):
        if len(np.unique(getattr(comparison, name).y)) < 2:
            raise NotEvaluable(f"a classifier needs two classes, {name} has one")


def _synthetic_on_real(comparison: Comparison, seed: int) -> Crossed:
    _check(comparison)

    def make() -> Crossed:
        c, most = comparison, IMAGES if comparison.view.by_network else LARGE_SAMPLES_PER_SIDE
        n = min(len(c.train), len(c.synthetic), most)
        fitted = _classifier(c, "synthetic", min(len(c.synthetic), most), seed)
        test = (c.view.classified("holdout"), c.holdout.y)
        return Crossed(_test(fitted, *test), _test(_real_classifier(c, n, seed), *test), n)

    return comparison.memo(("synthetic on real", seed), make)


def _real_classifier(comparison: Comparison, n: int, seed: int) -> TstrClassifier:
    return comparison.memo(("classifier of train", n, seed), lambda: _classifier(comparison, "train", n, seed))


def _classifier(comparison: Comparison, side: str, n: int, seed: int) -> TstrClassifier:
    """Classifier fitted on `n` samples in the classes' proportions; a constant one for a single class."""
    x, y = comparison.view.classified(side), getattr(comparison, side).y
    if n < len(y):
        share = np.bincount(y) / len(y)
        rows = pick(y, proportional(share, n), np.random.default_rng([seed, Stream.CLASSIFIER_SAMPLES]))
        x, y = x[rows], y[rows]
    if len(np.unique(y)) < 2:
        return _Constant(int(y[0]))
    if comparison.view.by_network:
        return _Network(comparison.seen_as(ImageView).networks.learn(x, y, len(comparison.classes), seed))
    with quietly():
        return logistic(x, y, seed)


def _test(fitted: TstrClassifier, x: Any, y: NDArray[np.int64]) -> Predictions:
    return Predictions(np.asarray(fitted.predict(x), dtype=np.int64), y)


def _finding(comparison: Comparison, crossed: Crossed) -> Finding:
    found, real, n = crossed
    by_class: list[dict[str, Any]] = []
    for c, name in enumerate(comparison.classes):
        own, known = found.correct[found.y == c], real.correct[real.y == c]
        if len(own) or len(known):
            by_class.append(
                {
                    "class": name,
                    "n": len(own),
                    "value": float(own.mean()) if len(own) else None,
                    "reference": float(known.mean()) if len(known) else None,
                }
            )
    majority = int(np.bincount(comparison.train.y).argmax())
    present = [row["value"] for row in by_class if row["value"] is not None]
    return Finding(
        *wilson(float(found.correct.sum()), len(found.correct)),
        reference=float(real.correct.mean()),
        chance=float((found.y == majority).mean()),
        interval="Wilson, of the test samples",
        detail={
            "n_test": len(found.y),
            "n_reference_classifier": n,
            "balanced_accuracy": float(np.mean(present)),
            "by_class": by_class,
        },
    )
