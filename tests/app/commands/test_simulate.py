"""`cohortsmith data simulate` of sequences: sizes, prevalence, indels, a table of variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.data import read_cohort, simulate

if TYPE_CHECKING:
    from pathlib import Path


def test_founding_patients_need_no_number(cohortsmith: Any, tmp_path: Path) -> None:
    out = tmp_path / "founding.fasta.gz"
    assert cohortsmith("data", "simulate", "tp53-founding", "--out", out).code == 0
    assert read_cohort(out).digest() == simulate("tp53-founding", 40, 0).digest()


def test_prevalence_indels_and_a_table_are_options(cohortsmith: Any, tmp_path: Path) -> None:
    table, out = tmp_path / "variants.tsv", tmp_path / "cohort.fasta"
    table.write_text("HGVSc\tn_patients\nc.524G>A\t6\nc.626_627delGA\t4\n")
    line = ("data", "simulate", "tp53-cohort", "--n", 50, "--prevalence", 0.2, "--indels", "--variants", table)
    assert cohortsmith(*line, "--out", out).code == 0
    cohort = read_cohort(out)
    assert cohort.class_counts() == {"mutated": 10, "wild-type": 40}
    assert cohort.digest() == simulate("tp53-cohort", 50, 0, prevalence=0.2, indels=True, table=table).digest()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tp53-cohort"], "--n 500"),
        (["tp53-cohrt", "--n", 50], "did you mean 'tp53-cohort'"),
        (["tp53-cohort", "--n", 50, "--prevalence", 2], "between 0 and 1"),
        (["tp53-cohort", "--n", 50, "--variants", "nowhere.tsv"], "provide a TSV file"),
        (["tp53-founding", "--prevalence", 0.2], "no option 'prevalence'"),
    ],
)
def test_what_cannot_be_simulated_is_one_line(
    cohortsmith: Any, tmp_path: Path, words: list[object], message: str
) -> None:
    done = cohortsmith("data", "simulate", *words, "--out", tmp_path / "x.fasta")
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "x.fasta").exists()
