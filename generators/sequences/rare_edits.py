"""Edits of few patients, taken out of sequences or moved to other places before anything is learned from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.nucleotides import GAP, MASKED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.generators.sequences.sites import Sites

LEAST = 20  # places of one kind; among fewer, a place drawn anew would often be the old one


def without_rare_edits(x: NDArray[np.uint8], sites: Sites, rng: np.random.Generator | None) -> NDArray[np.uint8]:
    """Sequences whose only edits are the common ones of `sites`, and others at places drawn anew.

    A rare substitution stands afterwards at a place where it is of the same kind (`Sites.kinds`), each as likely as any
    other, so that its old place has no part in the outcome. Without a source of chance, where it would be one of few
    places, and for gaps and inserted bases, the consensus takes its place. Masked places stay.

    Args:
        x: (n, columns) codes of the cohort that `sites` was fitted on.
        sites: whose edits are common.
        rng: source of chance; None draws no new places.
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
            free = out[mine, drawn % columns] == sites.consensus[drawn % columns]  # an edit that is there stays
            out[mine[free], drawn[free] % columns] = (drawn[free] // columns).astype(np.uint8)
    return out
