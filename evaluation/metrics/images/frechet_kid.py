"""Distances of images in feature space: Frechet distance and kernel distance (KID)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.evaluation.core import JACKKNIFE_INTERVAL, MIN_PER_SIDE, SAMPLES_PER_SIDE, Finding, jackknife
from cohortsmith.evaluation.metrics.common import frechet_in, kernel_sums, mmd_from_sums
from cohortsmith.evaluation.spaces import ImageView

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Draw, Matrix
    from cohortsmith.evaluation.spaces import Comparison

FIXED = "features of a fixed, untrained network"


def frechet_fixed(comparison: Comparison, seed: int) -> Finding:
    """Squared Frechet distance, Heusel et al. (2017), eq. 6, on features of the fixed network."""
    return frechet_in(comparison.seen_as(ImageView).fixed_draw(SAMPLES_PER_SIDE, seed), FIXED)


def kernel_distance(comparison: Comparison, seed: int) -> Finding:
    """Kernel distance (KID) on features of a network trained on train, also per class; Binkowski et al. (2018)."""
    return _kernel_distance(comparison, comparison.view.embedded_draw(SAMPLES_PER_SIDE, seed), comparison.view.space)


def kernel_distance_fixed(comparison: Comparison, seed: int) -> Finding:
    """Kernel distance (KID) on features of the fixed network, also per class; Binkowski et al. (2018)."""
    return _kernel_distance(comparison, comparison.seen_as(ImageView).fixed_draw(SAMPLES_PER_SIDE, seed), FIXED)


def polynomial(a: Matrix, b: Matrix) -> NDArray[np.float32]:
    """Kernel (x y / d + 1)^3 of a (n, d) and b (m, d), (n, m); Binkowski et al. (2018), sec. 4."""
    kernel: NDArray[np.float32] = (a @ b.T / np.float32(a.shape[1]) + np.float32(1)) ** 3
    return kernel


def squared_discrepancy(a: Matrix, b: Matrix) -> float:
    """Unbiased squared mean discrepancy of a (n, d) and b (m, d); Binkowski et al. (2018), eq. 4."""
    n, m = len(a), len(b)
    within = [polynomial(side, side) for side in (a, b)]
    first, second = (float(k.sum(dtype=np.float64) - np.trace(k, dtype=np.float64)) for k in within)
    return first / (n * (n - 1)) + second / (m * (m - 1)) - 2 * float(polynomial(a, b).mean(dtype=np.float64))


def _kernel_distance(comparison: Comparison, draw: Draw, space: str) -> Finding:
    real = kernel_sums(polynomial(draw.real, draw.real), within=True)

    def measured(other: Matrix) -> tuple[float, list[float]]:
        own = kernel_sums(polynomial(other, other), within=True)
        return mmd_from_sums(real, own, kernel_sums(polynomial(draw.real, other)), len(draw))

    value, left_out = measured(draw.synthetic)
    by_class = []
    for c, name in enumerate(comparison.classes):
        sides = (
            draw.real[draw.real_y == c],
            draw.synthetic[draw.synthetic_y == c],
            draw.reference[draw.reference_y == c],
        )
        if min(map(len, sides)) >= MIN_PER_SIDE:
            made, known = (squared_discrepancy(sides[0], other) for other in sides[1:])
            by_class.append({"class": name, "n": len(sides[0]), "value": made, "reference": known})
    return Finding(
        *jackknife(value, left_out),
        reference=measured(draw.reference)[0],
        chance=measured(draw.structureless)[0],
        interval=JACKKNIFE_INTERVAL,
        detail={"n": len(draw), "features": draw.real.shape[1], "space": space, "by_class": by_class},
    )
