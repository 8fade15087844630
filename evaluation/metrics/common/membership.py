"""Membership inference: can an attacker holding the synthetic cohort tell who was in train?

Members are train samples; non-members one half of the holdout; the attacker's reference set is the other half, so he
never calibrates on the very people he is tested on. Halves are made by patient.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import logsumexp
from sklearn.decomposition import PCA

from cohortsmith.evaluation.core import (
    BLOCK,
    Finding,
    Interval,
    NotEvaluable,
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

MEMBERS = 2000
SYNTHETIC = 10000
LEAST = 20
LEAST_FOR_TPR = 100
FALSE_POSITIVES = 0.01
COMPONENTS = 30
RESAMPLES = 500


class AttackInputs(NamedTuple):
    """What an attack is run on, (n, d) each, as `Comparison.z_train` holds it."""

    members: Matrix
    non_members: Matrix
    synthetic: Matrix
    reference: Matrix


def gan_leaks(x: Matrix, synthetic: Matrix, reference: Matrix) -> NDArray[Any]:
    """Minus the distance to the nearest synthetic sample, (n,); full black-box attack of Chen et al. (2020), eq. 5."""
    del reference
    return -nearest(x, synthetic)[:, 0]


def gan_leaks_calibrated(x: Matrix, synthetic: Matrix, reference: Matrix) -> NDArray[Any]:
    """How much nearer the synthetic cohort comes than the reference set, (n,); Chen et al. (2020), eq. 9.

    The reference set stands for samples of Chen's reference generator: real patients, of whom none is attacked.
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
    shared = np.count_nonzero(both, axis=0) > 1  # a component of one patient's own edit would only be slow
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

    Reference: the same attack on real samples in the synthetic cohort's place, one half of train, members being the
    other half: real people who give nobody else away.
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
    """Share of members found when at most 1 % of non-members are wrongly accused; Carlini et al. (2022)."""
    scores, real, detail = _attacked(comparison, seed, attack)
    if len(scores[1]) < LEAST_FOR_TPR:
        raise NotEvaluable(
            f"1 % of false positives needs at least {LEAST_FOR_TPR} non-members, half the holdout has {len(scores[1])}"
        )
    return Finding(
        *true_positive_rate(*scores, seed=seed),
        reference=true_positive_rate(*real, seed=seed, resamples=0).value,
        chance=FALSE_POSITIVES,
        interval="the wider of Wilson and a bootstrap of members and non-members",
        detail=detail,
    )


def attack_auc_unique(comparison: Comparison, seed: int) -> Finding:
    """AUC of the best of `ATTACKS` on patients whose sequence nobody else has, in train or in the holdout.

    Members are such patients of train, non-members such patients of one half of the holdout. Patients whose sequence
    others share cannot be told apart by it and hide what happens to those who can. The best attack is chosen by its
    result, for the synthetic cohort and for real samples in its place alike.
    """
    scene, real = _unique_scenes(comparison, seed)
    found = {attack: _scores(scene, attack) for attack in ATTACKS}
    known = {attack: _scores(real, attack) for attack in ATTACKS}
    best = max(found, key=lambda attack: auc(*found[attack]).value)
    by_attack = {attack: auc(*scores).value for attack, scores in found.items()}
    detail: dict[str, Any] = {f"n_{side}": len(getattr(scene, side)) for side in AttackInputs._fields}
    detail |= {"attack": best, "by_attack": by_attack}
    if len(scene.non_members) >= LEAST_FOR_TPR:
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
    resamples: int = RESAMPLES,
    false_positives: float = FALSE_POSITIVES,
) -> Interval:
    """Share of member scores above a threshold that at most 1 % of non-member scores exceed.

    Args:
        members: (m,) scores.
        non_members: (n,) scores.
        seed: seed of the bootstrap.
        resamples: bootstrap rounds.
        false_positives: another share of non-members than 1 %.
    """

    def rate(positive: NDArray[Any], negative: NDArray[Any]) -> float:
        allowed = int(false_positives * len(negative))
        threshold = np.partition(negative, len(negative) - 1 - allowed)[len(negative) - 1 - allowed]
        return float((positive > threshold).mean())

    value = rate(members, non_members)
    found = wilson(value * len(members), len(members))
    if not resamples:
        return found
    rng = np.random.default_rng([seed, 71])
    again = [
        rate(rng.choice(members, len(members)), rng.choice(non_members, len(non_members))) for _ in range(resamples)
    ]
    low, high = np.quantile(again, [0.025, 0.975])
    return found.widened(Interval(value, float(low), float(high)))


def _attacked(
    comparison: Comparison, seed: int, attack: str
) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]], dict[str, Any]]:
    def make() -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]], dict[str, Any]]:
        scene, real = _scenes(comparison, seed)
        detail = {f"n_{side}": len(getattr(scene, side)) for side in AttackInputs._fields}
        return _scores(scene, attack), _scores(real, attack), detail

    return comparison.memo(("attack", attack, seed), make)


def _scores(scene: AttackInputs, attack: str) -> tuple[NDArray[Any], NDArray[Any]]:
    x = np.concatenate([scene.members, scene.non_members])
    scores = ATTACKS[attack](x, scene.synthetic, scene.reference)
    return scores[: len(scene.members)], scores[len(scene.members) :]


def _scenes(comparison: Comparison, seed: int) -> tuple[AttackInputs, AttackInputs]:
    """The attack on the synthetic cohort, and the same on real samples in its place."""
    return comparison.memo(("scenes", seed), partial(_make_scenes, comparison, seed))


def _make_scenes(c: Comparison, seed: int) -> tuple[AttackInputs, AttackInputs]:
    rng = np.random.default_rng([seed, 72])
    out, apart = halves(c.holdout.y, c.holdout.subjects, rng)
    released, kept = halves(c.train.y, c.train.subjects, rng)
    if min(len(out), len(apart), len(kept), len(c.synthetic)) < LEAST:
        raise NotEvaluable(
            f"an attack needs at least {LEAST} samples in each half of the holdout, in each half of train and in the "
            f"synthetic cohort; there are {min(len(out), len(apart))}, {len(kept)} and {len(c.synthetic)}"
        )
    share = np.bincount(c.holdout.y[out], minlength=len(c.classes)) / len(out)

    def members(rows: NDArray[np.int64]) -> Matrix:
        y = c.train.y[rows]
        return c.z_train[rows[pick(y, proportional(share, min(len(y), MEMBERS)), rng)]]

    known = (c.z_holdout[out], c.z_holdout[apart])
    made = c.z_synthetic[rng.permutation(len(c.synthetic))[:SYNTHETIC]]
    return (
        AttackInputs(members(np.arange(len(c.train))), known[0], made, known[1]),
        AttackInputs(members(kept), known[0], c.z_train[released[:SYNTHETIC]], known[1]),
    )


def _unique_scenes(c: Comparison, seed: int) -> tuple[AttackInputs, AttackInputs]:
    rng = np.random.default_rng([seed, 73])
    own, others = unique(c)
    out, apart = halves(c.holdout.y, c.holdout.subjects, rng)
    released, kept = halves(c.train.y, c.train.subjects, rng)
    members, strangers, rest = np.flatnonzero(own), out[others[out]], kept[own[kept]]
    if min(len(strangers), len(rest), len(apart), len(c.synthetic)) < LEAST:
        raise NotEvaluable(
            f"an attack on those whose sequence is unique needs at least {LEAST} of them in each half of the holdout "
            f"and of train, and as many synthetic samples; there are {len(strangers)}, {len(rest)} and "
            f"{len(c.synthetic)}"
        )
    known = (c.z_holdout[strangers], c.z_holdout[apart])
    made = c.z_synthetic[rng.permutation(len(c.synthetic))[:SYNTHETIC]]
    return (
        AttackInputs(c.z_train[rng.permutation(members)[:MEMBERS]], known[0], made, known[1]),
        AttackInputs(c.z_train[rng.permutation(rest)[:MEMBERS]], known[0], c.z_train[released[:SYNTHETIC]], known[1]),
    )


def unique(c: Comparison) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows of train and of the holdout no other patient of either has."""
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
    _, first, patient = np.unique(subjects, return_index=True, return_inverse=True)
    order = rng.permutation(len(first))
    order = order[np.argsort(y[first][order], kind="stable")]
    side = np.empty(len(first), dtype=np.int64)
    side[order] = np.arange(len(first)) % 2
    rows = rng.permutation(len(y))
    return rows[side[patient[rows]] == 0], rows[side[patient[rows]] == 1]
