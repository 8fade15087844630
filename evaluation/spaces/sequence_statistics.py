"""Traits: inputs of classifiers of sequences, too few to identify patients.

A column for each edit that several patients share, and counts of substitutions, gaps and insertions. Edits of one or
two patients enter the counts only: as columns they, or k-mers around them, would let a classifier recognise a copy by
its twin, which is no defect of the cohort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.nucleotides import GAP, MASKED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Codes, Edits, Matrix

SHARE = 0.0025
MOST = 300
COUNTS = ("transitions", "transversions", "gaps", "inserted bases", "frame shifted")
_PURINE = np.asarray([1, 0, 0, 1, 0, 0], dtype=bool)  # A, G


@dataclass(frozen=True, eq=False)
class Traits:
    """Edits that have a column of their own.

    Attributes:
        edits: all edits of the comparison.
        shared: positions in `edits` of those that have a column, ascending.
    """

    edits: Edits
    shared: NDArray[np.int64]

    def matrix(self, x: Codes) -> Matrix:
        """Traits of sequences x (n, columns), (n, shared + 5): 0 or 1 for each edit, then the counts of `COUNTS`."""
        own = self.edits.consensus
        held = x[:, self.edits.column[self.shared]] == self.edits.symbol[self.shared]
        changed = (x != own) & (x < GAP) & (own < GAP)
        transition = changed & (_PURINE[x] == _PURINE[own])
        gaps = ((x == GAP) & (own != GAP)).sum(axis=1)
        inserted = ((x != GAP) & (x != MASKED) & (own == GAP)).sum(axis=1)
        transitions = transition.sum(axis=1)
        shifted = (gaps - inserted) % 3 != 0
        counts = np.column_stack([transitions, changed.sum(axis=1) - transitions, gaps, inserted, shifted])
        return np.hstack([held, counts]).astype(np.float32)
