"""Neighbourhoods: precision, recall, density, coverage, and nearest-neighbour adversarial accuracy.

Distances between sequences are taken over the edits themselves: principal components would lose the rare ones. Those
between images are between features of a network trained on train, where one is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cohortsmith.evaluation.core import (
    HALF_SAMPLE_INTERVAL,
    MIN_PER_SIDE,
    SAMPLES_PER_SIDE,
    Finding,
    distances,
    from_halves,
    group_nearest,
    group_of,
    group_starts,
    half_samples,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

K = 5


class Manifold(NamedTuple):
    """Four measures of how two point clouds cover each other."""

    precision: float
    recall: float
    density: float
    coverage: float


def precision(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic samples inside the real manifold; Kynkaanniemi et al. (2019), eq. 2, k = 5."""
    return _finding(comparison, seed, "precision")


def recall(comparison: Comparison, seed: int) -> Finding:
    """Share of real samples inside the synthetic manifold; Kynkaanniemi et al. (2019), eq. 3, k = 5."""
    return _finding(comparison, seed, "recall")


def density(comparison: Comparison, seed: int) -> Finding:
    """Mean number of real neighbourhoods that a synthetic sample lies in, over k; Naeem et al. (2020), eq. 3, k = 5."""
    return _finding(comparison, seed, "density")


def coverage(comparison: Comparison, seed: int) -> Finding:
    """Share of real samples with a synthetic one in their neighbourhood; Naeem et al. (2020), eq. 4, k = 5."""
    return _finding(comparison, seed, "coverage")


def _finding(comparison: Comparison, seed: int, name: str) -> Finding:
    found = comparison.memo(("manifold", seed), lambda: _manifolds(comparison, seed))
    value, halves, reference, chance, by_class = found
    detail: dict[str, Any] = {
        "n": len(comparison.draw(SAMPLES_PER_SIDE, seed)),
        "k": K,
        "space": comparison.view.neighbour_space,
    }
    if by_class:
        detail["by_class"] = [
            {"class": c, "value": getattr(made, name), "reference": getattr(real, name)} for c, made, real in by_class
        ]
    return Finding(
        *from_halves(getattr(value, name), [getattr(m, name) for m in halves]),
        reference=getattr(reference, name),
        chance=getattr(chance, name),
        interval=HALF_SAMPLE_INTERVAL,
        detail=detail,
    )


def _manifolds(
    comparison: Comparison, seed: int
) -> tuple[Manifold, list[Manifold], Manifold, Manifold, list[tuple[str, Manifold, Manifold]]]:
    """Synthetic against real, its half-samples, real against real, chance; for images the first and third by class."""
    draw = comparison.view.neighbour_draw(SAMPLES_PER_SIDE, seed)
    real = distances(draw.real, draw.real)

    def others(side: Matrix) -> tuple[NDArray[Any], NDArray[Any]]:
        return distances(side, side), distances(draw.real, side)

    synthetic, cross = others(draw.synthetic)
    group = group_of(len(draw))
    halves = []
    for keep in half_samples():
        at = np.ix_(keep[group], keep[group])
        halves.append(manifold(real[at], synthetic[at], cross[at]))
    train, train_cross = others(draw.reference)
    chance = manifold(real, *others(draw.structureless))
    by_class = []
    for c, name in enumerate(comparison.classes if comparison.view.by_class else ()):
        rows, made, known = (np.flatnonzero(y == c) for y in (draw.real_y, draw.synthetic_y, draw.reference_y))
        if min(len(rows), len(made), len(known)) >= MIN_PER_SIDE:
            own = real[np.ix_(rows, rows)]
            found = manifold(own, synthetic[np.ix_(made, made)], cross[np.ix_(rows, made)])
            by_class.append((name, found, manifold(own, train[np.ix_(known, known)], train_cross[np.ix_(rows, known)])))
    return manifold(real, synthetic, cross), halves, manifold(real, train, train_cross), chance, by_class


def manifold(real: NDArray[Any], synthetic: NDArray[Any], cross: NDArray[Any], k: int = K) -> Manifold:
    """Precision, recall, density and coverage from distances.

    Args:
        real: (n, n) among real samples.
        synthetic: (m, m) among synthetic samples.
        cross: (n, m) from real to synthetic samples.
        k: neighbours, not counting the sample itself.
    """
    real_radius = np.partition(real, k, axis=1)[:, k]  # the sample itself is first, at distance 0
    synthetic_radius = np.partition(synthetic, k, axis=1)[:, k]
    inside = cross <= real_radius[:, None]
    return Manifold(
        precision=float(inside.any(axis=0).mean()),
        recall=float((cross <= synthetic_radius).any(axis=1).mean()),
        density=float(inside.sum() / (k * inside.shape[1])),
        coverage=float(inside.any(axis=1).mean()),
    )


class Adversarial(NamedTuple):
    """Both terms of the adversarial accuracy, (2,) each: for real and for synthetic samples."""

    value: NDArray[np.float64]
    halves: list[NDArray[np.float64]]
    reference: NDArray[np.float64]
    chance: NDArray[np.float64]
    against_train: NDArray[np.float64]


def adversarial_accuracy(comparison: Comparison, seed: int) -> Finding:
    """Nearest-neighbour adversarial accuracy of Yale et al. (2020), eq. 1, on profiles.

    Half the share of real samples whose nearest synthetic one is farther than their nearest real one (`truth`), half
    the share of synthetic ones nearer to another synthetic than to a real one (`synthetic`). A tie counts half, so that
    a cohort of copies does not pass. 0.5: indistinguishable; 1: well separated; 0: copied or overfitted.
    """
    found = _adversarial_terms(comparison, seed)
    return Finding(
        *from_halves(float(found.value.mean()), [float(v.mean()) for v in found.halves]),
        reference=float(found.reference.mean()),
        chance=float(found.chance.mean()),
        interval=HALF_SAMPLE_INTERVAL,
        detail={
            "n": len(comparison.draw(SAMPLES_PER_SIDE, seed)),
            "truth": float(found.value[0]),
            "synthetic": float(found.value[1]),
            "against_train": float(found.against_train.mean()),
            "privacy_loss": float(found.value.mean() - found.against_train.mean()),
        },
    )


def adversarial_term(comparison: Comparison, seed: int, *, term: int) -> Finding:
    """One term of the adversarial accuracy: 0 for real samples, 1 for synthetic ones.

    Their mean hides a cohort concentrated far from real patients: there one term is 1, the other 0.
    """
    found = _adversarial_terms(comparison, seed)
    return Finding(
        *from_halves(float(found.value[term]), [float(v[term]) for v in found.halves]),
        reference=float(found.reference[term]),
        chance=float(found.chance[term]),
        interval=HALF_SAMPLE_INTERVAL,
        detail={"n": len(comparison.draw(SAMPLES_PER_SIDE, seed))},
    )


def _adversarial_terms(comparison: Comparison, seed: int) -> Adversarial:
    def make() -> Adversarial:
        draw = comparison.draw(SAMPLES_PER_SIDE, seed)
        real = distances(draw.real, draw.real)
        train = distances(draw.reference, draw.reference)
        return Adversarial(
            *_adversarial(real, draw.real, draw.synthetic),
            _adversarial(real, draw.real, draw.reference)[0],
            _adversarial(real, draw.real, draw.structureless)[0],
            _adversarial(train, draw.reference, draw.synthetic)[0],
        )

    return comparison.memo(("adversarial", seed), make)


def _adversarial(
    real_distances: NDArray[np.float32], real: Matrix, other: Matrix
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Both terms, (2,), and the same on each half-sample of both sides."""
    starts = group_starts(len(real))
    cross = distances(real, other)
    sides = []
    for within, across in ((real_distances, cross), (distances(other, other), cross.T)):
        own = within.copy()
        np.fill_diagonal(own, np.inf)
        sides.append((group_nearest(own, starts), group_nearest(np.ascontiguousarray(across), starts)))
    group = group_of(len(real))

    def terms(kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        rows = kept[group]
        return np.asarray([_farther(b[rows][:, kept].min(axis=1), a[rows][:, kept].min(axis=1)) for a, b in sides])

    return terms(np.ones(len(starts), dtype=bool)), [terms(kept) for kept in half_samples()]


def _farther(across: NDArray[np.float32], within: NDArray[np.float32]) -> float:
    return float(((across > within) + (across == within) / 2).mean())
