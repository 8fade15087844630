"""Many variable sites, as in haplotypes: linkage by distance, mean linkage, and the site-frequency spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.data.sequences import site_of
from cohortsmith.evaluation.core import (
    GROUPS,
    JACKKNIFE_INTERVAL,
    LARGE_SAMPLES_PER_SIDE,
    Finding,
    NotEvaluable,
    group_of,
    jackknife,
)
from cohortsmith.evaluation.metrics.common import pearson
from cohortsmith.evaluation.metrics.sequences import positions
from cohortsmith.evaluation.spaces import SequenceView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

    Floats = NDArray[np.float64]

FEWEST_SITES = 50
MOST_SITES = 1000
SHARE = 0.01  # least share of real patients on either side of a site
BINS = 30
SPECTRUM = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4)


class _Linkage(NamedTuple):
    """r2 of every pair of sites, (pairs,) each: as a whole and without each of ten groups of patients.

    Attributes:
        real, synthetic: with the whole of each side first.
        reference, chance: of train, and of independent columns.
        distance: between the sites in bases; infinite across chromosomes.
        sites: how many there are.
        n: patients of each side.
    """

    real: list[Floats]
    synthetic: list[Floats]
    reference: Floats
    chance: Floats
    distance: Floats
    sites: int
    n: int


def ld_decay(comparison: Comparison, seed: int) -> Finding:
    """Correlation of real and synthetic mean r2 over 30 bins of distance with equal numbers of pairs (Yelmen 2021).

    Of sites, at most 1000, that at least 1 % of real patients differ at. Chance: columns drawn independently.
    """
    found = _linkage(comparison, seed)
    near = np.isfinite(found.distance)
    if near.sum() < BINS * FEWEST_SITES:
        raise NotEvaluable("linkage by distance needs more pairs of sites on one chromosome")
    edges = np.quantile(found.distance[near], np.linspace(0, 1, BINS + 1)[1:-1])
    place = np.searchsorted(edges, found.distance[near], side="right")
    many = np.maximum(np.bincount(place, minlength=BINS), 1)

    def curve(r2: Floats) -> Floats:
        means: Floats = np.bincount(place, r2[near], minlength=BINS) / many
        return means

    real, synthetic, train = curve(found.real[0]), curve(found.synthetic[0]), curve(found.reference)
    pairs = zip(found.real[1:], found.synthetic[1:], strict=True)
    return Finding(
        *jackknife(pearson(real, synthetic), [pearson(curve(a), curve(b)) for a, b in pairs]),
        reference=pearson(real, train),
        chance=pearson(real, curve(found.chance)),
        interval=JACKKNIFE_INTERVAL,
        detail={
            "n": found.n,
            "sites": found.sites,
            "distance": (np.bincount(place, found.distance[near], minlength=BINS) / many).tolist(),
            "real": real.tolist(),
            "synthetic": synthetic.tolist(),
            "train": train.tolist(),
        },
    )


def mean_r2(comparison: Comparison, seed: int) -> Finding:
    """Mean r2 over all pairs of sites of synthetic patients; sites and chance as in `ld_decay`."""
    found = _linkage(comparison, seed)
    return Finding(
        *jackknife(float(found.synthetic[0].mean()), [float(r2.mean()) for r2 in found.synthetic[1:]]),
        reference=float(found.reference.mean()),
        chance=float(found.chance.mean()),
        interval=JACKKNIFE_INTERVAL,
        detail={"n": found.n, "sites": found.sites, "holdout": float(found.real[0].mean())},
    )


def frequency_spectrum(comparison: Comparison, seed: int) -> Finding:
    """Total variation distance, 0 to 1, of the folded site-frequency spectra: how many edits have which frequency.

    Edits are those from train's consensus that a side has, in eleven classes of the rarer symbol's share from 0.1 % to
    50 %. Chance: train's consensus with as many substitutions at random positions.
    """
    view = comparison.seen_as(SequenceView)
    sides = positions.symbols_by_group(comparison, seed)
    edit = np.ones(sides.real.shape[1:], dtype=bool)
    edit[np.arange(len(edit)), view.edits.consensus] = False

    def spectrum(counts: NDArray[np.int64]) -> Floats:
        share = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))[edit]
        folded = np.minimum(share, 1 - share)[share > 0]
        bins = np.bincount(np.searchsorted(SPECTRUM, folded), minlength=len(SPECTRUM) + 1)
        shares: Floats = bins / max(len(folded), 1)
        return shares

    def apart(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
        return float(np.abs(spectrum(a) - spectrum(b)).sum() / 2)

    real, synthetic, reference, chance = (side.sum(axis=0) for side in sides)
    varied = int((real[edit] > 0).sum())
    if varied < FEWEST_SITES:
        raise NotEvaluable(f"a site-frequency spectrum needs {FEWEST_SITES} edits in the holdout; there are {varied}")
    groups = zip(sides.real, sides.synthetic, strict=True)
    return Finding(
        *jackknife(apart(real, synthetic), [apart(real - a, synthetic - b) for a, b in groups]),
        reference=apart(real, reference),
        chance=apart(real, chance),
        interval=JACKKNIFE_INTERVAL,
        detail={
            "n": len(comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)),
            "up_to": [*SPECTRUM, 0.5],
            "real": spectrum(real).tolist(),
            "synthetic": spectrum(synthetic).tolist(),
            "train": spectrum(reference).tolist(),
        },
    )


def _linkage(comparison: Comparison, seed: int) -> _Linkage:
    def make() -> _Linkage:
        view = comparison.seen_as(SequenceView)
        draw = comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)
        carriers = np.count_nonzero(draw.real, axis=0) + np.count_nonzero(draw.reference, axis=0)
        rarer = np.minimum(carriers, 2 * len(draw) - carriers)
        usable = np.flatnonzero(rarer >= max(2 * SHARE * len(draw), 2 * positions.MIN_CARRIERS))
        if len(usable) < FEWEST_SITES:
            raise NotEvaluable(
                f"it is for {FEWEST_SITES} variable sites or more, of at least {SHARE:.0%} on either side; there are "
                f"{len(usable)}"
            )
        edits = np.sort(usable[np.argsort(-rarer[usable], kind="stable")[:MOST_SITES]])
        pairs = np.triu_indices(len(edits), 1)
        return _Linkage(
            real=_r2(draw.real[:, edits], pairs),
            synthetic=_r2(draw.synthetic[:, edits], pairs),
            reference=_r2(draw.reference[:, edits], pairs)[0],
            chance=_r2(draw.structureless[:, edits], pairs)[0],
            distance=_distances([comparison.features[column] for column in view.edits.column[edits]], pairs),
            sites=len(edits),
            n=len(draw),
        )

    return comparison.memo(("linkage by distance", seed), make)


def _r2(x: Matrix, pairs: tuple[NDArray[np.int64], ...]) -> list[Floats]:
    """r2 of pairs of columns, of all rows and without each of ten groups; 0 where a column is constant."""
    group = group_of(len(x))
    sums = [x[group == g].sum(axis=0, dtype=np.float64) for g in range(GROUPS)]
    products = [(x[group == g].T @ x[group == g])[pairs].astype(np.float64) for g in range(GROUPS)]
    sizes = np.bincount(group, minlength=GROUPS)
    out = []
    for left_out in range(-1, GROUPS):
        kept = [g for g in range(GROUPS) if g != left_out]
        n, one = sizes[kept].sum(), np.sum([sums[g] for g in kept], axis=0) / sizes[kept].sum()
        spread = one * (1 - one)
        covariance = np.sum([products[g] for g in kept], axis=0) / n - one[pairs[0]] * one[pairs[1]]
        scale = spread[pairs[0]] * spread[pairs[1]]
        out.append(np.where(scale > 0, covariance**2 / np.where(scale > 0, scale, 1), 0.0))
    return out


def _distances(features: Sequence[str], pairs: tuple[NDArray[np.int64], ...]) -> Floats:
    """Bases between the columns of each pair, infinite across chromosomes."""
    sites = [site_of(name) for name in features]
    chroms = [site.chrom if site else "" for site in sites]
    at = [site.position if site else int(name.partition("+")[0]) for site, name in zip(sites, features, strict=True)]
    number, place = np.unique(chroms, return_inverse=True)[1], np.array(at, dtype=np.float64)
    away: Floats = np.abs(place[pairs[0]] - place[pairs[1]])
    return np.where(number[pairs[0]] == number[pairs[1]], away, np.inf)
