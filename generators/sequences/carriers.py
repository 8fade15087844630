"""How many patients carry each symbol of an alignment, and columns that would reveal single patients."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.nucleotides import GAP, MASKED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort


def carrier_counts(x: NDArray[np.uint8], subjects: NDArray[np.str_]) -> NDArray[np.int64]:
    """Number of patients (not of sequences) that have each symbol in each column, (5, columns).

    Args:
        x: (n, columns) codes; masked positions are not counted.
        subjects: (n,) patient of each sequence.
    """
    names, of = np.unique(subjects, return_inverse=True)
    if len(names) == len(x) or not len(x):
        return np.stack([(x == code).sum(0) for code in range(MASKED)]).astype(np.int64)
    order = np.argsort(of, kind="stable")
    starts = np.searchsorted(of[order], np.arange(len(names)))
    held = [np.logical_or.reduceat(x[order] == code, starts, axis=0).sum(0) for code in range(MASKED)]
    return np.stack(held).astype(np.int64)


def without_rare_insertions(cohort: Cohort, least: int) -> Cohort:
    """The cohort without the columns in which fewer than `least` patients have anything but a gap.

    An alignment has a column for every inserted base; its name alone, in a saved model or in a header of synthetic
    sequences, would reveal the insertion of a single patient.
    """
    bases = carrier_counts(np.where(cohort.x == GAP, GAP, 0).astype(np.uint8), cohort.subjects)[0]
    held = bases >= min(least, len(np.unique(cohort.subjects)))
    if held.all():
        return cohort
    features = tuple(name for name, kept in zip(cohort.features, held, strict=True) if kept)
    return replace(cohort, x=cohort.x[:, held], features=features)
