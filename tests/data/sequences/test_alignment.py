"""Alignment: the same variant in the same columns, nothing lost, and as good as the slow way by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data import Cohort, DataError, decode, encode, on_columns, shared_columns
from cohortsmith.data.nucleotides import GAP, MASKED
from cohortsmith.data.sequences.alignment import align, align_among
from cohortsmith.data.sequences.columns import compact, expand, in_order, numbered
from cohortsmith.data.sequences.pairwise import EXTEND, MATCH, MISMATCH, OPEN, align_one
from cohortsmith.data.sequences.reference import TP53

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data.sequences.pairwise import Placed

REFERENCE = TP53.codes
WINDOW = REFERENCE[96:1375]


def text_of(row: NDArray[np.uint8]) -> str:
    return decode(row[row != GAP])


def deleted(first: int, last: int) -> NDArray[np.uint8]:
    """The reference without the positions first..last (from 1)."""
    return np.delete(REFERENCE, range(first - 1, last))


def inserted(after: int, letters: str) -> NDArray[np.uint8]:
    return np.insert(REFERENCE, after, encode(letters))


def edited(rng: np.random.Generator, sequence: NDArray[np.uint8], edits: int) -> NDArray[np.uint8]:
    out = sequence.copy()
    at = rng.choice(len(out), edits, replace=False)
    out[at] = (out[at] + rng.integers(1, 4, edits)) % 4
    return out


def score(placed: Placed) -> float:
    """Score of an alignment by its definition; bases of the reference beyond the sequence's ends cost nothing."""
    row = placed.row
    inside = np.flatnonzero(row != GAP)
    total = MATCH * float((row == REFERENCE).sum()) + MISMATCH * float(((row != REFERENCE) & (row < GAP)).sum())
    gap = row[inside[0] : inside[-1] + 1] == GAP
    opened = int((np.diff(np.concatenate([[0], gap.astype(int)])) == 1).sum())
    total += OPEN * opened + EXTEND * (int(gap.sum()) - opened)
    return total + sum(OPEN + EXTEND * (len(letters) - 1) for letters in placed.insertions.values())


@pytest.mark.parametrize(
    ("sequence", "gap", "insertions"),
    [
        (REFERENCE, [], {}),
        (deleted(328 + 142, 328 + 142), [470], {}),  # c.328delC
        (deleted(906, 908), [906, 907, 908], {}),  # c.764_766delTCA
        (inserted(216 + 142, "C"), [], {358: "C"}),  # c.216_217insC
        (inserted(320 + 142, "A"), [], {462: "A"}),  # c.320_321insA
    ],
)
def test_variants_of_tp53_stand_at_their_positions(
    sequence: NDArray[np.uint8], gap: list[int], insertions: dict[int, str]
) -> None:
    placed = align_one(sequence, REFERENCE)
    assert (np.flatnonzero(placed.row == GAP) + 1).tolist() == gap
    assert {slot: decode(codes) for slot, codes in placed.insertions.items()} == insertions


def test_a_base_lost_in_a_run_of_equal_bases_is_the_last_of_the_run() -> None:
    run = TP53.sequence.index("CCCCCC")
    length = len(TP53.sequence[run:]) - len(TP53.sequence[run:].lstrip("C"))
    for k in range(length):
        placed = align_one(deleted(run + 1 + k, run + 1 + k), REFERENCE)
        assert np.flatnonzero(placed.row == GAP).tolist() == [run + length - 1]
        added = align_one(inserted(run + k, "C"), REFERENCE)
        assert {slot: decode(codes) for slot, codes in added.insertions.items()} == {run + length: "C"}


def test_substitutions_stand_where_they_are_however_many_are_spread() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        sequence = edited(rng, REFERENCE, 25)
        np.testing.assert_array_equal(align_one(sequence, REFERENCE).row, sequence)


def test_short_cuts_reach_the_score_of_the_whole_table() -> None:
    from Bio.Align import PairwiseAligner

    aligner = PairwiseAligner(
        mode="global", match_score=MATCH, mismatch_score=MISMATCH, open_gap_score=OPEN, extend_gap_score=EXTEND
    )
    for side in ("left", "right"):
        name = f"{side}_deletion_score"
        setattr(aligner, name if hasattr(PairwiseAligner, name) else f"query_{side}_gap_score", 0.0)
    rng = np.random.default_rng(1)
    for i in range(24):
        sequence = edited(rng, WINDOW if i % 2 else REFERENCE, int(rng.integers(0, 9)))
        at, length = int(rng.integers(10, len(sequence) - 20)), int(rng.integers(1, 9))
        if i % 4 < 2:
            sequence = np.delete(sequence, range(at, at + length))
        else:
            sequence = np.insert(sequence, at, rng.integers(0, 4, length).astype(np.uint8))
        placed = align_one(sequence, REFERENCE)
        assert score(placed) == aligner.score(TP53.sequence, decode(sequence))


def test_a_window_keeps_to_its_window_even_with_both_ends_mutated() -> None:
    rng = np.random.default_rng(2)
    sequences = [edited(rng, WINDOW, 4) for _ in range(30)]
    for sequence in sequences:
        sequence[[0, 5, -3, -1]] = (sequence[[0, 5, -3, -1]] + 1) % 4
    sequences += [np.delete(sequence, 600) for sequence in sequences[:3]]
    aligned = align(sequences, REFERENCE)
    assert aligned.columns == numbered(1279, 97)
    np.testing.assert_array_equal(aligned.x[:30], np.stack(sequences[:30]))
    assert [text_of(row) for row in aligned.x] == [decode(sequence) for sequence in sequences]


def test_inserted_places_are_columns_of_all_and_nothing_is_lost() -> None:
    sequences = [
        REFERENCE,
        inserted(300, "AC"),
        inserted(300, "TGTA"),
        inserted(0, "T"),
        inserted(2512, "G"),
        REFERENCE,
    ]
    aligned = align(sequences, REFERENCE)
    assert [c for c in aligned.columns if "+" in c] == ["0+1", "300+1", "300+2", "300+3", "300+4", "2512+1"]
    assert aligned.columns == in_order(aligned.columns)
    assert aligned.x.shape == (6, 2512 + 6)
    assert [text_of(row) for row in aligned.x] == [decode(sequence) for sequence in sequences]
    at = aligned.columns.index("300+1")
    assert [decode(row[at : at + 4]) for row in aligned.x[:3]] == ["----", "AC--", "TGTA"]


def test_a_masked_base_is_no_mismatch() -> None:
    sequence = REFERENCE.copy()
    sequence[500:560] = MASKED
    np.testing.assert_array_equal(align_one(sequence, REFERENCE).row, sequence)
    shorter = np.delete(sequence, 100)
    assert np.flatnonzero(align_one(shorter, REFERENCE).row == GAP).tolist() == [100]


def test_numbering_begins_where_the_reference_does() -> None:
    aligned = align([encode("ACGTTGCA" * 10)], encode("ACGTTGCA" * 10), start=97)
    assert aligned.columns == numbered(80, 97)


def test_what_is_another_gene_is_refused_and_a_reverse_strand_named() -> None:
    rng = np.random.default_rng(3)
    for length in (300, 1279, 2512):
        with pytest.raises(DataError, match=r"sequence 1 is too different from TP53 to be aligned \(\d+ substitutions"):
            align([REFERENCE, rng.integers(0, 4, length).astype(np.uint8)], REFERENCE, name="TP53")
    reverse = np.asarray([1, 0, 3, 2], dtype=np.uint8)[REFERENCE[::-1]]
    with pytest.raises(DataError, match="reverse strand"):
        align([reverse], REFERENCE)
    assert align([edited(rng, REFERENCE, 500)], REFERENCE).x.shape[0] == 1  # one base in five


def test_a_genome_is_sent_to_an_alignment_program() -> None:
    rng = np.random.default_rng(4)
    long = rng.integers(0, 4, 20_000).astype(np.uint8)
    with pytest.raises(DataError, match="too long for the built-in aligner .* MAFFT"):
        align([rng.integers(0, 4, 20_001).astype(np.uint8)], long)


def test_among_themselves_sequences_share_the_columns_of_the_most_typical() -> None:
    wild, short, long = WINDOW, np.delete(WINDOW, range(400, 403)), np.insert(WINDOW, 800, encode("TT"))
    aligned = align_among([short, wild, long, wild, edited(np.random.default_rng(5), wild, 3)])
    assert aligned.columns == numbered(1279 + 2)
    assert [text_of(row) for row in aligned.x[:3]] == [decode(s) for s in (short, wild, long)]
    gaps = (aligned.x == GAP).sum(axis=0)
    assert np.bincount(gaps).tolist() == [1279 - 3, 3, 0, 0, 2]  # what one lacks, and what one alone has


def test_columns_in_short_come_back_whole() -> None:
    names = (*numbered(300, 97), "396+1", "396+2", "396+3", *numbered(2, 397), "398+1", "399")
    assert compact(names) == "97-396,396+1-3,397-398,398+1,399"
    assert expand(compact(names)) == names
    for wrong in ("", "97-", "a", "9-7", "97,96", "97+0", "5+3,5+1", "1-99999999999", "1,1"):
        assert expand(wrong) is None
    with pytest.raises(DataError, match="not an alignment column"):
        compact(["TP53"])


def cohort(rows: list[str], features: tuple[str, ...], reference: str = "NM_000546.6") -> Cohort:
    ids = pd.Index([f"s{i}" for i in range(len(rows))], dtype=object, name="sample_id")
    return Cohort(
        kind="sequence", x=np.stack([encode(row) for row in rows]), y=np.zeros(len(rows), dtype=np.int64),
        classes=("a",), features=features, subjects=np.asarray(ids, dtype=np.str_), obs=pd.DataFrame(index=ids),
        provenance={"reference": reference},
    )  # fmt: skip


def test_cohorts_come_onto_shared_columns_with_gaps_for_what_they_lack() -> None:
    one = cohort(["ACGT", "AC-T"], ("97", "98", "98+1", "99"))
    two = cohort(["ATTC"], ("97", "97+1", "98", "99"))
    shared = shared_columns(one, two)
    assert shared == ("97", "97+1", "98", "98+1", "99")
    moved = on_columns(one, shared)
    assert [decode(row) for row in moved.x] == ["A-CGT", "A-C-T"]
    assert [decode(row) for row in on_columns(two, shared).x] == ["ATT-C"]
    assert on_columns(moved, one.features).digest() == one.digest()  # only gaps are left out
    assert on_columns(one, one.features) is one
    assert moved.labels.tolist() == one.labels.tolist()


def test_columns_that_do_not_fit_are_refused() -> None:
    one = cohort(["ACGT"], ("97", "98", "98+1", "99"))
    with pytest.raises(DataError, match=r"bases in 1 column.*'98\+1'"):
        on_columns(one, ("97", "98", "99"))
    with pytest.raises(DataError, match="different positions: 97..100 .* and 97..99"):
        on_columns(one, ("97", "98", "98+1", "99", "100"))
    with pytest.raises(DataError, match="different positions"):
        shared_columns(one, cohort(["ACG"], ("1", "2", "3")))
    with pytest.raises(DataError, match=r"different references \(NM_000546.6 and mine\)"):
        shared_columns(one, cohort(["ACGT"], one.features, "mine"))
    with pytest.raises(DataError, match="holds expression"):
        on_columns(replace(one, kind="expression"), one.features)
