"""Whole profiles: correlations between genes, sliced Wasserstein, MMD and Frechet distance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import sqrtm

from cohortsmith.evaluation.core import (
    JACKKNIFE_INTERVAL,
    SAMPLES_PER_SIDE,
    Finding,
    NotEvaluable,
    Stream,
    distances,
    group_starts,
    jackknife,
    leave_group_out,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Draw, Matrix
    from cohortsmith.evaluation.spaces import Comparison

PROJECTIONS = 200
GENES = 1000


def correlation(comparison: Comparison, seed: int) -> Finding:
    """Pearson correlation, over pairs of genes, between the real and the synthetic gene-gene correlations.

    Up to 1000 genes (a seeded draw) that vary in the holdout draw; one constant in the other cohort has correlation 0.
    """
    draw = comparison.draw(SAMPLES_PER_SIDE, seed)
    genes = np.flatnonzero(np.ptp(draw.real, axis=0) > 0)
    if len(genes) < 3:
        raise NotEvaluable(f"correlations between genes need at least 3 varying genes, there are {len(genes)}")
    if len(genes) > GENES:
        genes = np.sort(np.random.default_rng([seed, Stream.CORRELATED_GENES]).choice(genes, GENES, replace=False))
    real, synthetic = draw.real[:, genes], draw.synthetic[:, genes]
    pairs = np.triu_indices(len(genes), 1)
    target = _correlations(real)[pairs]

    def agreement(other: Matrix) -> tuple[float, float]:
        found = _correlations(other)[pairs]
        return pearson(target, found), float(np.abs(target - found).mean())

    def without(keep: NDArray[np.bool_]) -> float:
        return pearson(_correlations(real[keep])[pairs], _correlations(synthetic[keep])[pairs])

    value, difference = agreement(synthetic)
    reference, real_difference = agreement(draw.reference[:, genes])
    return Finding(
        *jackknife(value, leave_group_out(len(draw), without)),
        reference=reference,
        chance=agreement(draw.structureless[:, genes])[0],
        interval=JACKKNIFE_INTERVAL,
        detail={
            "n": len(draw),
            "genes": len(genes),
            "mean_absolute_difference": difference,
            "mean_absolute_difference_reference": real_difference,
        },
    )


def sliced_wasserstein(comparison: Comparison, seed: int) -> Finding:
    """Sliced Wasserstein-2 distance of standardised profiles over 200 random directions, by POT; Bonneel et al. (2015).

    Unit: standard deviations of a gene.
    """
    from ot import sliced_wasserstein_distance  # takes a second to import

    draw = comparison.draw(SAMPLES_PER_SIDE, seed)
    directions = np.random.default_rng([seed, Stream.PROJECTIONS]).standard_normal((draw.real.shape[1], PROJECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    # Projected once here; POT then gets the projections themselves, along the axes.
    sides = [side @ directions for side in (draw.real, draw.synthetic, draw.reference, draw.structureless)]
    axes = np.eye(PROJECTIONS)

    def distance(a: NDArray[Any], b: NDArray[Any]) -> float:
        return float(sliced_wasserstein_distance(a, b, projections=axes))

    real, synthetic, reference, structureless = sides
    left_out = leave_group_out(len(draw), lambda keep: distance(real[keep], synthetic[keep]))
    return Finding(
        *jackknife(distance(real, synthetic), left_out),
        reference=distance(real, reference),
        chance=distance(real, structureless),
        interval=JACKKNIFE_INTERVAL,
        detail={"n": len(draw), "projections": PROJECTIONS},
    )


def mmd(comparison: Comparison, seed: int) -> Finding:
    """Unbiased squared maximum mean discrepancy with a Gaussian kernel; Gretton et al. (2012), Lemma 6.

    Bandwidth: median distance between the holdout's samples (a median heuristic that does not depend on the
    synthetic cohort). The unbiased estimate can be negative.
    """
    draw = comparison.draw(SAMPLES_PER_SIDE, seed)
    within = distances(draw.real, draw.real)
    bandwidth = float(np.median(within[np.triu_indices(len(draw), 1)]))
    if bandwidth == 0:
        raise NotEvaluable("more than half of the holdout's samples are equal")

    def kernel(d: NDArray[np.float32]) -> NDArray[np.float32]:
        similarity: NDArray[np.float32] = np.exp(-np.square(d / np.float32(bandwidth)) / 2)
        return similarity

    real = kernel_sums(kernel(within), within=True)

    def measured(other: Matrix) -> tuple[float, list[float]]:
        own = kernel_sums(kernel(distances(other, other)), within=True)
        return mmd_from_sums(real, own, kernel_sums(kernel(distances(draw.real, other))), len(draw))

    value, left_out = measured(draw.synthetic)
    return Finding(
        *jackknife(value, left_out),
        reference=measured(draw.reference)[0],
        chance=measured(draw.structureless)[0],
        interval=JACKKNIFE_INTERVAL,
        detail={"n": len(draw), "bandwidth": bandwidth},
    )


def frechet(comparison: Comparison, seed: int) -> Finding:
    """Squared Frechet distance between Gaussians fitted to both cohorts in train's principal components.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), Heusel et al. (2017), eq. 6, with train's components in place of an
    image network; for images, features of a network trained on train, where one is given.
    """
    return frechet_in(comparison.view.embedded_draw(SAMPLES_PER_SIDE, seed), comparison.view.space)


def frechet_in(draw: Draw, space: str) -> Finding:
    """Squared Frechet distance of a draw in some space, named `space`."""
    left_out = leave_group_out(len(draw), lambda keep: frechet_distance(draw.real[keep], draw.synthetic[keep]))
    return Finding(
        *jackknife(frechet_distance(draw.real, draw.synthetic), left_out),
        reference=frechet_distance(draw.real, draw.reference),
        chance=frechet_distance(draw.real, draw.structureless),
        interval=JACKKNIFE_INTERVAL,
        detail={"n": len(draw), "components": draw.real.shape[1], "space": space},
    )


def frechet_distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Squared Frechet distance between Gaussians fitted to `a` (n, d) and `b` (m, d)."""
    first, second = (np.atleast_2d(np.cov(side, rowvar=False, dtype=np.float64)) for side in (a, b))
    shift = a.mean(axis=0, dtype=np.float64) - b.mean(axis=0, dtype=np.float64)
    root = sqrtm(first)
    # tr (C1 C2)^(1/2) = tr (C1^(1/2) C2 C1^(1/2))^(1/2): symmetric, so eigenvalues do, singular covariances included
    middle = np.real(root) @ second @ np.real(root)
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh((middle + middle.T) / 2), 0)).sum()
    return float(max(shift @ shift + np.trace(first) + np.trace(second) - 2 * cross, 0.0))


def _correlations(x: Matrix) -> NDArray[np.float32]:
    centred = x - x.mean(axis=0)
    scale = np.sqrt(np.einsum("ij,ij->j", centred, centred))
    # Values are in train's standard deviations: below 1e-4 there is only rounding error left to correlate.
    centred /= np.where(scale > 1e-4 * np.sqrt(len(x)), scale, np.inf)
    return np.asarray(centred.T @ centred, dtype=np.float32)


def pearson(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Pearson correlation of a (n,) and b (n,); 0 where one of them is constant or n < 2."""
    if len(a) < 2:
        return 0.0
    a, b = a - a.mean(dtype=np.float64), b - b.mean(dtype=np.float64)
    norm = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norm) if norm > 0 else 0.0


def kernel_sums(k: NDArray[np.float32], *, within: bool = False) -> NDArray[np.float64]:
    """Kernel (n, n) summed over each pair of groups, (groups, groups); `within` one side, without the diagonal."""
    if within:
        np.fill_diagonal(k, 0)
    starts = group_starts(len(k))
    rows: NDArray[np.float64] = np.add.reduceat(k, starts, axis=0, dtype=np.float64)
    return np.add.reduceat(rows, starts, axis=1)


def mmd_from_sums(
    real: NDArray[np.float64], other: NDArray[np.float64], cross: NDArray[np.float64], n: int
) -> tuple[float, list[float]]:
    """Unbiased squared discrepancy from `kernel_sums` of n samples per side, and with each group left out."""

    def estimate(keep: NDArray[np.bool_], m: int) -> float:
        a, b, c = (part[np.ix_(keep, keep)].sum() for part in (real, other, cross))
        return float((a + b) / (m * (m - 1)) - 2 * c / m**2)

    sizes = np.diff([*group_starts(n).tolist(), n])
    everything = np.ones(len(sizes), dtype=bool)
    left_out = [estimate(np.arange(len(sizes)) != g, n - int(size)) for g, size in enumerate(sizes)]
    return estimate(everything, n), left_out
