"""Membership inference: attacks that infer from the synthetic cohort who was in train.

Members are train samples, non-members one half of the holdout; the attacker's reference set is the other half, so that
attacks are never calibrated on the patients they are tested on. Halves are split by patient.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import logsumexp
from sklearn.decomposition import PCA

from cohortsmith.evaluation.core import (
    BLOCK,
    BOOTSTRAP_ROUNDS,
    MIN_FOR_1_PERCENT,
    MIN_PER_SIDE,
    TAILS_95,
    Finding,
    Interval,
    NotEvaluable,
    Stream,
    auc,
    distances,
    nearest,
    pick,
    proportional,
    same_rows,
    wilson,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

MEMBERS = 2000  # attacked, at most
SYNTHETIC = 10000  # samples that an attacker uses, at most
FALSE_POSITIVES = 0.01
COMPONENTS = 30


class AttackInputs(NamedTuple):
    """Inputs of an attack, profiles (n, d) each."""

    members: Matrix
    non_members: Matrix
    synthetic: Matrix
    reference: Matrix


def gan_leaks(x: Matrix, synthetic: Matrix, reference: Matrix) -> NDArray[Any]:
    """Minus the distance to the nearest synthetic sample, (n,); full black-box attack of Chen et al. (2020), eq. 5."""
    del reference
    return -nearest(x, synthetic)[:, 0]


def gan_leaks_calibrated(x: Matrix, synthetic: Matrix, reference: Matrix) -> NDArray[Any]:
    """Distance to the reference set minus distance to the synthetic cohort, (n,); Chen et al. (2020), eq. 9.

    The reference set, real patients of whom none is attacked, replaces samples of Chen's reference generator.
    """
    return nearest(x, reference)[:, 0] - nearest(x, synthetic)[:, 0]


def domias(x: Matrix, synthetic: Matrix, reference: Matrix) -> NDArray[Any]:
    """Log ratio of the synthetic to the reference density, (n,); DOMIAS, van Breugel et al. (2023), eq. 2.

    Both densities are Gaussian kernel estimates (Scott's bandwidth) in one shared basis, see `shared_basis`.
    """
    points, made, known = shared_basis(x, synthetic, reference)
    return log_density(points, made) - log_density(points, known)


def shared_basis(x: Matrix, synthetic: Matrix, reference: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """The three in the first 30 principal components of synthetic and reference samples, each scaled to variance 1."""
    both = np.concatenate([synthetic, reference])
    shared = np.count_nonzero(both, axis=0) > 1  # edits of a single patient would only add slow components
    if shared.any() and not shared.all():
        both, x, synthetic, reference = both[:, shared], x[:, shared], synthetic[:, shared], reference[:, shared]
    components = max(1, min(COMPONENTS, both.shape[1], len(reference) // 5))
    solver = "full" if both.shape[1] <= 100 else "randomized"
    with np.errstate(invalid="ignore"):  # equal samples have no variance to take a share of
        basis = PCA(components, whiten=True, svd_solver=solver, random_state=0).fit(both)
    points, made, known = (np.asarray(basis.transform(side), dtype=np.float32) for side in (x, synthetic, reference))
    return points, made, known


def log_density(x: Matrix, samples: Matrix) -> NDArray[np.float64]:
    """Log Gaussian kernel density at `x` (n, d) of `samples` (m, d) of unit scale, up to a constant of d; (n,)."""
    m, d = samples.shape
    bandwidth = m ** (-1 / (d + 4))
    density: NDArray[np.float64] = np.empty(len(x))
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        exponent = -np.square(distances(x[rows], samples).astype(np.float64) / bandwidth) / 2
        density[rows] = logsumexp(exponent, axis=1) - np.log(m) - d * np.log(bandwidth)
    return density


ATTACKS: dict[str, Callable[[Matrix, Matrix, Matrix], NDArray[Any]]] = {
    "gan_leaks": gan_leaks,
    "gan_leaks_calibrated": gan_leaks_calibrated,
    "domias": domias,
}


def attack_auc(comparison: Comparison, seed: int, *, attack: str) -> Finding:
    """AUC of an attack of `ATTACKS` on the synthetic cohort.

    Reference: the same attack on real samples in place of the synthetic cohort: one half of train, members being the
    other half, so that no member is revealed.
    """
    scores, real, detail = _attacked(comparison, seed, attack)
    return Finding(
        *auc(*scores),
        reference=auc(*real).value,
        chance=0.5,
        interval="DeLong",
        detail=detail,
    )


def attack_tpr(comparison: Comparison, seed: int, *, attack: str) -> Finding:
    """True-positive rate at a false-positive rate of at most 1 %; Carlini et al. (2022)."""
    scores, real, detail = _attacked(comparison, seed, attack)
    if len(scores[1]) < MIN_FOR_1_PERCENT:
        raise NotEvaluable(
            f"1 % of false positives needs at least {MIN_FOR_1_PERCENT} non-members, half the holdout has "
            f"{len(scores[1])}"
        )
    return Finding(
        *true_positive_rate(*scores, seed=seed),
        reference=true_positive_rate(*real, seed=seed, resamples=0).value,
        chance=FALSE_POSITIVES,
        interval="the wider of Wilson and a bootstrap of members and non-members",
        detail=detail,
    )


def attack_auc_unique(comparison: Comparison, seed: int) -> Finding:
    """AUC of the best of `ATTACKS` on patients whose sequence is unique in train and the holdout.

    Members are such patients of train, non-members such patients of one half of the holdout. Patients who share their
    sequence cannot be distinguished by it and would mask the risk of those who can. The best attack is selected by its
    AUC, for the synthetic cohort and for real samples in its place alike.
    """
    inputs, real = _unique_inputs(comparison, seed)
    found = {attack: _scores(inputs, attack) for attack in ATTACKS}
    known = {attack: _scores(real, attack) for attack in ATTACKS}
    best = max(found, key=lambda attack: auc(*found[attack]).value)
    by_attack = {attack: auc(*scores).value for attack, scores in found.items()}
    detail: dict[str, Any] = {f"n_{side}": len(getattr(inputs, side)) for side in AttackInputs._fields}
    detail |= {"attack": best, "by_attack": by_attack}
    if len(inputs.non_members) >= MIN_FOR_1_PERCENT:
        rate = true_positive_rate(*found[best], seed=seed)
        detail["found_at_1_percent"] = {"value": rate.value, "low": rate.low, "high": rate.high}
    return Finding(
        *auc(*found[best]),
        reference=max(auc(*scores).value for scores in known.values()),
        chance=0.5,
        interval="DeLong, of the best attack",
        detail=detail,
    )


def true_positive_rate(
    members: NDArray[Any],
    non_members: NDArray[Any],
    *,
    seed: int,
    resamples: int = BOOTSTRAP_ROUNDS,
    false_positives: float = FALSE_POSITIVES,
) -> Interval:
    """True-positive rate: share of member scores above a threshold that at most 1 % of non-member scores exceed.

    Args:
        members: (m,) scores.
        non_members: (n,) scores.
        seed: seed of the bootstrap.
        resamples: bootstrap rounds.
        false_positives: false-positive rate, 1 % by default.
    """

    def rate(positive: NDArray[Any], negative: NDArray[Any]) -> float:
        allowed = int(false_positives * len(negative))
        threshold = np.partition(negative, len(negative) - 1 - allowed)[len(negative) - 1 - allowed]
        return float((positive > threshold).mean())

    value = rate(members, non_members)
    found = wilson(value * len(members), len(members))
    if not resamples:
        return found
    rng = np.random.default_rng([seed, Stream.MEMBERSHIP_BOOTSTRAP])
    resampled = [
        rate(rng.choice(members, len(members)), rng.choice(non_members, len(non_members))) for _ in range(resamples)
    ]
    low, high = np.quantile(resampled, TAILS_95)
    return found.widened(Interval(value, float(low), float(high)))


def _attacked(
    comparison: Comparison, seed: int, attack: str
) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]], dict[str, Any]]:
    def make() -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]], dict[str, Any]]:
        inputs, real = _inputs(comparison, seed)
        detail = {f"n_{side}": len(getattr(inputs, side)) for side in AttackInputs._fields}
        return _scores(inputs, attack), _scores(real, attack), detail

    return comparison.memo(("attack", attack, seed), make)


def _scores(inputs: AttackInputs, attack: str) -> tuple[NDArray[Any], NDArray[Any]]:
    x = np.concatenate([inputs.members, inputs.non_members])
    scores = ATTACKS[attack](x, inputs.synthetic, inputs.reference)
    return scores[: len(inputs.members)], scores[len(inputs.members) :]


def _inputs(comparison: Comparison, seed: int) -> tuple[AttackInputs, AttackInputs]:
    """Inputs of an attack on the synthetic cohort, and of the same on real samples in its place."""
    return comparison.memo(("attack inputs", seed), partial(_split, comparison, seed))


def _split(c: Comparison, seed: int) -> tuple[AttackInputs, AttackInputs]:
    rng = np.random.default_rng([seed, Stream.MEMBERSHIP])
    tested, calibration = halves(c.holdout.y, c.holdout.subjects, rng)
    released, kept = halves(c.train.y, c.train.subjects, rng)
    if min(len(tested), len(calibration), len(kept), len(c.synthetic)) < MIN_PER_SIDE:
        raise NotEvaluable(
            f"an attack needs at least {MIN_PER_SIDE} samples in each half of the holdout, in each half of train and "
            f"in the synthetic cohort; there are {min(len(tested), len(calibration))}, {len(kept)} and "
            f"{len(c.synthetic)}"
        )
    share = np.bincount(c.holdout.y[tested], minlength=len(c.classes)) / len(tested)

    def members(rows: NDArray[np.int64]) -> Matrix:
        y = c.train.y[rows]
        return c.z_train[rows[pick(y, proportional(share, min(len(y), MEMBERS)), rng)]]

    known = (c.z_holdout[tested], c.z_holdout[calibration])
    made = c.z_synthetic[rng.permutation(len(c.synthetic))[:SYNTHETIC]]
    return (
        AttackInputs(members(np.arange(len(c.train))), known[0], made, known[1]),
        AttackInputs(members(kept), known[0], c.z_train[released[:SYNTHETIC]], known[1]),
    )


def _unique_inputs(c: Comparison, seed: int) -> tuple[AttackInputs, AttackInputs]:
    rng = np.random.default_rng([seed, Stream.UNIQUE_MEMBERSHIP])
    own, others = unique(c)
    tested, calibration = halves(c.holdout.y, c.holdout.subjects, rng)
    released, kept = halves(c.train.y, c.train.subjects, rng)
    members, non_members, rest = np.flatnonzero(own), tested[others[tested]], kept[own[kept]]
    if min(len(non_members), len(rest), len(calibration), len(c.synthetic)) < MIN_PER_SIDE:
        raise NotEvaluable(
            f"an attack on patients whose sequence is unique needs at least {MIN_PER_SIDE} of them in each half of the "
            f"holdout and of train, and as many synthetic samples; there are {len(non_members)}, {len(rest)} and "
            f"{len(c.synthetic)}"
        )
    known = (c.z_holdout[non_members], c.z_holdout[calibration])
    made = c.z_synthetic[rng.permutation(len(c.synthetic))[:SYNTHETIC]]
    return (
        AttackInputs(c.z_train[rng.permutation(members)[:MEMBERS]], known[0], made, known[1]),
        AttackInputs(c.z_train[rng.permutation(rest)[:MEMBERS]], known[0], c.z_train[released[:SYNTHETIC]], known[1]),
    )


def unique(c: Comparison) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows of train and of the holdout are unique to one patient of both."""
    number = np.concatenate(same_rows(c.z_train, c.z_holdout))
    patients = np.concatenate([c.train.subjects, c.holdout.subjects])
    _, patient = np.unique(patients, return_inverse=True)
    holders = np.unique(np.column_stack([number, patient]), axis=0)[:, 0]
    alone = np.bincount(holders)[number] == 1
    return alone[: len(c.train)], alone[len(c.train) :]


def halves(
    y: NDArray[np.int64], subjects: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of two halves with equal class proportions and no patient in both, each in random order."""
    side = dealt(y, subjects, 2, rng)
    rows = rng.permutation(len(y))
    return rows[side[rows] == 0], rows[side[rows] == 1]


def dealt(y: NDArray[np.int64], subjects: NDArray[Any], parts: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Part of each row, (n,): the patients of each class are dealt out in turn, in random order, none to two parts."""
    _, first, patient = np.unique(subjects, return_index=True, return_inverse=True)
    order = rng.permutation(len(first))
    order = order[np.argsort(y[first][order], kind="stable")]
    part = np.empty(len(first), dtype=np.int64)
    part[order] = np.arange(len(first)) % parts
    whole: NDArray[np.int64] = part[patient]
    return whole
