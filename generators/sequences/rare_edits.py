"""Edits of few patients, removed from sequences or moved to other positions before training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.nucleotides import GAP, MASKED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.generators.sequences.sites import Sites

LEAST = 20  # positions of one kind; among fewer, a random one would often be the old one


def without_rare_edits(x: NDArray[np.uint8], sites: Sites, rng: np.random.Generator | None) -> NDArray[np.uint8]:
    """Sequences whose only edits are the common ones of `sites`, and others at random positions.

    A rare substitution is moved to a position where it is of the same kind (`Sites.kinds`), all equally likely, so that
    the result does not depend on its old position. Without `rng`, where there are few such positions, and for gaps and
    inserted bases, it is replaced by the consensus. Masked positions stay.

    Args:
        x: (n, columns) codes of the cohort that `sites` was fitted on.
        sites: their common edits are kept.
        rng: draws the new positions; None draws none.
    """
    columns = x.shape[1]
    row, column = np.nonzero((x != sites.consensus) & (x != MASKED))
    cell = x[row, column].astype(np.int64) * columns + column
    rare = ~np.isin(cell, sites.common)
    row, column, cell = row[rare], column[rare], cell[rare]
    out = x.copy()
    out[row, column] = sites.consensus[column]
    if rng is None:
        return out
    moved = (cell < GAP * columns) & (sites.consensus[column] < GAP)
    kinds = sites.kinds
    for kind in np.unique(kinds[cell[moved]]):
        mine = row[moved & (kinds[cell] == kind)]
        places = np.flatnonzero(kinds == kind)
        if len(places) >= LEAST:
            drawn = rng.choice(places, len(mine))
            free = out[mine, drawn % columns] == sites.consensus[drawn % columns]  # an edit already there stays
            out[mine[free], drawn[free] % columns] = (drawn[free] // columns).astype(np.uint8)
    return out
