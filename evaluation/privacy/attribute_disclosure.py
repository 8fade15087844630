"""Attribute disclosure: who knows half of a patient and holds the synthetic cohort, what does he learn of the rest?

What he learns of people in general is no disclosure: the same attack on people of the holdout tells that, and what it
achieves beyond on patients of train is the gain.
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
from cohortsmith.evaluation.privacy.singling_out import one_each

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

TARGETS = 2000
SYNTHETIC = 5000
SECRETS = 200
LEAST = 20
PENALTY = 1.0


@dataclass(frozen=True)
class Disclosure:
    """One attack on one secret.

    Attributes:
        name: secret and method, such as "values, nearest" or "class, logistic".
        knows: what the attacker knows of a patient, in words.
        infers: what he infers, in words.
        score: what is scored, in words; 1 is all right.
        train: mean score on patients of train.
        holdout: mean score on patients of one half of the holdout: what the cohort teaches about anybody.
        gain: `train` - `holdout`, with its 95 % interval: what it gives away about its own patients.
        control: the same gain with the other half of the holdout in the synthetic cohort's place; near 0.
        baseline: mean score on patients of train of a guess that ignores what is known of them.
        n: patients attacked, of train and of the holdout.
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
    """What is known of some people, (n, d), what is not, (n, secrets), and their classes, (n,)."""

    known: Matrix
    secret: Matrix
    y: NDArray[np.int64]


def nearest_values(attacked: Half, held: Half) -> Matrix:
    """Secret of the sample held whose known half is the nearest, (n, secrets)."""
    taken: Matrix = held.secret[distances(attacked.known, held.known).argmin(axis=1)]
    return taken


def ridge_values(attacked: Half, held: Half) -> Matrix:
    """Secret by ridge regression on the known half, (n, secrets)."""
    with quietly():
        guess: Matrix = Ridge(PENALTY).fit(held.known, held.secret).predict(attacked.known)
    return guess


def nearest_class(attacked: Half, held: Half) -> NDArray[np.int64]:
    """Class of the sample held whose known half is the nearest, (n,)."""
    taken: NDArray[np.int64] = held.y[distances(attacked.known, held.known).argmin(axis=1)]
    return taken


def logistic_class(attacked: Half, held: Half) -> NDArray[np.int64]:
    """Class by logistic regression on the known half, (n,); of columns that two samples held have a value in."""
    if len(np.unique(held.y)) < 2:
        return np.full(len(attacked.y), held.y[0])
    used = np.count_nonzero(held.known, axis=0) > 1
    with quietly():
        return np.asarray(logistic(held.known[:, used], held.y, 0).predict(attacked.known[:, used]), dtype=np.int64)


VALUES: dict[str, Callable[[Half, Half], Matrix]] = {"nearest": nearest_values, "ridge": ridge_values}
CLASS: dict[str, Callable[[Half, Half], NDArray[np.int64]]] = {"nearest": nearest_class, "logistic": logistic_class}


def disclosure(comparison: Comparison, seed: int) -> list[Disclosure]:
    """Infers the other half of a patient, and the class, from one half; by nearest neighbour and by regression.

    Classes are inferred where there are two; edits of sequences by nearest neighbour alone, in patients who have one.

    Raises:
        NotEvaluable: fewer than 20 people attacked on a side, 20 in the other half of the holdout, or 20 synthetic
            samples.
    """
    return comparison.memo(("disclosure", seed), lambda: _disclosure(comparison, seed))


def _disclosure(c: Comparison, seed: int) -> list[Disclosure]:
    rng = np.random.default_rng([seed, 94])
    out, apart = halves(c.holdout.y, c.holdout.subjects, rng)
    out, rows = out[one_each(c.holdout.subjects[out], rng)][:TARGETS], one_each(c.train.subjects, rng)
    if min(len(out), len(apart), len(rows), len(c.synthetic)) < LEAST:
        raise NotEvaluable(
            f"it needs at least {LEAST} patients of train, in each half of the holdout, and synthetic samples; there "
            f"are {len(rows)}, {min(len(out), len(apart))} and {len(c.synthetic)}"
        )
    share = np.bincount(c.holdout.y[out], minlength=len(c.classes)) / len(out)
    rows = rows[pick(c.train.y[rows], proportional(share, min(len(rows), TARGETS)), rng)]
    known, secret = c.view.halvings(rng)[0]
    secret = c.view.secrets(secret, SECRETS, rng)

    def half(z: Matrix, y: NDArray[np.int64], at: NDArray[np.int64]) -> Half:
        return Half(z[at][:, known], z[at][:, secret], y[at])

    made = rng.permutation(len(c.synthetic))[:SYNTHETIC]
    train, holdout = half(c.z_train, c.train.y, rows), half(c.z_holdout, c.holdout.y, out)
    held = half(c.z_synthetic, c.synthetic.y, made), half(c.z_holdout, c.holdout.y, apart[:SYNTHETIC])
    found, words = [], c.view.words
    if len(secret):
        told = {"knows": words.known, "infers": words.secret, "score": words.score}
        score = _shared if c.view.presence else _explained(train)
        mute = np.zeros_like(train.secret) if c.view.presence else held[1].secret.mean(axis=0)
        for name, guess in VALUES.items():
            if not c.view.presence or name == "nearest":
                sides = [[score(side.secret, guess(side, each)) for side in (train, holdout)] for each in held]
                found.append(_found(f"values, {name}", told, sides, score(train.secret, mute)))
    if len(np.unique(c.train.y)) > 1:
        told = {"knows": words.known, "infers": "the class", "score": "share of patients"}
        most = np.full(len(train.y), np.bincount(held[1].y).argmax())
        for name, classify in CLASS.items():
            sides = [[_same(side.y, classify(side, each)) for side in (train, holdout)] for each in held]
            found.append(_found(f"class, {name}", told, sides, _same(train.y, most)))
    return [attack for attack in found if min(attack.n) >= LEAST]


def _found(name: str, told: dict[str, str], sides: list[list[NDArray[Any]]], baseline: NDArray[Any]) -> Disclosure:
    """`sides`: scores on train and on the holdout, (patients,) each, by the synthetic cohort and by the control."""
    sides = [[side[np.isfinite(side)] for side in each] for each in sides]
    (train, holdout), control = sides
    if min(len(train), len(holdout)) < LEAST:
        none = Interval(math.nan, math.nan, math.nan)
        return Disclosure(name, **told, train=none, holdout=none, gain=none, control=none, baseline=math.nan, n=(0, 0))
    return Disclosure(
        name,
        **told,
        train=_mean(train),
        holdout=_mean(holdout),
        gain=_difference(_mean(train), _mean(holdout)),
        control=_difference(_mean(control[0]), _mean(control[1])),
        baseline=float(np.nanmean(baseline)),
        n=(len(train), len(holdout)),
    )


def _mean(scores: NDArray[Any]) -> Interval:
    """Mean with its interval: Wilson's of rights and wrongs, which has a width when all are right."""
    if np.isin(scores, (0, 1)).all():
        return wilson(float(scores.sum()), len(scores))
    return mean(scores)


def _difference(a: Interval, b: Interval) -> Interval:
    """A - b, ends squared and added; Newcombe (1998, Stat. Med. 17:873, method 10)."""
    value = a.value - b.value
    low, high = math.hypot(a.value - a.low, b.high - b.value), math.hypot(a.high - a.value, b.value - b.low)
    return Interval(value, value - low, value + high)


def _explained(train: Half) -> Callable[[Matrix, Matrix], NDArray[Any]]:
    """Scores of patients: 1 less the squared error over the variance in train, mean over secrets; (n,)."""
    variance = max(float(train.secret.var(axis=0).mean()), 1e-9)

    def score(truth: Matrix, guess: Matrix) -> NDArray[Any]:
        return np.asarray(1 - np.square(truth - guess, dtype=np.float64).mean(axis=1) / variance)

    return score


def _shared(truth: Matrix, guess: Matrix) -> NDArray[Any]:
    """Edits both true and told over edits true or told (Jaccard), (n,); NaN for who has none."""
    both, either = np.minimum(truth, guess).sum(axis=1), np.maximum(truth, guess).sum(axis=1)
    return np.where(truth.any(axis=1), both / np.maximum(either, 1), np.nan)


def _same(truth: NDArray[np.int64], said: NDArray[np.int64]) -> NDArray[Any]:
    return np.asarray(truth == said, dtype=np.float64)
