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
MOST_FITTED = 2000
PRODUCTS = 4e11  # genes * genes * patients at most, half of which are computed: some ten seconds on one core
BLOCK = 2000  # genes


def tight_pairs(comparison: Comparison, seed: int) -> Finding:
    """Mean correlation within classes of the pairs of genes whose correlation within classes in train is above 0.9.

    At most 500 pairs, the tightest; the 50 tightest where fewer than ten are above 0.9 (`fallback` in the details).
    They are chosen on up to 2000 train patients outside the draws, among all genes; where genes are so many that it
    would take long, among a seeded draw of them.
    """
    draw = comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)
    rng = np.random.default_rng([seed, Stream.TIGHT_PAIRS])
    rows = rng.permutation(draw.fitting_rows)[:MOST_FITTED]
    width = draw.real.shape[1]
    if width < 2 or len(rows) < MIN_PER_SIDE:
        raise NotEvaluable(f"pairs need 2 genes and {MIN_PER_SIDE} train patients; there are {width}, {len(rows)}")
    genes = np.sort(rng.permutation(width)[: int(np.sqrt(PRODUCTS / len(rows)))])
    fitted = _unit(within_classes(comparison.z_train[rows][:, genes], comparison.train.y[rows]))
    pairs, values, tight = _tightest(fitted)
    taken = min(tight, MOST_PAIRS) if tight >= ENOUGH else PAIRS
    values, (first, second) = values[:taken], genes[pairs[:, :taken]]

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
            "genes": len(genes),
            "pairs": len(values),
            "tight": tight,
            "fallback": tight < ENOUGH,
            "train": float(values.mean()),
        },
    )


def _tightest(fitted: Matrix) -> tuple[NDArray[np.int64], Matrix, int]:
    """The tightest pairs of columns of unit length (n, d), (2, at most 500), their r, and how many are above 0.9.

    By blocks of columns: the correlations of 50,000 genes would take 10 GB.
    """
    width, tight = fitted.shape[1], 0
    pairs, values = np.zeros((2, 0), np.int64), np.zeros(0, np.float32)
    for start in range(0, width, BLOCK):
        for other in range(start, width, BLOCK):
            r = fitted[:, start : start + BLOCK].T @ fitted[:, other : other + BLOCK]
            if start == other:
                r[np.tril_indices(len(r))] = -np.inf
            tight += int(np.count_nonzero(r > TIGHT))
            if len(values) == MOST_PAIRS and r.max() <= values[-1]:
                continue
            if r.size > MOST_PAIRS:
                best = np.argpartition(r, r.size - MOST_PAIRS, axis=None)[-MOST_PAIRS:]
            else:
                best = np.flatnonzero(r > -np.inf)
            at = np.stack(np.unravel_index(best, r.shape)) + np.asarray([[start], [other]])
            values, pairs = np.concatenate([values, r.ravel()[best]]), np.concatenate([pairs, at], axis=1)
            order = np.lexsort((pairs[1], pairs[0], -values))[:MOST_PAIRS]
            order = order[np.isfinite(values[order])]
            values, pairs = values[order], pairs[:, order]
    return pairs, values, tight


def within_classes(x: Matrix, y: NDArray[np.int64]) -> Matrix:
    """Values (n, d) around the mean of their class."""
    out = x.astype(np.float32, copy=True)
    for label in np.unique(y):
        out[y == label] -= out[y == label].mean(axis=0)
    return out


def _unit(x: Matrix) -> Matrix:
    norm = np.linalg.norm(x, axis=0)
    return np.asarray(x / np.where(norm > 1e-4 * np.sqrt(len(x)), norm, np.inf), np.float32)
