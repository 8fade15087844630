"""References: TP53's facts of nature, numbering, reading frames, and the consensus where no reference is known."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data import Cohort, DataError
from cohortsmith.data.nucleotides import encode
from cohortsmith.data.sequences.reference import (
    REFERENCES,
    TP53,
    Reference,
    longest_frame,
    read_reference,
    reference_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

FRAME = "ATG" + "GCC" * 99 + "TAA"


def aligned(rows: Sequence[str], features: Sequence[str] | None = None, reference: str = "") -> Cohort:
    names = [f"s{i}" for i in range(len(rows))]
    return Cohort(
        kind="sequence",
        x=np.stack([encode(row) for row in rows]),
        y=np.zeros(len(rows), dtype=np.int64),
        classes=("a",),
        features=tuple(features or (str(i + 1) for i in range(len(rows[0])))),
        subjects=np.asarray(names),
        obs=pd.DataFrame(index=pd.Index(names)),
        provenance={"source": "test", "label": "label", "reference": reference, "masked": 0},
    )


def test_tp53_is_refseq_nm_000546_6() -> None:
    """2512 bases, coding sequence 143..1324, 393 amino acids: the accession's record."""
    digest = "0c886e7e551d310e2927798a67c9ec865664222ec36ef095711ba4e2d6dc1f42"
    assert hashlib.sha256(TP53.sequence.encode()).hexdigest() == digest
    assert (TP53.name, len(TP53), TP53.start, TP53.end) == ("NM_000546.6", 2512, 1, 2512)
    assert TP53.cds == longest_frame(TP53.sequence) == (143, 1324)
    assert len(TP53.protein) == 394
    assert TP53.protein.index("*") == 393
    assert TP53.protein.startswith("MEEPQSDPSVEPPLSQETFSDLWKLLPENNVLSPLPSQAMDDLMLSPDDIEQWFTEDPGPDEAPRMPEAAPPVAPAPAAP")
    # Wild-type amino acids at the hotspots, and the rarer proline at codon 72.
    assert [TP53.protein[c - 1] for c in (72, 175, 220, 245, 248, 249, 273, 282)] == list("PRYGRRRR")
    assert REFERENCES[TP53.name] is TP53


def test_tp53_equals_the_file_in_the_data_folder(real_file: Callable[[str], Path]) -> None:
    assert read_reference(real_file("sequences/tp53_NM_000546.6_mrna.fasta")) is TP53
    cds = read_reference(real_file("sequences/tp53_NM_000546.6_cds.fasta"))
    assert (cds.sequence, cds.cds, cds.protein) == (TP53.span(143, 1324), (1, 1182), TP53.protein)


def test_a_window_keeps_the_numbers() -> None:
    window = TP53.window(97, 1375)
    assert len(window) == 1279
    assert window.column_names[0] == "97"
    assert window.column_names[-1] == "1375"
    for position in (97, 143, 666, 1375):
        assert window.base(position) == TP53.sequence[position - 1]
    assert window.codon(143 + 523) == (175, 1)  # c.524 is the second base of codon 175
    assert window.span(143 + 522, 143 + 524) == "CGC"
    assert (window.codon(142), window.codon(143), window.codon(1324), window.codon(1325)) == (
        None, (1, 0), (394, 2), None,
    )  # fmt: skip
    assert window.protein == TP53.protein
    part = TP53.window(144, 400)  # begins within codon 1
    assert part.frame == (146, 400)
    assert part.protein == TP53.protein[1:86]
    with pytest.raises(DataError, match=r"positions 1\.\.2512; got the window 97\.\.2600"):
        TP53.window(97, 2600)


def test_longest_frame_is_the_longest_from_start_to_stop() -> None:
    assert longest_frame(FRAME) == (1, 303)
    assert longest_frame("CC" + FRAME + "ATGTAA") == (3, 305)
    assert longest_frame(FRAME + "C" + "ATG" + "GCC" * 120 + "TGA") == (305, 305 + 366 - 1)
    assert longest_frame("ATG" + "GCC" * 98 + "TAA") is None  # 99 codons
    assert longest_frame("ATG" + "GCC" * 200) is None  # no stop
    assert longest_frame("") is None


def test_a_known_reference_is_cut_to_the_cohorts_columns() -> None:
    window = TP53.window(97, 160)
    features = [*window.column_names[:10], "106+1", *window.column_names[10:]]
    row = window.sequence[:10] + "-" + window.sequence[10:]
    assert reference_of(aligned([row, row], features, TP53.name)) == window


def test_without_a_reference_the_consensus_is_read_against() -> None:
    rows = ["ACGT" + FRAME, "ACGA" + FRAME, "NCGT" + FRAME]
    found = reference_of(aligned(rows))
    assert (found.sequence, found.start, found.cds) == ("ACGT" + FRAME, 1, (5, 307))
    assert found.column_names[:2] == ("1", "2")
    shifted = reference_of(aligned(rows, [str(i + 50) for i in range(len(rows[0]))], "mine"))
    assert (shifted.name, shifted.start, shifted.cds) == ("mine", 50, (54, 356))


def test_columns_that_are_mostly_gaps_are_no_part_of_the_consensus() -> None:
    found = reference_of(aligned(["AC-GT", "ACTGT", "AC-GA", "ACNG-"]))
    assert found.sequence == "ACGT"
    assert found.column_names == ("1", "2", "4", "5")
    assert found.window(2, 3).column_names == ("2", "4")
    inserted = reference_of(aligned(["AC-GT", "ACTGT", "AC-GA"], ["7", "8", "8+1", "9", "10"], "mine"))
    assert (inserted.sequence, inserted.start, inserted.columns) == ("ACGT", 7, ())


def test_references_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"did you mean 'NM_000546\.6'"):
        read_reference("NM_000546")
    for name, text, message in (
        ("two.fasta", ">a\nACGT\n>b\nACGT\n", "one record with a sequence; got 2"),
        ("none.fasta", "", "got 0 record"),
        ("n.fasta", ">a\nACGNNT\n", r"2 other symbol\(s\), first at position 4"),
        ("tp53.fasta", f">{TP53.name}\nACGT\n", "differs from the known reference of that name"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=message) as raised:
            read_reference(tmp_path / name)
        assert "\n" not in str(raised.value)
    with pytest.raises(DataError, match="hold no known base"):
        reference_of(aligned(["NN-", "NN-"]))


def test_references_are_read_from_fasta_and_genbank(tmp_path: Path) -> None:
    from Bio import SeqIO
    from Bio.Seq import Seq
    from Bio.SeqFeature import SeqFeature, SimpleLocation
    from Bio.SeqRecord import SeqRecord

    (tmp_path / "mine.fa").write_text(f">mine of mine\n{('ac' + FRAME).replace('T', 'u')}\n")
    assert read_reference(tmp_path / "mine.fa") == Reference("mine", "AC" + FRAME, 1, (3, 305))
    record = SeqRecord(Seq("ACGTATGGCCTAAACG"), id="gene.1", name="gene", annotations={"molecule_type": "mRNA"})
    record.features.append(SeqFeature(SimpleLocation(4, 13, 1), type="CDS"))
    SeqIO.write([record], tmp_path / "gene.gb", "genbank")
    found = read_reference(tmp_path / "gene.gb")
    assert (found.name, found.cds, found.protein) == ("gene.1", (5, 13), "MA*")
