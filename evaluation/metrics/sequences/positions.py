"""Per position and per k-mer: base frequencies, k-mer frequencies, and linkage of edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.spatial.distance import jensenshannon

from cohortsmith.data.disclosure import MIN_PATIENTS
from cohortsmith.data.nucleotides import GAP, MASKED
from cohortsmith.evaluation.core import (
    GROUPS,
    JACKKNIFE_INTERVAL,
    LARGE_SAMPLES_PER_SIDE,
    Finding,
    NotEvaluable,
    Stream,
    group_of,
    jackknife,
    leave_group_out,
    scattered,
    symbol_counts,
)
from cohortsmith.evaluation.metrics.common import pearson
from cohortsmith.evaluation.spaces import SequenceView

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Codes, Matrix
    from cohortsmith.evaluation.spaces import Comparison

    Counts = NDArray[np.int64]

WORST = 10
RARE = 0.05
MIN_CARRIERS = 5  # of an edit whose r2 is estimated: a statistical limit, not one of disclosure
LINKED = 100
BASES = 4


class PositionCounts(NamedTuple):
    """Counts in each of ten groups of patients, (groups, ...) each."""

    real: Counts
    synthetic: Counts
    reference: Counts
    chance: Counts


def position_js(comparison: Comparison, seed: int) -> Finding:
    """Mean Jensen-Shannon divergence (base 2, 0..1) of the symbols at each position where either cohort varies.

    Gaps count as a symbol, masked bases are ignored. Lin (1991). Chance: train's consensus with random substitutions.
    """
    return _positions(comparison, seed, _js)


def position_wasserstein(comparison: Comparison, seed: int) -> Finding:
    """Mean Wasserstein-1 distance of the symbols at each position where either cohort varies, 0..1.

    Symbols have no order, so every change costs 1: total variation, half the summed differences of their frequencies.
    Chance: train's consensus with substitutions at random positions.
    """
    return _positions(comparison, seed, _total_variation)


def allele_correlation(comparison: Comparison, seed: int) -> Finding:
    """Pearson correlation of real and synthetic frequencies of each edit from train's consensus that either has.

    Common polymorphisms weigh most; `rare` in the detail leaves out edits of 5 % of real patients or more. Chance:
    train's consensus with substitutions at random positions.
    """
    sides = symbols_by_group(comparison, seed)
    edit = np.ones(sides.real.shape[1:], dtype=bool)
    edit[np.arange(len(edit)), comparison.seen_as(SequenceView).edits.consensus] = False

    def agreement(a: Counts, b: Counts, below: float = 1.1) -> float:
        first, second = (_frequencies(x)[edit] for x in (a, b))
        used = ((first > 0) | (second > 0)) & (first < below)
        return pearson(first[used], second[used])

    real, synthetic, reference, chance = (side.sum(axis=0) for side in sides)
    if not ((_frequencies(real) > 0) & edit).any():
        raise NotEvaluable("no holdout sequence differs from train's consensus")
    value = agreement(real, synthetic)
    return Finding(
        *jackknife(value, [agreement(real - a, synthetic - b) for a, b in zip(sides[0], sides[1], strict=True)]),
        reference=agreement(real, reference),
        chance=agreement(real, chance),
        interval=JACKKNIFE_INTERVAL,
        detail={
            "n": len(comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)),
            "edits": int(((_frequencies(real) + _frequencies(synthetic))[edit] > 0).sum()),
            "rare": agreement(real, synthetic, RARE),
            "rare_reference": agreement(real, reference, RARE),
        },
    )


def kmer_js(comparison: Comparison, seed: int, *, k: int) -> Finding:
    """Jensen-Shannon divergence (base 2, 0..1) between the k-mers of all real and all synthetic sequences.

    Counted on sequences without gaps; k-mers with a masked base are ignored. Chance: train's consensus with
    substitutions at random positions.
    """
    draw, codes = comparison.draw(LARGE_SAMPLES_PER_SIDE, seed), _codes(comparison, seed)
    group = group_of(len(draw))
    sides = PositionCounts(*(kmer_counts(x, k, group) for x in codes))
    real, synthetic, reference, chance = (side.sum(axis=0) for side in sides)
    if not all(side.any() for side in (real, synthetic, reference)):
        raise NotEvaluable(f"a cohort has no {k} known bases in a row")

    def divergence(a: Counts, b: Counts) -> float:
        return float(_js(a[None], b[None])[0])

    return Finding(
        *jackknife(
            divergence(real, synthetic),
            [divergence(real - a, synthetic - b) for a, b in zip(sides.real, sides.synthetic, strict=True)],
        ),
        reference=divergence(real, reference),
        chance=divergence(real, chance),
        interval=JACKKNIFE_INTERVAL,
        detail={"n": len(draw), "k": k, "only_synthetic": int(((real + reference == 0) & (synthetic > 0)).sum())},
    )


def linkage(comparison: Comparison, seed: int) -> Finding:
    """Mean absolute difference of linkage r2 between real and synthetic patients, over pairs of edits.

    r2 is the squared correlation of two edits (Hill and Robertson 1968). The most frequent edits, at most 100, that at
    least 5 patients of each cohort carry and 5 do not: an edit that is not generated has no linkage. Chance: columns
    of the alignment drawn independently.
    """
    draw = comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)

    def shared(other: Matrix) -> NDArray[np.int64]:
        carriers = [np.count_nonzero(side, axis=0) for side in (draw.real, other)]
        fewest = np.min([np.minimum(held, len(draw) - held) for held in carriers], axis=0)
        usable = np.flatnonzero(fewest >= MIN_CARRIERS)
        return usable[np.argsort(-carriers[0][usable], kind="stable")[:LINKED]]

    def difference(other: Matrix, edits: NDArray[np.int64], keep: NDArray[np.bool_] | slice = slice(None)) -> float:
        return float(np.abs(_r_squared(draw.real[keep][:, edits]) - _r_squared(other[keep][:, edits])).mean())

    edits, known, alone = (shared(side) for side in (draw.synthetic, draw.reference, draw.structureless))
    if min(len(edits), len(known)) < 2:
        raise NotEvaluable(
            f"linkage needs two edits that {MIN_CARRIERS} patients of both cohorts carry; there are {len(edits)} and "
            f"between train and the holdout {len(known)}"
        )
    left_out = leave_group_out(len(draw), lambda keep: difference(draw.synthetic, edits, keep))
    return Finding(
        *jackknife(difference(draw.synthetic, edits), left_out),
        reference=difference(draw.reference, known),
        chance=difference(draw.structureless, alone) if len(alone) > 1 else None,
        interval=JACKKNIFE_INTERVAL,
        detail={
            "n": len(draw),
            "edits": len(edits),
            "mean_r2": float(_r_squared(draw.synthetic[:, edits]).mean()),
            "mean_r2_real": float(_r_squared(draw.real[:, edits]).mean()),
        },
    )


def kmer_counts(x: Codes, k: int, group: NDArray[np.int64] | None = None) -> Counts:
    """Counts of each k-mer in the sequences of each group, (groups, 4^k), first base most significant.

    Args:
        x: (n, columns) codes; gaps are removed, k-mers with a masked base are not counted.
        k: bases per k-mer.
        group: (n,) group of each sequence, 0 to 9; by default a single group.
    """
    groups = 1 if group is None else GROUPS
    held = x != GAP
    bases = x[held].astype(np.int64)  # one sequence behind the other
    owner = np.repeat(np.arange(len(x)), held.sum(axis=1))
    starts = max(len(bases) - k + 1, 0)
    word = np.zeros(starts, dtype=np.int64)
    whole = owner[:starts] == owner[k - 1 :]
    for i in range(k):
        letters = bases[i : i + starts]
        word = word * BASES + letters
        whole &= letters != MASKED
    of = np.zeros(len(x), dtype=np.int64) if group is None else group
    cell = of[owner[:starts][whole]] * BASES**k + word[whole]
    return np.bincount(cell, minlength=groups * BASES**k).reshape(groups, -1)


def _codes(comparison: Comparison, seed: int) -> tuple[Codes, Codes, Codes, Codes]:
    def make() -> tuple[Codes, Codes, Codes, Codes]:
        c, rows = comparison, comparison.draw(LARGE_SAMPLES_PER_SIDE, seed).rows
        chance = scattered(c.train.x, len(rows.real), np.random.default_rng([seed, Stream.POSITION_BASELINE]))
        return c.holdout.x[rows.real], c.synthetic.x[rows.synthetic], c.train.x[rows.reference], chance

    return comparison.memo(("codes", seed), make)


def symbols_by_group(comparison: Comparison, seed: int) -> PositionCounts:
    """Counts of each symbol at each position, (groups, columns, 5) per side."""

    def make() -> PositionCounts:
        group = group_of(len(comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)))
        return PositionCounts(
            *(np.stack([symbol_counts(x[group == g]) for g in range(GROUPS)]) for x in _codes(comparison, seed))
        )

    return comparison.memo(("symbols", seed), make)


def _positions(comparison: Comparison, seed: int, distance: Callable[[Counts, Counts], NDArray[np.float64]]) -> Finding:
    sides = symbols_by_group(comparison, seed)
    real, synthetic, reference, chance = (side.sum(axis=0) for side in sides)

    def mean(a: Counts, b: Counts) -> float:
        vary = np.count_nonzero(a + b, axis=1) > 1
        return float(distance(a[vary], b[vary]).mean()) if vary.any() else 0.0

    by_position = distance(real, synthetic)
    return Finding(
        *jackknife(
            mean(real, synthetic),
            [mean(real - a, synthetic - b) for a, b in zip(sides.real, sides.synthetic, strict=True)],
        ),
        reference=mean(real, reference),
        chance=mean(real, chance),
        interval=JACKKNIFE_INTERVAL,
        detail={
            "n": len(comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)),
            "positions": int((np.count_nonzero(real + synthetic, axis=1) > 1).sum()),
            "worst": _worst(comparison, real + reference, by_position, distance(real, reference)),
        },
    )


def _worst(
    comparison: Comparison, known: Counts, value: NDArray[np.float64], reference: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """The positions that differ most, of those where no or at least five real patients differ from the majority."""
    others = known.sum(axis=1) - known.max(axis=1)
    shown = np.flatnonzero((others == 0) | (others >= MIN_PATIENTS))
    order = shown[np.argsort(-value[shown], kind="stable")[:WORST]]
    return [
        {"position": comparison.features[p], "value": float(value[p]), "reference": float(reference[p])}
        for p in order.tolist()
        if value[p] > 0
    ]


def _frequencies(counts: Counts) -> NDArray[np.float64]:
    """Share of each symbol, (..., symbols); all 0 where there are none."""
    shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return shares


def _js(a: Counts, b: Counts) -> NDArray[np.float64]:
    """Divergence between rows of counts, (rows,); 0 where one of them is empty."""
    known = (a.sum(axis=1) > 0) & (b.sum(axis=1) > 0)
    out = np.zeros(len(a))
    if known.any():
        out[known] = np.square(np.nan_to_num(jensenshannon(a[known], b[known], base=2, axis=1)))
    return out


def _total_variation(a: Counts, b: Counts) -> NDArray[np.float64]:
    known = (a.sum(axis=1) > 0) & (b.sum(axis=1) > 0)
    distance: NDArray[np.float64] = np.abs(_frequencies(a) - _frequencies(b)).sum(axis=1) / 2 * known
    return distance


def _r_squared(x: Matrix) -> NDArray[np.float64]:
    """r2 of each pair of columns, (pairs,); 0 where a column is constant."""
    centred = x - x.mean(axis=0, dtype=np.float64)
    scale = np.sqrt((centred**2).sum(axis=0))
    centred /= np.where(scale > 0, scale, np.inf)
    squared: NDArray[np.float64] = np.square(centred.T @ centred)
    return squared[np.triu_indices(x.shape[1], 1)]
