"""Attribute disclosure: attribute inference from half a record and the synthetic cohort.

What holds for people in general is no disclosure: the same attack on the holdout measures it, and the excess
on patients of train is the gain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.linear_model import Ridge

from cohortsmith.evaluation.core import (
    Interval,
    NotEvaluable,
    distances,
    logistic,
    mean,
    pick,
    proportional,
    quietly,
    wilson,
)
from cohortsmith.evaluation.metrics.common import halves
from cohortsmith.evaluation.privacy.attack_settings import DISCLOSURE_STREAM, MAX_TARGETS, MIN_SAMPLES
from cohortsmith.evaluation.privacy.targets import one_per_patient

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

MAX_SYNTHETIC = 5000  # fewer than other attacks use, since regressions are fitted on them
SECRETS = 200  # columns inferred at most
PENALTY = 1.0


@dataclass(frozen=True)
class Disclosure:
    """One attack on one secret.

    Attributes:
        name: secret and method, such as "values, nearest" or "class, logistic".
        knows: what the attacker knows of a patient, in words.
        infers: the attribute inferred, in words.
        score: the score, in words; 1 is all correct.
        train: mean score on patients of train.
        holdout: mean score on patients of one half of the holdout: what the cohort reveals about people in general.
        gain: `train` - `holdout`, with its 95 % interval: what it reveals about its own patients.
        control: the same gain with the other half of the holdout in the synthetic cohort's place; near zero.
        baseline: mean score on patients of train of an uninformed guess.
        n: target patients, of train and of the holdout.
    """

    name: str
    knows: str
    infers: str
    score: str
    train: Interval
    holdout: Interval
    gain: Interval
    control: Interval
    baseline: float
    n: tuple[int, int]


class Half(NamedTuple):
    """Known columns of some patients, (n, d), secret columns, (n, secrets), and classes, (n,)."""

    known: Matrix
    secret: Matrix
    y: NDArray[np.int64]


def nearest_values(targets: Half, reference: Half) -> Matrix:
    """Secrets of the reference sample with the nearest known half, (n, secrets)."""
    taken: Matrix = reference.secret[distances(targets.known, reference.known).argmin(axis=1)]
    return taken


def ridge_values(targets: Half, reference: Half) -> Matrix:
    """Secrets by ridge regression on the known half, (n, secrets)."""
    with quietly():
        guess: Matrix = Ridge(PENALTY).fit(reference.known, reference.secret).predict(targets.known)
    return guess


def nearest_class(targets: Half, reference: Half) -> NDArray[np.int64]:
    """Class of the reference sample with the nearest known half, (n,)."""
    taken: NDArray[np.int64] = reference.y[distances(targets.known, reference.known).argmin(axis=1)]
    return taken


def logistic_class(targets: Half, reference: Half) -> NDArray[np.int64]:
    """Class by logistic regression on the known half, (n,), on columns in which two reference samples are non-zero."""
    if len(np.unique(reference.y)) < 2:
        return np.full(len(targets.y), reference.y[0])
    used = np.count_nonzero(reference.known, axis=0) > 1
    with quietly():
        return np.asarray(
            logistic(reference.known[:, used], reference.y, 0).predict(targets.known[:, used]), dtype=np.int64
        )


VALUES: dict[str, Callable[[Half, Half], Matrix]] = {"nearest": nearest_values, "ridge": ridge_values}
CLASS: dict[str, Callable[[Half, Half], NDArray[np.int64]]] = {"nearest": nearest_class, "logistic": logistic_class}


def disclosure(comparison: Comparison, seed: int) -> list[Disclosure]:
    """Attribute inference: the other half of a record, and the class, by nearest neighbour and by regression.

    Classes are inferred where there are two; edits of sequences by nearest neighbour only, in patients who have one.

    Raises:
        NotEvaluable: fewer than 20 target patients on a side, 20 in the other half of the holdout, or 20 synthetic
            samples.
    """
    return comparison.memo(("disclosure", seed), lambda: _disclosure(comparison, seed))


def _disclosure(c: Comparison, seed: int) -> list[Disclosure]:
    rng = np.random.default_rng([seed, DISCLOSURE_STREAM])
    out, reference = halves(c.holdout.y, c.holdout.subjects, rng)
    out, rows = out[one_per_patient(c.holdout.subjects[out], rng)][:MAX_TARGETS], one_per_patient(c.train.subjects, rng)
    if min(len(out), len(reference), len(rows), len(c.synthetic)) < MIN_SAMPLES:
        raise NotEvaluable(
            f"it needs at least {MIN_SAMPLES} patients of train, in each half of the holdout, and synthetic samples; "
            f"there are {len(rows)}, {min(len(out), len(reference))} and {len(c.synthetic)}"
        )
    share = np.bincount(c.holdout.y[out], minlength=len(c.classes)) / len(out)
    rows = rows[pick(c.train.y[rows], proportional(share, min(len(rows), MAX_TARGETS)), rng)]
    known, secret = c.view.halvings(rng)[0]
    secret = c.view.secrets(secret, SECRETS, rng)

    def half(z: Matrix, y: NDArray[np.int64], at: NDArray[np.int64]) -> Half:
        return Half(z[at][:, known], z[at][:, secret], y[at])

    made = rng.permutation(len(c.synthetic))[:MAX_SYNTHETIC]
    train, holdout = half(c.z_train, c.train.y, rows), half(c.z_holdout, c.holdout.y, out)
    sources = half(c.z_synthetic, c.synthetic.y, made), half(c.z_holdout, c.holdout.y, reference[:MAX_SYNTHETIC])
    found, words = [], c.view.words
    if len(secret):
        labels = {"knows": words.known, "infers": words.secret, "score": words.score}
        score = _shared if c.view.presence else _explained(train)
        naive = np.zeros_like(train.secret) if c.view.presence else sources[1].secret.mean(axis=0)
        for name, guess in VALUES.items():
            if not c.view.presence or name == "nearest":
                sides = [[score(side.secret, guess(side, each)) for side in (train, holdout)] for each in sources]
                found.append(_found(f"values, {name}", labels, sides, score(train.secret, naive)))
    if len(np.unique(c.train.y)) > 1:
        labels = {"knows": words.known, "infers": "the class", "score": "share of patients"}
        most = np.full(len(train.y), np.bincount(sources[1].y).argmax())
        for name, classify in CLASS.items():
            sides = [[_same(side.y, classify(side, each)) for side in (train, holdout)] for each in sources]
            found.append(_found(f"class, {name}", labels, sides, _same(train.y, most)))
    return [attack for attack in found if min(attack.n) >= MIN_SAMPLES]


def _found(name: str, labels: dict[str, str], sides: list[list[NDArray[Any]]], baseline: NDArray[Any]) -> Disclosure:
    """`sides`: scores on train and on the holdout, (patients,) each, by the synthetic cohort and by the control."""
    sides = [[side[np.isfinite(side)] for side in each] for each in sides]
    (train, holdout), control = sides
    if min(len(train), len(holdout)) < MIN_SAMPLES:
        none = Interval(math.nan, math.nan, math.nan)
        return Disclosure(
            name, **labels, train=none, holdout=none, gain=none, control=none, baseline=math.nan, n=(0, 0)
        )
    return Disclosure(
        name,
        **labels,
        train=_mean(train),
        holdout=_mean(holdout),
        gain=_difference(_mean(train), _mean(holdout)),
        control=_difference(_mean(control[0]), _mean(control[1])),
        baseline=float(np.nanmean(baseline)),
        n=(len(train), len(holdout)),
    )


def _mean(scores: NDArray[Any]) -> Interval:
    """Mean with its interval: Wilson's for 0 and 1, which has a width when all are 1."""
    if np.isin(scores, (0, 1)).all():
        return wilson(float(scores.sum()), len(scores))
    return mean(scores)


def _difference(a: Interval, b: Interval) -> Interval:
    """Difference `a` - `b` with its interval; Newcombe (1998, Stat. Med. 17:873, method 10)."""
    value = a.value - b.value
    low, high = math.hypot(a.value - a.low, b.high - b.value), math.hypot(a.high - a.value, b.value - b.low)
    return Interval(value, value - low, value + high)


def _explained(train: Half) -> Callable[[Matrix, Matrix], NDArray[Any]]:
    """Score of patients, (n,): 1 minus the squared error over the variance in train, mean over secrets."""
    variance = max(float(train.secret.var(axis=0).mean()), 1e-9)

    def score(truth: Matrix, guess: Matrix) -> NDArray[Any]:
        return np.asarray(1 - np.square(truth - guess, dtype=np.float64).mean(axis=1) / variance)

    return score


def _shared(truth: Matrix, guess: Matrix) -> NDArray[Any]:
    """Jaccard index of true and inferred edits, (n,); NaN for patients without any."""
    both, either = np.minimum(truth, guess).sum(axis=1), np.maximum(truth, guess).sum(axis=1)
    return np.where(truth.any(axis=1), both / np.maximum(either, 1), np.nan)


def _same(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> NDArray[Any]:
    return np.asarray(truth == guess, dtype=np.float64)
