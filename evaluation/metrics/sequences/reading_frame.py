"""Reading frames: sequences translated directly, without variant calling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.nucleotides import GAP
from cohortsmith.evaluation.core import (
    LARGE_SAMPLES_PER_SIDE,
    WILSON_INTERVAL,
    Finding,
    NotEvaluable,
    Stream,
    distinct,
    scattered,
    wilson,
)
from cohortsmith.evaluation.spaces import SequenceView

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Codes
    from cohortsmith.evaluation.spaces import Comparison

_STOPS = (1 * 36 + 0 * 6 + 0, 1 * 36 + 0 * 6 + 3, 1 * 36 + 3 * 6 + 0)  # TAA, TAG, TGA in base 6 of the codes


def reading_frame(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic sequences whose coding sequence still has a length divisible by 3; reference: the holdout's.

    Chance: train's consensus with substitutions at random positions, which shift no frame.
    """
    return _share_of(comparison, seed, 0)


def premature_stop(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic sequences with a stop codon before the last codon; reference: the holdout's.

    Chance: train's consensus with substitutions at random positions.
    """
    return _share_of(comparison, seed, 1)


def frames(x: Codes, stops_at_end: bool) -> NDArray[np.bool_]:
    """Whether each coding sequence keeps its frame, and whether it has a premature stop, (n, 2).

    Args:
        x: (n, columns) codes of the coding columns, gaps are removed before translation.
        stops_at_end: the last codon may be a stop.
    """
    first, which = distinct(x)
    found = []
    for row in x[first]:
        bases = row[row != GAP].astype(np.int64)
        codons = bases[: len(bases) // 3 * 3].reshape(-1, 3) @ (36, 6, 1)
        read = codons[:-1] if stops_at_end else codons
        found.append((len(bases) % 3 == 0, bool(np.isin(read, _STOPS).any())))
    return np.asarray(found, dtype=bool)[which]


def _share_of(comparison: Comparison, seed: int, column: int) -> Finding:
    def make() -> list[NDArray[np.bool_]]:
        c, reference = comparison, comparison.seen_as(SequenceView).reference
        first, last = coding_span(c)
        names = reference.column_names
        position = {name: i for i, name in enumerate(c.features)}
        low, high = (position[names[p - reference.start]] for p in (first, last))
        rows = c.draw(LARGE_SAMPLES_PER_SIDE, seed).rows
        made = scattered(c.train.x, len(rows.real), np.random.default_rng([seed, Stream.FRAME_BASELINE]))
        sides = (c.synthetic.x[rows.synthetic], c.holdout.x[rows.real], made)
        return [frames(side[:, low : high + 1], reference.protein.endswith("*")) for side in sides]

    made, real, chance = (side[:, column] for side in comparison.memo(("frames", seed), make))
    return Finding(
        *wilson(float(made.sum()), len(made)),
        reference=float(real.mean()),
        chance=float(chance.mean()),
        interval=WILSON_INTERVAL,
        detail={"n": len(made)},
    )


def coding_span(comparison: Comparison) -> tuple[int, int]:
    """First and last position of the whole codons of the reference.

    Raises:
        NotEvaluable: it has none.
    """
    first, last = comparison.seen_as(SequenceView).reference.frame
    if last < first:
        raise NotEvaluable(f"the reference {comparison.seen_as(SequenceView).reference.name} has no coding sequence")
    return first, last
