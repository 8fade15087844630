"""Tight pairs: whether genes that vary together in real patients still do in synthetic ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.evaluation.core import (
    JACKKNIFE_INTERVAL,
    LARGE_SAMPLES_PER_SIDE,
    MIN_PER_SIDE,
    Finding,
    NotEvaluable,
    Stream,
    jackknife,
    leave_group_out,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

TIGHT = 0.9
ENOUGH, PAIRS = 10, 50  # where fewer are tight, so many of the tightest are taken
MOST_PAIRS = 500
GENES = 4000
MOST_FITTED = 2000


def tight_pairs(comparison: Comparison, seed: int) -> Finding:
    """Mean correlation within classes of the pairs of genes whose correlation within classes in train is above 0.9.

    Of up to 4000 genes (a seeded draw), at most 500 pairs, the tightest; the 50 tightest where fewer than ten are. The
    pairs are chosen on train patients outside the draws.
    """
    draw = comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)
    rng = np.random.default_rng([seed, Stream.TIGHT_PAIRS])
    rows = rng.permutation(draw.fitting_rows)[:MOST_FITTED]
    genes = np.sort(rng.permutation(draw.real.shape[1])[:GENES])
    if len(genes) < 2 or len(rows) < MIN_PER_SIDE:
        raise NotEvaluable(f"pairs need 2 genes and {MIN_PER_SIDE} train patients; there are {len(genes)}, {len(rows)}")
    fitted = _unit(within_classes(comparison.z_train[rows][:, genes], comparison.train.y[rows]))
    r = fitted.T @ fitted
    upper = np.triu_indices(len(genes), 1)
    values = r[upper]
    tight = int((values > TIGHT).sum())
    order = np.argsort(-values, kind="stable")[: min(tight, MOST_PAIRS) if tight >= ENOUGH else PAIRS]
    first, second = genes[upper[0][order]], genes[upper[1][order]]

    def mean_r(x: Matrix, y: NDArray[np.int64]) -> float:
        a, b = (_unit(within_classes(x[:, side], y)) for side in (first, second))
        return float((a * b).sum(axis=0).mean())

    left_out = leave_group_out(len(draw), lambda keep: mean_r(draw.synthetic[keep], draw.synthetic_y[keep]))
    return Finding(
        *jackknife(mean_r(draw.synthetic, draw.synthetic_y), left_out),
        reference=mean_r(draw.real, draw.real_y),
        chance=mean_r(draw.structureless, draw.real_y),
        interval=JACKKNIFE_INTERVAL,
        detail={
            "n": len(draw),
            "pairs": len(order),
            "tight": tight,
            "train": float(np.mean(values[order])),
        },
    )


def within_classes(x: Matrix, y: NDArray[np.int64]) -> Matrix:
    """Values (n, d) around the mean of their class."""
    out = x.astype(np.float32, copy=True)
    for label in np.unique(y):
        out[y == label] -= out[y == label].mean(axis=0)
    return out


def _unit(x: Matrix) -> Matrix:
    norm = np.linalg.norm(x, axis=0)
    return np.asarray(x / np.where(norm > 1e-4 * np.sqrt(len(x)), norm, np.inf), np.float32)
