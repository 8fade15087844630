"""Commands on sequences: FASTA in and out, classes from headers or tables, positions of the reference."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.app.pipeline.comparing import DEFAULT_FAMILIES
from cohortsmith.data import read_cohort
from cohortsmith.generators import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BASES = re.compile(r"[ATCGN-]{12,}", re.IGNORECASE)  # what would be a stretch of a patient's sequence


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory, cohortsmith: Any) -> Path:
    """Eighty simulated TP53 patients as compressed FASTA."""
    path: Path = tmp_path_factory.mktemp("sequences") / "tp53.fasta.gz"
    done = cohortsmith("data", "simulate", "tp53-cohort", "--n", 80, "--seed", 3, "--out", path)
    assert done.code == 0, done.err
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, fasta: Path, cohortsmith: Any) -> Path:
    """A baseline that can be saved."""
    path: Path = tmp_path_factory.mktemp("models") / "edits"
    done = cohortsmith("fit", fasta, "--family", "random-edits", "--out", path)
    assert done.code == 0, done.err
    return path


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory, fasta: Path) -> Callable[[str], Path]:
    """The same patients as others would write them: bare headers, no classes or classes in words of their own."""
    cohort = read_cohort(fasta)
    folder = tmp_path_factory.mktemp("foreign")

    def write(header: str) -> Path:
        path: Path = folder / f"{abs(hash(header))}.fa"
        letters = [bytes(b"ATCG-N"[code] for code in row).decode().replace("T", "u") for row in cohort.x]
        names = [header.format(id=f"p{i}", label=label) for i, label in enumerate(cohort.labels)]
        path.write_text("".join(f">{name}\n{text}\n" for name, text in zip(names, letters, strict=True)))
        return path

    return write


def headers(path: Path) -> list[str]:
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else path.open()
    with opened as lines:
        return [line[1:].rstrip("\n") for line in lines if line.startswith(">")]


def refused(said: Any, *words: str) -> None:
    assert said.code == 2, (said.out, said.err)
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert errors[0] == said.err.splitlines()[-1]
    assert "Traceback" not in said.err
    assert said.out == ""
    assert not BASES.search(errors[0])
    for word in words:
        assert word in errors[0]


def test_describe_tells_positions_and_masked_bases_but_no_sequence(fasta: Path, cohortsmith: Any) -> None:
    done = cohortsmith("data", "describe", fasta, "--json")
    assert done.code == 0, done.err
    facts = json.loads(done.out)
    assert (facts["kind"], facts["samples"], facts["features"]) == ("sequence", 80, 1279)
    assert facts["classes"] == {"mutated": 40, "wild-type": 40}
    assert facts["reference"] == "NM_000546.6"
    assert facts["positions"] == "97 to 1375"
    assert facts["insertion_columns"] == facts["masked"] == 0
    assert 10 < facts["variable_positions"] < 80
    assert "scale" not in facts
    assert not BASES.search(done.out)
    assert "variable positions" in cohortsmith("data", "describe", fasta).out


def test_masked_bases_are_counted(tmp_path: Path, cohortsmith: Any) -> None:
    records = [f">s{i} label={'AB'[i % 2]}\n{'ACGTACGTAC' * 3}\n" for i in range(8)]
    records[2] = records[2].replace("GTACGT", "GNRCGT", 1)
    (tmp_path / "few.fasta").write_text("".join(records))
    facts = json.loads(cohortsmith("data", "describe", tmp_path / "few.fasta", "--json").out)
    assert (facts["masked"], facts["sequences_with_masked"], facts["variable_positions"]) == (2, 1, 0)


@pytest.mark.parametrize("name", ["virtual.fasta", "virtual.fasta.gz"])
def test_sample_writes_fasta_with_the_class_in_each_header(
    tmp_path: Path, fasta: Path, model: Path, cohortsmith: Any, name: str
) -> None:
    out = tmp_path / name
    done = cohortsmith("sample", model, "--counts", "mutated=7,wild-type=5", "--seed", 2, "--out", out)
    assert done.code == 0, done.err
    labels = [re.search(r" label=(\S+)", header) for header in headers(out)]
    assert [match[1] for match in labels if match] == ["mutated"] * 7 + ["wild-type"] * 5
    drawn, real = read_cohort(out, part=True), read_cohort(fasta)
    assert drawn.features == real.features
    assert drawn.provenance["reference"] == real.provenance["reference"]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_sample_refuses_a_table_for_sequences(tmp_path: Path, model: Path, cohortsmith: Any) -> None:
    refused(cohortsmith("sample", model, "--n", 3, "--out", tmp_path / "virtual.csv"), ".fasta")
    refused(cohortsmith("sample", model, "--n", 3, "--out", tmp_path / "virtual.gb"), ".fasta")
    assert not list(tmp_path.iterdir())


def test_class_is_found_in_headers_by_a_pattern(tmp_path: Path, foreign: Any, cohortsmith: Any) -> None:
    line = ["data", "describe", foreign("{id}|{label}|tumour"), "--label-pattern", r"\|([\w-]+)\|", "--json"]
    done = cohortsmith(*line)
    assert done.code == 0, done.err
    assert json.loads(done.out)["classes"] == {"mutated": 40, "wild-type": 40}
    refused(cohortsmith(*line[:3], "--label-pattern", r"\|([\w-]+"), "label")
    refused(cohortsmith(*line[:3], "--label-pattern", r"class (\w+)"), "label")


def test_class_is_found_in_a_table(tmp_path: Path, fasta: Path, foreign: Any, cohortsmith: Any) -> None:
    path, table = foreign("{id}"), tmp_path / "classes.tsv"
    labels = read_cohort(fasta).labels.tolist()
    rows = [f"p{i}\t{label}\n" for i, label in enumerate(labels)]
    table.write_text("".join(rows))
    done = cohortsmith("data", "describe", path, "--labels", table, "--reference", "NM_000546.6", "--json")
    assert done.code == 0, done.err
    facts = json.loads(done.out)
    assert facts["classes"] == {"mutated": 40, "wild-type": 40}
    assert facts["positions"] == "97 to 1375"  # found by alignment: nothing in the file says where it stands
    table.write_text("".join(rows[:-3]))
    refused(cohortsmith("data", "describe", path, "--labels", table), "3")
    refused(cohortsmith("data", "describe", path, "--labels", tmp_path / "none.tsv"), "none.tsv")


def test_unknown_reference_is_refused(foreign: Any, cohortsmith: Any) -> None:
    line = ["data", "describe", foreign("{id} label={label}"), "--reference", "NM_000546.7"]
    refused(cohortsmith(*line), "NM_000546.6")


def test_parts_are_read_as_train_was(tmp_path: Path, foreign: Any, model: Path, cohortsmith: Any) -> None:
    """Train and holdout are labelled by a pattern and aligned; what a model wrote says its classes itself."""
    path = foreign("{id}|{label}|tumour")
    assert cohortsmith("sample", model, "--per-class", 20, "--out", tmp_path / "virtual.fasta").code == 0
    line = ["evaluate", "--train", path, "--holdout", path, "--synthetic", tmp_path / "virtual.fasta"]
    line += ["--label-pattern", r"\|([\w-]+)\|", "--reference", "NM_000546.6", "--only", "position_js"]
    done = cohortsmith(*line, "--out", tmp_path / "card")
    assert done.code == 0, done.err
    assert "80 of 80 holdout patients have the sequence of a training patient" in done.err
    sizes = json.loads((tmp_path / "card" / "metrics.json").read_text())["sizes"]
    assert (sizes["train"], sizes["synthetic"]) == (80, 40)


def test_run_folder_of_sequences_holds_fasta(tmp_path: Path, foreign: Any, fasta: Path, cohortsmith: Any) -> None:
    text = (
        "[data]\ncohort = {cohort}\nlabel_pattern = '\\|([\\w-]+)\\|'\nreference = 'NM_000546.6'\n"
        "[generator]\nfamily = 'random-edits'\n[sample]\nper_class = 20\n[evaluation]\nonly = ['position_js']\n"
    )
    path = tmp_path / "trial.toml"
    path.write_text(text.replace("{cohort}", json.dumps(str(foreign("{id}|{label}|tumour")))))
    done = cohortsmith("run", path, "--runs", tmp_path / "runs")
    assert done.code == 0, done.err
    (folder,) = (tmp_path / "runs").iterdir()
    assert len(headers(folder / "synthetic.fasta")) == 40
    config = json.loads((folder / "config.json").read_text())
    assert config["data"]["reference"] == "NM_000546.6"
    packed = f"[data]\ncohort = {json.dumps(str(fasta))}\n" + text.split("\n", 4)[4]
    path.write_text(packed)
    assert cohortsmith("run", path, "--runs", tmp_path / "packed").code == 0
    (folder,) = (tmp_path / "packed").iterdir()
    assert (folder / "synthetic.fasta.gz").is_file()


@pytest.mark.parametrize("kind", ["expression", "sequence"])
def test_default_families_know_the_data_kind(kind: str) -> None:
    assert [name for name in DEFAULT_FAMILIES[kind] if kind not in FAMILIES[name].kinds] == []


def test_compare_takes_the_families_of_the_data_kind(
    tmp_path: Path, fasta: Path, cohortsmith: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEFAULT_FAMILIES, "sequence", ("bootstrap", "pwm"))
    line = ["compare", fasta, "--only", "position_js", "--out", tmp_path / "side"]
    done = cohortsmith(*line)
    assert done.code == 0, done.err
    facts = json.loads((tmp_path / "side" / "comparison.json").read_text())
    assert [entry["family"] for entry in facts["families"]] == ["bootstrap", "pwm"]
    assert facts["sizes"]["positions"] == 1279
    assert "1279 positions" in done.out
    assert len(headers(tmp_path / "side" / "pwm" / "synthetic.fasta.gz")) == facts["sizes"]["train"]
    refused(cohortsmith(*line[:-1], tmp_path / "other", "--families", "pwm,mvn"), "mvn", "sequence", "pwm")
    assert not (tmp_path / "other").exists()


@pytest.mark.skipif(shutil.which("blastn") is None, reason="blastn is not installed")
def test_blastn_stands_beside_the_scorecard(tmp_path: Path, fasta: Path, model: Path, cohortsmith: Any) -> None:
    assert cohortsmith("sample", model, "--per-class", 20, "--out", tmp_path / "virtual.fasta").code == 0
    line = ["evaluate", "--train", fasta, "--holdout", fasta, "--synthetic", tmp_path / "virtual.fasta", "--blast"]
    done = cohortsmith(*line, "--only", "identity", "--out", tmp_path / "card")
    assert done.code == 0, done.err
    assert "note: NCBI blastn" in done.out
    report = json.loads((tmp_path / "card" / "metrics.json").read_text())
    (note,) = (note for note in report["notes"] if "blastn" in note)
    found = [float(figure) for figure in re.findall(r"(\d+\.\d+) %", note)]
    assert found[1] == 100.0  # the holdout here is train itself
    assert found[0] == pytest.approx(report["metrics"][0]["value"], abs=0.011)
    assert note in (tmp_path / "card" / "report.html").read_text()


def test_absent_blastn_is_told_before_any_work(
    tmp_path: Path, fasta: Path, cohortsmith: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    line = ["evaluate", "--train", fasta, "--holdout", fasta, "--synthetic", fasta, "--blast"]
    refused(cohortsmith(*line, "--out", tmp_path / "card"), "blastn", "install")
    refused(cohortsmith("study", "tp53-founding", "--blast", "--out", tmp_path / "card"), "blastn", "install")
    assert not list(tmp_path.iterdir())


GOOD = [(f"s{i} label={'AB'[i % 2]}", "ACGTACGTAC" * 3) for i in range(12)]
BAD: dict[str, tuple[list[tuple[str, str]], str]] = {
    "protein": ([(h, "MEEPQSDPSVEPPLSQETFSDLWKLLPEN") for h, _ in GOOD], "nucleotide"),
    "empty record": ([*GOOD, ("s12 label=A", "")], "record 13"),
    "duplicate id": ([*GOOD, ("s3 label=A", "ACGTACGTAT" * 3)], "record 13"),
    "all N": ([*GOOD, ("s12 label=A", "N" * 30)], "record 13"),
    "one sequence in a class": ([*GOOD, ("s12 label=C", "ACGTACGTAC" * 3)], "one patient"),
    "unequal lengths taken as they stand": ([*GOOD, ("s12 label=A", "ACGTACGT")], "reference"),
    "no label": ([*GOOD, ("s12", "ACGTACGTAC" * 3)], "label"),
    "non-ASCII": ([*GOOD, ("s12 label=A", "ACGTÄCGTAC" * 3)], "record 13"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_sequences_are_refused_in_one_line(tmp_path: Path, cohortsmith: Any, case: str) -> None:
    records, word = BAD[case]
    path = tmp_path / "bad.fasta"
    path.write_text("".join(f">{header}\n{text}\n" for header, text in records), encoding="utf-8")
    line = ["fit", path, "--family", "random-edits", "--out", tmp_path / "model"]
    done = cohortsmith(*line, *(["--reference", "none"] if "unequal" in case else []))
    refused(done, word)
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.fasta"]


def test_alphabet_that_is_not_there_is_refused(foreign: Any, cohortsmith: Any) -> None:
    line = ["data", "describe", foreign("{id} label={label}"), "--alphabet"]
    assert cohortsmith(*line, "rna").code == 0
    refused(cohortsmith(*line, "dna"), "dna")
    refused(cohortsmith(*line, "protein"), "dna, rna")


def test_truncated_fasta_gz_is_refused(tmp_path: Path, fasta: Path, cohortsmith: Any) -> None:
    whole = fasta.read_bytes()
    (tmp_path / "cut.fasta.gz").write_bytes(whole[: len(whole) // 2])
    refused(cohortsmith("data", "describe", tmp_path / "cut.fasta.gz"), "cut.fasta.gz")
