"""Per gene: Jensen-Shannon divergence and Wasserstein-1 distance of each gene's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.distance import jensenshannon

from cohortsmith.evaluation.core import GROUPS, JACKKNIFE_INTERVAL, LARGE_SAMPLES_PER_SIDE, Finding, group_of, jackknife

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Draw, Matrix
    from cohortsmith.evaluation.spaces import Comparison

BINS = 20
WORST = 10


def js_divergence(comparison: Comparison, seed: int) -> Finding:
    """Mean over genes of the Jensen-Shannon divergence (base 2, 0..1) between real and synthetic values.

    Values are counted in quantile bins of train, 20 of them or the square root of the samples; a point mass, as at
    zero, has a bin of its own, and so have values below and above train's range. Lin (1991).
    """
    bins = min(BINS, int(np.sqrt(len(comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)))))
    return _finding(comparison, seed, _js_by_gene, edges=_edges(comparison, bins))


def wasserstein(comparison: Comparison, seed: int) -> Finding:
    """Mean over genes of the Wasserstein-1 distance between real and synthetic values, in train's standard deviations.

    Both sides have n samples, so it is the mean absolute difference of the ordered values; equal to
    `scipy.stats.wasserstein_distance`.
    """
    return _finding(comparison, seed, wasserstein_by_column)


def _finding(comparison: Comparison, seed: int, by_gene: Any, **options: Any) -> Finding:
    draw: Draw = comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)
    value, without = by_gene(draw.real, draw.synthetic, **options)
    reference, _ = by_gene(draw.real, draw.reference, **options)
    chance, _ = by_gene(draw.real, draw.structureless, **options)
    estimate = jackknife(float(value.mean()), without.mean(axis=1).tolist())
    worst = np.argsort(-value, kind="stable")[:WORST]
    table = [
        {"gene": comparison.features[g], "value": float(value[g]), "reference": float(reference[g])} for g in worst
    ]
    return Finding(
        *estimate,
        reference=float(reference.mean()),
        chance=float(chance.mean()),
        interval=JACKKNIFE_INTERVAL,
        detail={
            "n": len(draw),
            "median": float(np.median(value)),
            "worst": table,
            "by_gene": {"value": value.round(5), "reference": reference.round(5)},
        },
    )


def _edges(comparison: Comparison, bins: int) -> list[Matrix]:
    """Inner bin edges of each gene: train's quantiles, and its ends.

    A value that fills a bin has one of its own; values below and above train's range have one each.
    """
    levels = np.linspace(0, 1, bins + 1)[1:-1]
    z = comparison.z_train
    quantiles = np.quantile(z, levels, axis=0, method="inverted_cdf").astype(np.float32)
    ends = np.column_stack([np.nextafter(z.min(axis=0), np.float32(-np.inf)), z.max(axis=0)])
    edges = []
    for column, end in zip(quantiles.T, ends, strict=True):
        unique, times = np.unique(column, return_counts=True)
        # A repeated quantile is a point mass: close its bin just below and just above, so nothing near falls into it.
        below = np.nextafter(unique[times > 1], np.float32(-np.inf))
        edges.append(np.unique(np.concatenate([unique, below, end])))
    return edges


def _js_by_gene(real: Matrix, other: Matrix, edges: list[Matrix]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(genes,) divergences, and (groups, genes) with each group of samples left out of both sides."""
    widest = max(len(e) for e in edges) + 1
    first = _counts(real, edges, widest)
    second = _counts(other, edges, widest)
    groups = first.shape[0]
    value = np.square(jensenshannon(first.sum(axis=0), second.sum(axis=0), base=2, axis=1))
    without = [
        np.square(jensenshannon(first.sum(axis=0) - first[g], second.sum(axis=0) - second[g], base=2, axis=1))
        for g in range(groups)
    ]
    return value, np.asarray(without)


def _counts(x: Matrix, edges: list[Matrix], widest: int) -> NDArray[np.float64]:
    """Histogram of each gene in each group of samples, (groups, genes, bins)."""
    group = group_of(len(x))
    out = np.empty((GROUPS, x.shape[1], widest))
    for gene, inner in enumerate(edges):
        cell = group * widest + np.searchsorted(inner, x[:, gene], side="left")
        out[:, gene] = np.bincount(cell, minlength=GROUPS * widest).reshape(GROUPS, widest)
    return out


def wasserstein_by_column(real: Matrix, other: Matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wasserstein-1 of each column, (d,), and with each group of samples left out of both sides, (groups, d)."""
    first, first_group = _ordered(real)
    second, second_group = _ordered(other)
    value = np.abs(first - second).mean(axis=1, dtype=np.float64)
    without = []
    for g in range(GROUPS):
        a = first[first_group != g].reshape(len(first), -1)
        b = second[second_group != g].reshape(len(second), -1)
        without.append(np.abs(a - b).mean(axis=1, dtype=np.float64))
    return value, np.asarray(without)


def _ordered(x: Matrix) -> tuple[Matrix, NDArray[np.int8]]:
    """Each gene's values in order, (genes, n), and the group of samples each came from."""
    by_gene = np.ascontiguousarray(x.T)
    order = np.argsort(by_gene, axis=1, kind="stable")
    group = group_of(len(x)).astype(np.int8)
    return np.take_along_axis(by_gene, order, axis=1), group[order]
