"""Pairwise alignment of a sequence to its reference: global, affine gaps, cheap where few bases differ."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.nucleotides import GAP, MASKED, decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

# blastn's default reward 2 and penalty -3, with gaps of length k at 5 + 2 k (Camacho et al. 2009, BMC
# Bioinformatics 10:421); a masked base scores nothing.
MATCH, MISMATCH, OPEN, EXTEND = 2.0, -3.0, -7.0, -2.0
_WINDOW, _MOST_IN_WINDOW = 30, 3  # two gaps cost 16, three mismatches 15
_ANCHOR = 32  # bases unique in the reference locate the ends of a shorter sequence
_ANCHORS = 8
_TRIM = 20  # matching bases at an end are taken as aligned; fewer may match by chance
_LIKE = 0.25  # score per base, gap lengths ignored, out of 2; unrelated sequences reach 0.2, 25 % divergence 0.27
_CELLS = 1 << 27  # of the alignment matrix, 1 byte each

_COMPLEMENT = np.asarray([1, 0, 3, 2, GAP, MASKED], dtype=np.uint8)


class Placed(NamedTuple):
    """A sequence aligned to its reference.

    Attributes:
        row: uint8 (reference's length,), the base at each position, a gap where there is none.
        insertions: codes inserted before index i of the reference (from 0); i may be the length.
    """

    row: NDArray[np.uint8]
    insertions: dict[int, NDArray[np.uint8]]


def align_one(sequence: NDArray[np.uint8], reference: NDArray[np.uint8], name: str = "the reference") -> Placed:
    """Align a sequence to a reference from end to end of the sequence.

    Where no gap is needed (at most three mismatches in any 30 bases) the alignment is ungapped. Otherwise matching ends
    are trimmed, and Biopython's `PairwiseAligner` aligns the rest. Among equally good alignments a gap is placed as
    far right as possible, as HGVS requires (den Dunnen et al. 2016, Hum Mutat 37:564), so that one variant always has
    the same columns.

    Args:
        sequence: codes (length,) without gaps.
        reference: codes (length,), no gap and nothing masked.
        name: of the reference, for messages.

    Raises:
        DataError: too different or too long; the message begins with the verb, for the caller to prepend the sequence.
    """
    begin, end = _span(sequence, reference)
    placed = _ungapped(sequence, reference, begin, end)
    if placed is not None:
        return placed
    placed = _rightmost(*_gapped(sequence, reference, begin, end, name), reference)
    substitutions, gaps, like = _likeness(placed, reference, sequence)
    if not like:
        turned = _COMPLEMENT[sequence[::-1]]
        reverse = _ungapped(turned, reference, *_span(turned, reference)) is not None
        raise DataError(
            f"is too different from {name} to be aligned ({substitutions} substitutions and {gaps} gaps in "
            f"{len(sequence)} bases){'; it looks like the reverse strand' if reverse else ''}; leave it out, or name "
            "the reference of this gene (--reference)"
        )
    return placed


def _span(sequence: NDArray[np.uint8], reference: NDArray[np.uint8]) -> tuple[int, int]:
    """Part of the reference that the sequence covers, judging by its first and last bases."""
    if len(sequence) == len(reference) or len(sequence) < 2 * _ANCHOR:
        return 0, len(reference)
    text = reference.tobytes()
    for k in range(0, min(len(sequence) - _ANCHOR, _ANCHORS * _ANCHOR) + 1, _ANCHOR):  # the first may hold a variant
        at = _only(text, sequence[k : k + _ANCHOR])
        if at >= k and at - k + len(sequence) <= len(reference):
            guess = at - k, at - k + len(sequence)
            if _ungapped(sequence, reference, *guess) is not None:
                return guess
    begin, end = _only(text, sequence[:_ANCHOR]), _only(text, sequence[-_ANCHOR:])
    begin, end = max(begin, 0), end + _ANCHOR if end >= 0 else len(reference)
    return (begin, end) if end > begin else (0, len(reference))


def _only(text: bytes, part: NDArray[np.uint8]) -> int:
    """Where the part occurs in the text, -1 when nowhere or more than once."""
    sought = part.tobytes()
    at = text.find(sought)
    return at if text.find(sought, at + 1) < 0 else -1


def _ungapped(sequence: NDArray[np.uint8], reference: NDArray[np.uint8], begin: int, end: int) -> Placed | None:
    """Ungapped alignment to that span; None where gaps might do better."""
    if end - begin != len(sequence):
        return None
    differ = (sequence != reference[begin:end]) & (sequence != MASKED)
    at = np.flatnonzero(differ)
    if len(at) > _MOST_IN_WINDOW and (at[_MOST_IN_WINDOW:] - at[:-_MOST_IN_WINDOW]).min() < _WINDOW:
        return None
    row = np.full(len(reference), GAP, dtype=np.uint8)
    row[begin:end] = sequence
    return Placed(row, {})


def _gapped(
    sequence: NDArray[np.uint8], reference: NDArray[np.uint8], begin: int, end: int, name: str
) -> tuple[NDArray[np.uint8], dict[int, NDArray[np.uint8]]]:
    row = np.full(len(reference), GAP, dtype=np.uint8)
    insertions: dict[int, NDArray[np.uint8]] = {}
    shorter = min(len(sequence), end - begin)
    head = _agreeing(sequence[:shorter], reference[begin : begin + shorter])
    rest = shorter - head
    tail = _agreeing(sequence[::-1][:rest], reference[begin:end][::-1][:rest])
    row[begin : begin + head] = sequence[:head]
    row[end - tail : end] = sequence[len(sequence) - tail :]
    begin, end, core = begin + head, end - tail, sequence[head : len(sequence) - tail]
    if not len(core) or begin == end:
        if len(core):
            insertions[begin] = core
        return row, insertions
    if len(core) * (end - begin) > _CELLS:
        raise DataError(
            f"is too long for the built-in aligner ({len(core)} bases to {end - begin} of {name}); align the "
            "file with an alignment program (e.g. MAFFT) first, and read the aligned FASTA"
        )
    # Coordinates of the block boundaries: (2, blocks + 1), in the reference and in the sequence.
    marks = _aligner(head == 0, tail == 0).align(decode(reference[begin:end]), decode(core))[0].coordinates.tolist()
    for (a, c), (b, d) in zip(
        zip(marks[0][:-1], marks[1][:-1], strict=True), zip(marks[0][1:], marks[1][1:], strict=True), strict=True
    ):
        if b > a and d > c:
            row[begin + a : begin + b] = core[c:d]
        elif d > c:
            before = insertions.get(begin + a)
            insertions[begin + a] = core[c:d] if before is None else np.concatenate([before, core[c:d]])
    return row, insertions


def _agreeing(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> int:
    """Length of the matching start, 0 when so short that it may be chance."""
    differ = a != b
    count = int(differ.argmax()) if differ.any() else len(a)
    return count if count >= _TRIM else 0


@functools.cache
def _aligner(left: bool, right: bool) -> Any:
    """Biopython's aligner; `left`, `right`: unaligned reference bases at that end cost nothing."""
    from Bio.Align import PairwiseAligner

    aligner = PairwiseAligner(
        mode="global", match_score=MATCH, mismatch_score=MISMATCH, open_gap_score=OPEN, extend_gap_score=EXTEND,
        wildcard="N",
    )  # fmt: skip
    for side, free in (("left", left), ("right", right)):
        if free:  # Biopython 1.86 changed the name
            renamed = hasattr(PairwiseAligner, f"{side}_deletion_score")
            setattr(aligner, f"{side}_deletion_score" if renamed else f"query_{side}_gap_score", 0.0)
    return aligner


def _rightmost(
    row: NDArray[np.uint8], insertions: dict[int, NDArray[np.uint8]], reference: NDArray[np.uint8]
) -> Placed:
    """Gaps shifted right while no fewer bases match, from the last gap to the first, so that none is passed."""
    for begin, end in reversed(_runs(row == GAP)):
        if begin == 0:  # not covered by the sequence, rather than deleted
            continue
        while end < len(row) and row[end] == reference[end] == reference[begin]:
            if any(begin < slot <= end for slot in insertions):
                break
            row[begin], row[end] = row[end], GAP
            begin, end = begin + 1, end + 1
    moved: dict[int, NDArray[np.uint8]] = {}
    for slot in sorted(insertions, reverse=True):
        inserted = insertions[slot]
        while slot < len(row) and row[slot] == reference[slot] == inserted[0] and slot not in moved:
            inserted = np.append(inserted[1:], row[slot])
            slot += 1
        there = moved.get(slot)
        moved[slot] = inserted if there is None else np.concatenate([inserted, there])
    return Placed(row, moved)


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end (exclusive) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _likeness(placed: Placed, reference: NDArray[np.uint8], sequence: NDArray[np.uint8]) -> tuple[int, int, bool]:
    """Substitutions, gaps, and whether the sequence resembles the reference at all; a gap of any length counts once."""
    bases = placed.row < GAP
    same = int((placed.row == reference)[bases].sum())
    substitutions = int(bases.sum()) - same
    gaps = len(_runs(placed.row == GAP)) + len(placed.insertions)
    known = min(int((sequence < GAP).sum()), len(reference))
    score = MATCH * same + MISMATCH * substitutions + OPEN * gaps
    return substitutions, gaps, score >= _LIKE * MATCH * known
