"""Sequence files: what comes in goes out, with classes, patients and columns from wherever they stand."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data import (
    Cohort,
    DataError,
    decode,
    duplicates,
    named_sets,
    open_writer,
    read_cohort,
    split,
    write_cohort,
)
from cohortsmith.data.nucleotides import GAP
from cohortsmith.data.sequences.columns import numbered
from cohortsmith.data.sequences.reference import TP53

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WINDOW = TP53.span(97, 1375)
GOOD = {
    "s1 label=mutated age=61 site=colon": "ACGTACGTAC",
    "s2 label=mutated age=47 site=lung": "ACGTACGTAA",
    "s3 label=wild age=70 site=lung": "ACGTACGTAC",
    "s4 label=wild age=52": "ACGNACGTAC",
}
EFFECT = r"\|(frameshift|non_synonymous|stop|synonymous|inframe)"


@pytest.mark.parametrize("suffix", [".fasta", ".fa", ".fna", ".fasta.gz"])
def test_what_is_written_reads_back_whole(windows: Cohort, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_cohort(windows, path)
    back = read_cohort(path)
    assert back.digest() == windows.digest()
    assert back.features == windows.features
    assert back.subjects.tolist() == windows.subjects.tolist()
    assert (back.provenance["reference"], back.provenance["masked"]) == ("NM_000546.6", 1)
    pd.testing.assert_frame_equal(back.obs[list(windows.obs)], windows.obs)
    write_cohort(back, tmp_path / f"b{suffix}")
    write_cohort(windows, tmp_path / f"c{suffix}")
    assert (tmp_path / f"c{suffix}").read_bytes() == path.read_bytes()
    assert read_cohort(tmp_path / f"b{suffix}").digest() == windows.digest()


def test_every_header_says_its_class_and_columns(windows: Cohort, tmp_path: Path) -> None:
    write_cohort(windows, tmp_path / "a.fasta")
    lines = (tmp_path / "a.fasta").read_text().splitlines()
    heads = [line for line in lines if line.startswith(">")]
    assert len(heads) == 60
    assert all("label=mutated" in head or "[label=wild type]" in head for head in heads)
    assert all(head.endswith(" reference=NM_000546.6 columns=97-300,300+1-2,301-1375") for head in heads)
    assert max(map(len, (line for line in lines if not line.startswith(">")))) == 80


def test_chunks_make_the_file_that_the_whole_makes(windows: Cohort, tmp_path: Path) -> None:
    write_cohort(windows, tmp_path / "whole.fasta")
    with open_writer(tmp_path / "a.fasta", windows) as writer:
        for start in range(0, 60, 25):
            writer.write(windows.take(range(start, min(start + 25, 60))))
    assert (tmp_path / "a.fasta").read_bytes() == (tmp_path / "whole.fasta").read_bytes()
    with pytest.raises(DataError, match="other columns"):
        with open_writer(tmp_path / "a.fasta", windows) as writer:
            writer.write(replace(windows, features=numbered(1281)))


def test_four_thousand_sequences_read_in_about_a_second(windows: Cohort, tmp_path: Path) -> None:
    rows = np.arange(4000) % 60
    many = windows.take(rows)
    ids = pd.Index([f"P{i}" for i in range(4000)], dtype=object, name="sample_id")
    many = replace(many, obs=pd.DataFrame(index=ids), subjects=np.asarray(ids, dtype=np.str_))
    write_cohort(many, tmp_path / "a.fasta")
    started = time.perf_counter()
    assert len(read_cohort(tmp_path / "a.fasta")) == 4000
    assert time.perf_counter() - started < 3


def test_words_of_the_header_are_covariates(tmp_path: Path, fasta: Callable[..., Path]) -> None:
    cohort = read_cohort(fasta(tmp_path / "a.fasta", GOOD))
    assert cohort.class_counts() == {"mutated": 2, "wild": 2}
    assert cohort.obs["age"].tolist() == [61, 47, 70, 52]
    assert cohort.obs["site"].tolist()[:3] == ["colon", "lung", "lung"]
    assert pd.isna(cohort.obs["site"].iloc[3])
    assert cohort.features == numbered(10)
    assert cohort.provenance["reference"] == ""
    assert cohort.provenance["masked"] == 1


def test_rna_in_lower_case_is_the_same_cohort(tmp_path: Path, fasta: Callable[..., Path]) -> None:
    dna = read_cohort(fasta(tmp_path / "a.fasta", GOOD))
    rna = {header: letters.lower().replace("t", "u") for header, letters in GOOD.items()}
    assert read_cohort(fasta(tmp_path / "b.fa.gz", rna)).digest() == dna.digest()
    assert read_cohort(tmp_path / "b.fa.gz", alphabet="rna").digest() == dna.digest()


def test_a_header_names_patients(tmp_path: Path, fasta: Callable[..., Path]) -> None:
    records = {f"s{i} label={'ab'[i % 2]} patient=P{i // 4}": "ACGT" for i in range(8)}
    path = fasta(tmp_path / "a.fasta", records)
    cohort = read_cohort(path, part=True)
    assert cohort.subjects.tolist() == ["P0"] * 4 + ["P1"] * 4
    assert cohort.provenance["subject"] == "patient"
    assert read_cohort(path, subject=r"^s(\d)", part=True).subjects.tolist() == list("01234567")
    train, holdout = split(cohort, 0, 0.5)
    assert not set(train.subjects) & set(holdout.subjects)


def test_classes_by_pattern_by_table_and_by_key(tmp_path: Path, fasta: Callable[..., Path]) -> None:
    path = fasta(tmp_path / "a.fasta", {f"s{i}|{'LUAD' if i % 2 else 'LUSC'} stage={i // 2}": "ACGT" for i in range(4)})
    by_pattern = read_cohort(path, label_pattern=r"\|(\w+)")
    (tmp_path / "labels.tsv").write_text("".join(f"{name}\t{name[3:]}\n" for name in by_pattern.ids) + "other\tLUAD\n")
    (tmp_path / "headed.tsv").write_text("id\tx\tlabel\n" + "".join(f"{n}\t-\t{n[3:]}\n" for n in by_pattern.ids))
    assert by_pattern.class_counts() == {"LUAD": 2, "LUSC": 2}
    assert read_cohort(path, labels=tmp_path / "labels.tsv").digest() == by_pattern.digest()
    assert read_cohort(path, labels=tmp_path / "headed.tsv").digest() == by_pattern.digest()
    by_key = read_cohort(path, label="stage")
    assert by_key.class_counts() == {"0": 2, "1": 2}
    assert "stage" not in by_key.obs
    # What this program writes says label=CLASS, so it reads back by any of these ways and by none.
    write_cohort(by_key, tmp_path / "b.fasta")
    for options in ({}, {"label": "stage"}, {"label_pattern": "kind=(.)"}):
        assert read_cohort(tmp_path / "b.fasta", **options).digest() == by_key.digest()  # type: ignore[arg-type]


def test_a_folder_is_one_file_a_class(tmp_path: Path, fasta: Callable[..., Path]) -> None:
    folder = tmp_path / "cohort"
    folder.mkdir()
    fasta(folder / "wild.fasta.gz", {"a": "ACGT", "b": "ACGT"})
    fasta(folder / "mutated.fa", {"c": "ACGA", "d": "ACTT"})
    (folder / "notes.txt").write_text("notes")
    cohort = read_cohort(folder)
    assert dict(zip(cohort.ids, cohort.labels.tolist(), strict=True)) == {
        "a": "wild", "b": "wild", "c": "mutated", "d": "mutated",
    }  # fmt: skip
    fasta(folder / "other.fa", {"a": "ACGA", "e": "ACTT"})
    with pytest.raises(DataError, match=r"name of record 1 of other.fa and of record 1 of wild.fasta.gz\)"):
        read_cohort(folder)


def test_genbank_entries_are_read_with_what_they_say_of_their_source(tmp_path: Path) -> None:
    from Bio import SeqIO
    from Bio.Seq import Seq
    from Bio.SeqFeature import SeqFeature, SimpleLocation
    from Bio.SeqRecord import SeqRecord

    records = []
    for i in range(4):
        record = SeqRecord(Seq("ACGTTGCA"), id=f"NM_{i}.1", name=f"NM_{i}", description=f"gene, label={'ab'[i % 2]}")
        record.annotations["molecule_type"] = "mRNA"
        source = {"tissue_type": ["lung" if i < 2 else "colon"], "organism": ["Homo sapiens"]}
        record.features.append(SeqFeature(SimpleLocation(0, 8), type="source", qualifiers=source))
        records.append(record)
    SeqIO.write(records, tmp_path / "a.gb", "genbank")
    cohort = read_cohort(tmp_path / "a.gb")
    assert cohort.class_counts() == {"a": 2, "b": 2}
    assert list(cohort.ids) == ["NM_0.1", "NM_1.1", "NM_2.1", "NM_3.1"]
    assert set(cohort.obs["organism"]) == {"Homo sapiens"}
    assert read_cohort(tmp_path / "a.gb", label="tissue_type").class_counts() == {"colon": 2, "lung": 2}
    write_cohort(cohort, tmp_path / "b.fasta")
    assert read_cohort(tmp_path / "b.fasta").digest() == cohort.digest()
    with pytest.raises(DataError, match=r"a.gb: .gb is read-only; .* written as .fasta"):
        write_cohort(cohort, tmp_path / "a.gb")
    whole = (tmp_path / "a.gb").read_text()
    for content, expected in (
        (whole[: len(whole) * 3 // 5], "record 3 is not a complete GenBank entry"),
        (">s\nA\n", "LOCUS"),
    ):
        (tmp_path / "a.gb").write_text(content)
        with pytest.raises(DataError, match=expected):
            read_cohort(tmp_path / "a.gb")


def test_unequal_lengths_are_aligned_to_the_reference_or_among_themselves(
    tmp_path: Path, fasta: Callable[..., Path]
) -> None:
    lost = WINDOW[:500] + WINDOW[503:]
    records = {"a label=m": lost, "b label=m": lost, "c label=w": WINDOW, "d label=w": WINDOW}
    path = fasta(tmp_path / "a.fasta", records)
    named = read_cohort(path, reference="NM_000546.6")
    assert named.features == numbered(1279, 97)
    assert named.provenance["reference"] == "NM_000546.6"
    assert int((named.x == GAP).sum()) == 6
    alone = read_cohort(path)
    assert alone.features == numbered(1279)
    np.testing.assert_array_equal(alone.x, named.x)
    by_file = read_cohort(path, reference=fasta(tmp_path / "wild.fasta", {"mine": TP53.sequence}))
    assert by_file.provenance["reference"] == "mine"
    np.testing.assert_array_equal(by_file.x, named.x)
    # An aligned file stands as it is, and where it records its reference keeps the numbering.
    write_cohort(named, tmp_path / "b.fasta")
    assert read_cohort(tmp_path / "b.fasta", reference="NM_000546.6").features == named.features
    assert read_cohort(tmp_path / "b.fasta", reference="none").features == numbered(1279)


def test_files_put_together_share_their_inserted_columns(windows: Cohort, tmp_path: Path) -> None:
    keep = [i for i, name in enumerate(windows.features) if "+" not in name]
    plain = windows.take([0, 1, 2, 3])
    plain = replace(plain, x=plain.x[:, keep], features=tuple(windows.features[i] for i in keep))
    write_cohort(plain, tmp_path / "a.fasta")
    write_cohort(windows.take(range(4, 60)), tmp_path / "b.fasta")
    (tmp_path / "c.fasta").write_bytes((tmp_path / "a.fasta").read_bytes() + (tmp_path / "b.fasta").read_bytes())
    together = read_cohort(tmp_path / "c.fasta")
    assert together.features == windows.features
    np.testing.assert_array_equal(together.x[4:], windows.x[4:])
    assert (together.x[:4, 204:206] == GAP).all()


def test_equal_sequences_are_told_as_usual(windows: Cohort) -> None:
    apart = windows.take([3, 5, 6, 7])
    assert not duplicates(apart).exact.size
    found = duplicates(windows.take([3, 5, 3, 7, 3]))
    assert found.exact.tolist() == [[0, 2], [0, 4]]
    assert not len(found.near)
    assert found.usual
    assert "different patients" in str(found)
    assert duplicates(apart, windows.take([7])).exact.tolist() == [[3, 0]]  # its masked base too
    with pytest.raises(DataError, match="on_columns"):
        duplicates(windows, replace(windows, x=windows.x[:, 1:], features=windows.features[1:]))


def test_sequence_files_of_the_data_folder_are_named_sets(
    windows: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fasta: Callable[..., Path]
) -> None:
    monkeypatch.setenv("COHORTSMITH_DATA", str(tmp_path))
    write_cohort(windows, tmp_path / "mine.fasta.gz")
    fasta(tmp_path / "bare.fa", {"a|x": "ACGT", "b|x": "ACGT", "c|y": "ACGT", "d|y": "ACGT"})
    fasta(tmp_path / "reference.fasta", {"NM_000546.6": TP53.sequence})
    found = {s.name: s for s in named_sets() if s.kind == "sequence" and "COHORTSMITH_DATA" in s.description}
    assert list(found) == ["bare", "mine"]
    assert "--labels" in found["bare"].description
    assert "--labels" not in found["mine"].description
    assert read_cohort("mine").digest() == windows.digest()
    assert read_cohort("bare", label_pattern=r"\|(.)").class_counts() == {"x": 2, "y": 2}


def test_real_mutated_mrnas_by_their_published_effect(real_file: Callable[[str], Path]) -> None:
    path = real_file("sequences/tp53_mutated_mrna_448.fasta")
    reference = real_file("sequences/tp53_NM_000546.6_mrna.fasta")
    cohort = read_cohort(path, label_pattern=EFFECT, subject=r"^(.-.-\d+)", reference=reference)
    assert cohort.class_counts() == {
        "frameshift": 44, "inframe": 11, "non_synonymous": 357, "stop": 33, "synonymous": 3,
    }  # fmt: skip
    assert len(set(cohort.subjects)) == 360
    assert cohort.provenance["reference"] == "NM_000546.6"
    positions = [i for i, name in enumerate(cohort.features) if "+" not in name]
    assert tuple(cohort.features[i] for i in positions) == numbered(2512)
    whole = (cohort.x[:, positions] != GAP).all(axis=1)
    bare = (np.delete(cohort.x, positions, axis=1) == GAP).all(axis=1)
    assert int((whole & bare).sum()) == 393  # as the notes beside the file say
    assert decode(cohort.x[0][cohort.x[0] != GAP]) == "".join(path.read_text().split("\n>")[0].split("\n")[1:])
    train, holdout = split(cohort, 0)
    assert not set(train.subjects) & set(holdout.subjects)
