"""Latent scores below a point mass: what a zero would have been without a detection limit.

A zero shows only that a gene's score lies below a threshold. Spread independently, zeros lose their correlation: a
sample of poor quality has zeros in many genes. Here they are drawn as in the Gaussian copula with truncated data (Hoff
2007, data augmentation), with a factor model in place of the full covariance so that cost stays linear in genes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

from cohortsmith.generators.expression.lowrank import LowRank
from cohortsmith.generators.expression.monotone_curves import Z_LIMIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

ROUNDS = 5
_FACTORS = 32


def draw_latent(
    scores: Floats,
    y: NDArray[np.int64],
    classes: int,
    low: Floats,
    high: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Scores with those below a point mass redrawn given all of the patient's other genes.

    Args:
        scores: (n, genes), those below a point mass anywhere in its share.
        y: classes (n,).
        classes: number of classes.
        low: (genes,) scores below are the floor; minus infinity where there is none.
        high: (genes,) scores above are the ceiling; infinity where there is none.
        rng: draws.

    Returns:
        Scores (n, genes); each stays on its side of its threshold.
    """
    floored, ceiled = scores < low, scores > high
    rows, genes = np.nonzero(floored | ceiled)
    if not len(rows):
        return scores
    out = scores.copy()
    lower = np.where(floored[rows, genes], -Z_LIMIT, high[genes])
    upper = np.where(floored[rows, genes], low[genes], Z_LIMIT)
    for _ in range(ROUNDS):
        factors = LowRank.fit(out, y, classes, min(_FACTORS, max(1, min(out.shape) // 6)))
        expected = factors.expect(out, y)[rows, genes]
        spread = np.maximum(factors.residual[genes], 0.05)
        below, above = ndtr((lower - expected) / spread), ndtr((upper - expected) / spread)
        share = below + rng.random(len(rows)) * (above - below)
        drawn = expected + spread * ndtri(np.clip(share, 1e-7, 1 - 1e-7))
        out[rows, genes] = np.clip(drawn, lower, upper).astype(np.float32)
    return out
