"""Sequences on common columns: star alignment to a reference, and cohorts brought onto shared columns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.kinds import SEQUENCE, require_kind
from cohortsmith.data.nucleotides import GAP
from cohortsmith.data.sequences.columns import in_order, is_inserted, numbered
from cohortsmith.data.sequences.pairwise import Placed, align_one

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort


class Aligned(NamedTuple):
    """Sequences on common columns.

    Attributes:
        x: uint8 (n, columns), codes of `cohortsmith.data.nucleotides`.
        columns: names of the columns.
    """

    x: NDArray[np.uint8]
    columns: tuple[str, ...]


def align(
    sequences: Sequence[NDArray[np.uint8]],
    reference: NDArray[np.uint8],
    start: int = 1,
    where: Callable[[int], str] = "sequence {}".format,
    name: str = "the reference",
) -> Aligned:
    """Align each sequence to the reference: a star alignment; an insertion in one sequence is a column in all.

    Every distinct sequence is aligned once. Bases inserted after position p are in columns p+1, p+2, ... of all
    sequences with an insertion there, filled from the left. Reference columns before the first base of any
    sequence and after the last base of any are left out, so a window of a gene stays a window.

    Args:
        sequences: codes without gaps, each (length,).
        reference: codes (length,), no gap and nothing masked.
        start: position of the reference's first base.
        where: names the location of a sequence in messages, given its index from 0.
        name: of the reference, for messages.

    Raises:
        DataError: a sequence that is too different or too long to be aligned.
    """
    first: dict[bytes, int] = {}
    which = np.asarray([first.setdefault(s.tobytes(), i) for i, s in enumerate(sequences)], dtype=np.int64)
    distinct, which = np.unique(which, return_inverse=True)
    placed: list[Placed] = []
    for i in distinct:
        try:
            placed.append(align_one(sequences[i], reference, name))
        except DataError as error:
            raise DataError(f"{where(int(i))} {error}") from None
    rows, columns = _together(placed, len(reference), start)
    covered = np.flatnonzero((rows != GAP).any(axis=0))
    begin, end = int(covered[0]), int(covered[-1]) + 1
    return Aligned(rows[:, begin:end][which], columns[begin:end])


def align_among(sequences: Sequence[NDArray[np.uint8]], where: Callable[[int], str] = "sequence {}".format) -> Aligned:
    """Align sequences of unequal length among themselves; columns are numbered 1..L.

    They are aligned to the most typical of them (star alignment, as above): of the most frequent length, the first
    that matches the most frequent base at most positions.

    Raises:
        DataError: a sequence that is too different from the most typical one to be aligned, or too long.
    """
    lengths, counts = np.unique([len(s) for s in sequences], return_counts=True)
    usual = np.stack([s for s in sequences if len(s) == lengths[counts.argmax()]])
    votes = np.stack([(usual == code).sum(axis=0) for code in range(GAP)])
    consensus = votes.argmax(axis=0)
    centre = usual[(usual == consensus).sum(axis=1).argmax()]
    centre = np.where(centre < GAP, centre, consensus).astype(np.uint8)
    x, _ = align(sequences, centre, where=where, name="the most typical sequence of the file")
    return Aligned(x, numbered(x.shape[1]))


def shared_columns(*cohorts: Cohort) -> tuple[str, ...]:
    """Columns that all these cohorts can be brought onto: their common positions, and every insertion.

    Raises:
        DataError: not sequences, aligned to different references, or covering different positions of the reference.
    """
    named = sorted({str(c.provenance.get("reference") or "") for c in cohorts if _sequences(c)} - {""})
    if len(named) > 1:
        raise DataError(
            f"the cohorts are aligned to different references ({' and '.join(named)}); name one for all (--reference)"
        )
    for cohort in cohorts[1:]:
        _same_positions(cohorts[0].features, cohort.features)
    return in_order(name for cohort in cohorts for name in cohort.features) if cohorts else ()


def on_columns(cohort: Cohort, features: Sequence[str]) -> Cohort:
    """The same cohort on other columns of the same reference, e.g. on `shared_columns` of several.

    An insertion column that the cohort lacks becomes a gap in every sequence; a column of gaps only may be left out.

    Raises:
        DataError: not sequences, a position that the cohort lacks, or a left-out column that holds bases.
    """
    features = tuple(features)
    _sequences(cohort)
    if cohort.features == features:
        return cohort
    dropped = [i for i, name in enumerate(cohort.features) if name not in set(features)]
    kept_bases = [cohort.features[i] for i in dropped if (cohort.x[:, i] != GAP).any()]
    if kept_bases:
        raise DataError(
            f"the cohort has bases in {len(kept_bases)} column(s) that were not requested, first {kept_bases[0]!r}; "
            "bring the cohorts onto their shared columns, aligned to one reference (--reference)"
        )
    held = tuple(name for name in cohort.features if name in set(features) or is_inserted(name))
    _same_positions(features, held)
    return replace(cohort, x=on(cohort.x, cohort.features, features), features=features)


def on(x: NDArray[np.uint8], columns: Sequence[str], wanted: Sequence[str]) -> NDArray[np.uint8]:
    """Rows (n, columns) on the wanted columns: gaps in missing columns, other columns dropped."""
    at = {name: i for i, name in enumerate(columns)}
    out = np.full((len(x), len(wanted)), GAP, dtype=np.uint8)
    have = [i for i, name in enumerate(wanted) if name in at]
    out[:, have] = x[:, [at[wanted[i]] for i in have]]
    return out


def _together(placed: list[Placed], length: int, start: int) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Codes on all columns, and their names: reference positions, with insertions before each and after the last."""
    widest = np.zeros(length + 1, dtype=np.int64)  # longest insertion before position i of the reference
    for one in placed:
        for slot, inserted in one.insertions.items():
            widest[slot] = max(widest[slot], len(inserted))
    base = np.arange(length) + widest.cumsum()[:length]  # column of each position
    before = np.append(base, length + widest.sum()) - widest  # first inserted column before each
    x = np.full((len(placed), length + int(widest.sum())), GAP, dtype=np.uint8)
    x[:, base] = np.stack([one.row for one in placed])
    for row, one in enumerate(placed):
        for slot, inserted in one.insertions.items():
            x[row, before[slot] : before[slot] + len(inserted)] = inserted
    names = []
    for slot, width in enumerate(widest):
        names += [f"{start + slot - 1}+{k}" for k in range(1, width + 1)]
        names += [str(start + slot)] if slot < length else []
    return x, tuple(names)


def _sequences(cohort: Cohort) -> bool:
    require_kind(cohort.kind, SEQUENCE, "alignment columns need a cohort of sequences")
    return True


def _same_positions(one: Sequence[str], other: Sequence[str]) -> None:
    first, second = ([name for name in names if not is_inserted(name)] for names in (one, other))
    if first != second:
        ranges = " and ".join(
            f"{names[0]}..{names[-1]} ({len(names)})" if names else "none" for names in (first, second)
        )
        raise DataError(f"the cohorts cover different positions: {ranges}; align both to one reference (--reference)")
