"""Variant calling: from one sequence by alignment, from a cohort by its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.kinds import SEQUENCE, require_kind
from cohortsmith.data.nucleotides import ALPHABET, GAP, MASKED, decode, encode
from cohortsmith.data.sequences.pairwise import align_one
from cohortsmith.data.sequences.reference import CONSENSUS
from cohortsmith.data.sequences.variants import Variant, merged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.data.sequences.reference import Reference


def call_variants(sequence: str, reference: Reference) -> tuple[Variant, ...]:
    """Variants of one sequence against a reference, 3'-normalised, in order.

    The sequence is aligned as `pairwise.align_one` does it (Biopython, global, affine gaps). Changes without an
    unchanged base between them are one variant. A masked base is read as the reference's; gaps in the sequence are
    ignored. Bases of the reference before the sequence's first or after its last count as deleted.

    Raises:
        DataError: not nucleotides, or too different from the reference.
    """
    codes = encode(sequence)
    return _of_codes(codes[codes != GAP], reference)


def call_cohort(cohort: Cohort, reference: Reference) -> list[tuple[Variant, ...]]:
    """Variants of each sequence of a cohort, in its order; see `call_variants`.

    A cohort aligned to the reference (or to a part of it) is read column by column, without realignment; then
    only the reference from the cohort's first to its last column is considered. Other cohorts are aligned sequence by
    sequence. Each distinct sequence is called once.

    Raises:
        DataError: not a cohort of sequences, or a sequence too different from the reference.
    """
    require_kind(cohort.kind, SEQUENCE, "variants are called from sequences")
    part = _part(cohort, reference)
    of: dict[bytes, int] = {}
    which = [of.setdefault(row.tobytes(), len(of)) for row in np.ascontiguousarray(cohort.x, dtype=np.uint8)]
    rows = np.frombuffer(b"".join(of), dtype=np.uint8).reshape(len(of), -1)
    if part is None:
        calls = [_of_codes(row[row != GAP], reference) for row in rows]
    else:
        calls = _of_rows(rows, *_columns(cohort.features, part), part)
    return [calls[i] for i in which]


def _of_codes(codes: NDArray[np.uint8], reference: Reference) -> tuple[Variant, ...]:
    placed = align_one(codes, reference.codes, reference.name)
    changes = [
        _change(reference, i, reference.sequence[i], decode(placed.row[i : i + 1]))
        for i in np.flatnonzero((placed.row != reference.codes) & (placed.row != MASKED)).tolist()
    ]
    # An inserted masked base still is a base: it is kept as A, so that lengths and reading frames are right.
    changes += [_change(reference, slot, "", _known(inserted)) for slot, inserted in placed.insertions.items()]
    return merged(sorted(changes, key=lambda v: (v.position, bool(v.deleted))), reference)


def _part(cohort: Cohort, reference: Reference) -> Reference | None:
    """Part of the reference that the cohort's columns are aligned to; None where they are not."""
    if str(cohort.provenance.get("reference") or CONSENSUS) != reference.name:
        return None
    at = {name: i for i, name in enumerate(reference.column_names)}
    held = [at[name] for name in cohort.features if name in at]
    if not held or held != list(range(held[0], held[-1] + 1)):
        return None
    return reference.window(reference.start + held[0], reference.start + held[-1])


def _columns(features: tuple[str, ...], reference: Reference) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Reference index (from 0) and reference code of each column; for an insertion: the next index and a gap."""
    at = {name: i for i, name in enumerate(reference.column_names)}
    places = np.empty(len(features), dtype=np.int64)
    codes = np.full(len(features), GAP, dtype=np.uint8)
    following = 0
    for i, name in enumerate(features):
        index = at.get(name)
        if index is not None:
            codes[i], following = reference.codes[index], index + 1
        places[i] = following if index is None else index
    return places, codes


def _of_rows(
    rows: NDArray[np.uint8], places: NDArray[np.int64], codes: NDArray[np.uint8], reference: Reference
) -> list[tuple[Variant, ...]]:
    changes: list[list[Variant]] = [[] for _ in rows]
    at, columns = np.nonzero((rows != codes) & ~((rows == MASKED) & (codes != GAP)))
    found = np.where(rows[at, columns] == MASKED, 0, rows[at, columns])
    for row, column, code in zip(at.tolist(), columns.tolist(), found.tolist(), strict=True):
        changes[row].append(_change(reference, int(places[column]), _letter(int(codes[column])), _letter(code)))
    return [merged(found, reference) for found in changes]


def _change(reference: Reference, place: int, deleted: str, inserted: str) -> Variant:
    return Variant(reference.start + place, deleted.replace("-", ""), inserted.replace("-", ""))


def _letter(code: int) -> str:
    return ALPHABET[code]


def _known(codes: NDArray[np.uint8]) -> str:
    return decode(np.where(codes == MASKED, 0, codes).astype(np.uint8))
