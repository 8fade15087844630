"""Whatever is wrong with a file of sequences, one line says what and where, and quotes no patient."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cohortsmith.data import Cohort, DataError, read_cohort, write_cohort
from cohortsmith.data.nucleotides import GAP

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GOOD = {
    "s1 label=mutated age=61 site=colon": "ACGTACGTAC",
    "s2 label=mutated age=47 site=lung": "ACGTACGTAA",
    "s3 label=wild age=70 site=lung": "ACGTACGTAC",
    "s4 label=wild age=52": "ACGNACGTAC",
}


def changed(number: int, letters: str, header: str | None = None) -> list[tuple[str, str]]:
    pairs = list(GOOD.items())
    pairs[number - 1] = (pairs[number - 1][0] if header is None else header, letters)
    return pairs


def message(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_cohort(path, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 450
    for value in ("ACGTACG", "s1", "s2", "s3", "s4"):  # neither a sequence nor who it is from
        assert value not in text
    return text


@pytest.mark.parametrize(
    ("records", "options", "expected"),
    [
        (changed(3, "MEEPQSDPSV"), {}, ["record 3", "'E' at position 2", "looks like a protein"]),
        (changed(3, "MKVAASSRKD"), {}, ["record 3", "are ambiguity codes", "looks like a protein"]),
        (changed(2, ""), {}, ["record 2 has no sequence"]),
        (changed(2, "----------"), {}, ["record 2 has no sequence"]),
        (changed(2, "ACGT", ""), {}, ["record 2 has no name"]),
        (changed(4, "NNNNNNNNNN"), {}, ["record 4 has no known base", "remove it"]),
        (changed(4, "NNNNnn----"), {}, ["record 4 has no known base"]),
        (changed(2, "ACGTACGTAC", "s1 label=mutated"), {}, ["1 record name(s)", "record 1", "record 2", "unique"]),
        (changed(2, "ACGTAéGTAC"), {}, ["record 2", "U+00E9 at position 6"]),
        (changed(2, "ACGTA→GTAC"), {}, ["record 2", "U+2192 at position 6"]),
        (changed(3, "ACGT"), {"reference": "none"}, ["equal length", "4 to 10", "record 3", "--reference"]),
        (changed(3, "GGGGGGGGGGGG"), {}, ["record 3 is too different", "most typical"]),
        (changed(3, "ACGTACGTAC", "s3"), {}, ["1 of 4 records have no label by label=CLASS", "first: record 3"]),
        ([*GOOD.items(), ("s5 label=mutated", "ACGT"), ("s6 label=other", "ACGT")], {}, ["sample 6", "one patient"]),
        (GOOD, {"label": "lable"}, ["4 of 4", "lable=CLASS", "'label'"]),
        (GOOD, {"label": "stage"}, ["stage=CLASS", "--label-pattern", "--labels"]),
        (changed(1, "ACGTACGTAC", "s1"), {"label_pattern": "(cancer)"}, ["4 of 4", "'(cancer)'", "widen it"]),
        (GOOD, {"label_pattern": "label=.*"}, ["0 groups", "one pair of parentheses"]),
        (GOOD, {"label_pattern": "label=(."}, ["not a regular expression"]),
        (GOOD, {"label_pattern": "age=(\\d+)"}, ["4 different values in 4", "not a class"]),
        (GOOD, {"label_pattern": "(.)", "labels": "x.tsv"}, ["one of the two"]),
        (GOOD, {"subject": "patiant"}, ["4 of 4 records name no patient", "'patiant'"]),
        (GOOD, {"alphabet": "rna"}, ["record 1 contains T", "ACGU"]),
        (GOOD, {"alphabet": "protein"}, ["no alphabet 'protein'", "dna and rna"]),
        (GOOD, {"reference": "NM_000546.5"}, ["NM_000546.5", "NM_000546.6"]),
        (GOOD, {"reference": "NM_000546.6"}, ["record 1 is too different from NM_000546.6"]),
        (GOOD, {"impute": True}, ["contains sequences", "--impute"]),
        (GOOD, {"covariates": ["age"]}, ["contains sequences", "--covariate"]),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(
    tmp_path: Path, records: Any, options: dict[str, Any], expected: list[str], fasta: Callable[..., Path]
) -> None:
    told = message(fasta(tmp_path / "cohort.fasta", records), **options)
    assert not [part for part in expected if part not in told], told


def test_good_file_is_good(tmp_path: Path, fasta: Callable[..., Path]) -> None:
    assert len(read_cohort(fasta(tmp_path / "cohort.fasta", GOOD))) == 4


def test_a_table_of_labels_that_does_not_fit(tmp_path: Path, fasta: Callable[..., Path]) -> None:
    path = fasta(tmp_path / "a.fasta", {header.split()[0]: letters for header, letters in GOOD.items()})
    table = tmp_path / "labels.tsv"
    for text, expected in (
        ("s1\ta\ns2\tb\n", ["2 of 4 records have no label in labels.tsv", "first: record 3"]),
        ("x1\ta\nx2\tb\n", ["4 of 4 records"]),
        ("s1\ta\ns1\tb\n", ["line 2 appears twice with different labels"]),
        ("s1\ta\ns2\n", ["line 2 does not have"]),
        ("s1,a\n", ["line 1 does not have", "tab"]),
        ("", ["has no labels"]),
        ("id\tkind\ns1\ta\n", ["3 of 4 records"]),
    ):
        table.write_text(text)
        told = message(path, labels=table)
        assert not [part for part in expected if part not in told], told
    table.write_bytes(b"s1\t\xff\n")
    assert "UTF-8" in message(path, labels=table)
    assert "no label file" in message(path, labels=tmp_path / "no.tsv")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_truncated_gzip(windows: Cohort, tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.fasta.gz"
    write_cohort(windows, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "truncated" in message(path)


def test_text_that_is_no_fasta(tmp_path: Path, fasta: Callable[..., Path]) -> None:
    path = tmp_path / "a.fasta"
    for content, expected in (
        (b"", "empty"),
        (b"\n \n", "has no records"),
        (b"ACGT\nACGT\n", "does not begin as FASTA"),
        (b"@s1\nACGT\n+\nIIII\n", "does not begin as FASTA"),
        (">s1 label=a\nACGT\n".encode("utf-16"), "not UTF-8 text"),
        (gzip.compress(b">s1\nACGT\n"), "not UTF-8 text"),
    ):
        path.write_bytes(content)
        assert expected in message(path)
    (tmp_path / "a.fa.gz").write_bytes(b">s1\nACGT\n")
    assert "not gzip-compressed" in message(tmp_path / "a.fa.gz")
    (tmp_path / "folder").mkdir()
    assert "without sequence files" in message(tmp_path / "folder")


def test_headers_that_name_wrong_columns_are_not_believed(windows: Cohort, tmp_path: Path) -> None:
    write_cohort(windows, tmp_path / "a.fasta")
    text = (tmp_path / "a.fasta").read_text()
    (tmp_path / "a.fasta").write_text(text.replace("columns=97-300", "columns=97-299", 1))
    assert "record 1 has 1281 letters" in message(tmp_path / "a.fasta")
    (tmp_path / "a.fasta").write_text(text.replace(" reference=NM_000546.6", "", 1))
    assert "record 2: every header" in message(tmp_path / "a.fasta")
    assert read_cohort(tmp_path / "a.fasta", reference="NM_000546.6").provenance["aligned"] == "to reference"


def test_sequences_and_expression_are_not_written_as_each_other(
    windows: Cohort, simulated: Cohort, tmp_path: Path
) -> None:
    with pytest.raises(
        DataError, match="a.csv: .csv is for expression; a cohort of kind sequence can be written as .fasta"
    ):
        write_cohort(windows, tmp_path / "a.csv")
    with pytest.raises(
        DataError, match="a.fasta: .fasta is for sequences; a cohort of kind expression can be written as"
    ):
        write_cohort(simulated, tmp_path / "a.fasta")
    write_cohort(simulated, tmp_path / "a.csv")
    assert "contains expression, to which --reference does not apply" in message(tmp_path / "a.csv", reference="none")
    assert not (tmp_path / "a.fasta").exists()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: replace(c, obs=c.obs.set_axis([f"P {i}" for i in range(60)])), "one with spaces"),
        (lambda c: replace(c, obs=c.obs.rename(columns={"site": "primary site"})), "'primary site'"),
        (lambda c: replace(c, obs=c.obs.rename(columns={"site": "columns"})), "'columns'"),
        (lambda c: replace(c, classes=("mutated", "wild [type]")), "has brackets"),
        (lambda c: replace(c, x=np.where(np.arange(60)[:, None] == 3, GAP, c.x).astype(np.uint8)), "sample 4"),
    ],
)
def test_what_a_header_would_lose_is_not_written(
    windows: Cohort, tmp_path: Path, change: Callable[[Cohort], Cohort], expected: str
) -> None:
    with pytest.raises(DataError, match="cannot write") as caught:
        write_cohort(change(windows), tmp_path / "a.fasta")
    assert expected in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_codes_beyond_the_mask_are_no_sequences(windows: Cohort) -> None:
    with pytest.raises(DataError, match=r"codes 0\.\.5"):
        replace(windows, x=windows.x + 3)
    with pytest.raises(DataError, match=r"codes 0\.\.5"):
        replace(windows, x=windows.x.astype(np.int64))
    with pytest.raises(DataError, match="1280 columns"):
        replace(windows, features=windows.features[1:])
