"""Bad input ends with one line on stderr, exit code 2, and nothing written."""

from __future__ import annotations

import gzip
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def refused(said: Any, *words: str) -> None:
    """One line that holds the given words, exit code 2, and no result on stdout."""
    assert said.code == 2, (said.out, said.err)
    lines = said.err.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert errors == lines[-1:], said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    for word in words:
        assert word in errors[0]


def table(
    cells: dict[tuple[int, int], str] | None = None, *, rows: int = 40, head: str = "sample_id,label,g1,g2,g3"
) -> str:
    """A good small table of linear intensities, with some cells (row, column) replaced."""
    grid = [
        [f"s{i}", "AB"[i % 2], f"{i * 7 % 31}.5", f"{100 + i * 11 % 37}.25", f"{i * i % 41}.75"] for i in range(rows)
    ]
    for (row, column), text in (cells or {}).items():
        grid[row][column] = text
    return "\n".join([head, *(",".join(line) for line in grid)]) + "\n"


TABLES = {
    "a class with one patient": (table({(3, 1): "rare"}), "one patient"),
    "missing value": (table({(5, 3): ""}), "g2"),
    "infinite value": (table({(5, 3): "inf"}), "g2"),
    "text in a gene column": (table({(5, 3): "high"}), "g2"),
    "duplicate gene": (table(head="sample_id,label,g1,g2,g1"), "g1"),
    "duplicate sample": (table({(5, 0): "s4"}), "unique"),
    "no label column": (table(head="sample_id,labell,g1,g2,g3"), "label"),
    "header only": (table(rows=0), ""),
    "nothing": ("", "empty"),
}


@pytest.mark.parametrize("case", TABLES)
def test_bad_table_is_refused(tmp_path: Path, cohortsmith: Any, case: str) -> None:
    text, word = TABLES[case]
    (tmp_path / "table.csv").write_text(text)
    done = cohortsmith("fit", tmp_path / "table.csv", "--family", "mvn", "--out", tmp_path / "model")
    refused(done, word)
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.csv"]


def test_values_of_patients_are_not_told(tmp_path: Path, cohortsmith: Any) -> None:
    (tmp_path / "table.csv").write_text(table({(5, 3): "secret"}))
    done = cohortsmith("data", "describe", tmp_path / "table.csv")
    refused(done)
    assert "secret" not in done.err


def test_negative_counts_are_refused(tmp_path: Path, cohortsmith: Any) -> None:
    (tmp_path / "table.csv").write_text(table({(5, 3): "-4"}).replace(".5", "").replace(".25", "").replace(".75", ""))
    done = cohortsmith("fit", tmp_path / "table.csv", "--family", "mvn", "--scale", "counts", "--out", tmp_path / "m")
    refused(done, "negative")


def test_missing_values_are_imputed_on_request_only(tmp_path: Path, cohortsmith: Any) -> None:
    (tmp_path / "table.csv").write_text(table({(5, 3): ""}))
    done = cohortsmith("data", "describe", tmp_path / "table.csv", "--impute", "--json")
    assert json.loads(done.out)["imputed"] == 1


def test_unknown_file_names_its_neighbour(tmp_path: Path, cohortsmith: Any) -> None:
    (tmp_path / "tumours.csv").write_text(table())
    refused(cohortsmith("fit", tmp_path / "tumors.csv", "--family", "mvn", "--out", tmp_path / "m"), "tumours.csv")


def test_wrong_extension_names_the_right_ones(tmp_path: Path, cohortsmith: Any) -> None:
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    refused(
        cohortsmith("fit", tmp_path / "table.xlsx", "--family", "mvn", "--out", tmp_path / "m"), ".h5ad", ".parquet"
    )


def test_truncated_gz_is_refused(tmp_path: Path, cohortsmith: Any) -> None:
    packed = gzip.compress(table(rows=2000).encode())
    (tmp_path / "table.csv.gz").write_bytes(packed[: len(packed) // 2])
    refused(cohortsmith("fit", tmp_path / "table.csv.gz", "--family", "mvn", "--out", tmp_path / "m"))


def test_near_misses_of_family_setting_and_class(tmp_path: Path, patients: Path, model: Path, cohortsmith: Any) -> None:
    out = tmp_path / "out.csv"
    refused(cohortsmith("fit", patients, "--family", "difusion", "--out", tmp_path / "m"), "diffusion")
    line = ["fit", patients, "--family", "diffusion", "--out", tmp_path / "m"]
    refused(cohortsmith(*line, "--set", "stepps=3"), "steps")
    refused(cohortsmith(*line, "--set", "steps"), "KEY=VALUE")
    refused(cohortsmith("sample", model, "--counts", "nobody=3", "--out", out), "nobody")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--n", "0"], "at least 1"),
        (["--n", "-3"], "at least 1"),
        (["--per-class", "0"], "at least 1"),
        (["--counts", "A=x"], "A=10,B=5"),
        (["--counts", ""], "A=10,B=5"),
        ([], "one of --n"),
        (["--n", "3", "--like-train"], "--n and --like-train"),
        (["--n", "three"], "--n"),
    ],
)
def test_how_many_is_checked(tmp_path: Path, model: Path, cohortsmith: Any, options: list[str], word: str) -> None:
    refused(cohortsmith("sample", model, *options, "--out", tmp_path / "out.csv"), word)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["virtual.fasta", "virtual.npz", "virtual.xlsx", "nowhere/virtual.csv"])
def test_sample_refuses_a_file_it_cannot_write(tmp_path: Path, model: Path, cohortsmith: Any, name: str) -> None:
    refused(cohortsmith("sample", model, "--n", 3, "--out", tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_broken_and_foreign_model_folders_are_refused(tmp_path: Path, model: Path, cohortsmith: Any) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "notes.txt").write_text("mine")
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:40])
    for folder in (foreign, broken, tmp_path / "absent"):
        refused(cohortsmith("sample", folder, "--n", 3, "--out", tmp_path / "out.csv"))
    assert not (tmp_path / "out.csv").exists()


def test_too_few_patients_for_a_deep_family(tmp_path: Path, cohortsmith: Any) -> None:
    (tmp_path / "table.csv").write_text(table(rows=4))  # the split leaves one patient of each class to learn from
    line = [
        "compare",
        tmp_path / "table.csv",
        "--families",
        "diffusion",
        "--holdout",
        "0.5",
        "--out",
        tmp_path / "side",
    ]
    refused(cohortsmith(*line), "patients of each class")
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.csv"]


def test_absent_cuda_is_told(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    line = ["fit", patients, "--family", "diffusion", "--device", "cuda", "--out", tmp_path / "m"]
    refused(cohortsmith(*line), "cuda")
    refused(cohortsmith(*line[:-3], "gpu", *line[-2:]), "cuda")
    assert not list(tmp_path.iterdir())


def test_results_are_not_overwritten_unless_told(tmp_path: Path, patients: Path, model: Path, cohortsmith: Any) -> None:
    out = tmp_path / "m"
    shutil.copytree(model, out)
    line = ["fit", patients, "--family", "mvn", "--out", out]
    refused(cohortsmith(*line), "--force")
    assert cohortsmith(*line, "--force").code == 0
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    refused(cohortsmith(*line[:-1], mine, "--force"), "did not write")
    assert (mine / "thesis.txt").read_text() == "mine"


def test_wrong_use_of_the_command_line_is_one_line(tmp_path: Path, cohortsmith: Any) -> None:
    refused(cohortsmith("fit", "x.csv", "--out", tmp_path / "m"), "--family", "--help")
    refused(cohortsmith("fitt"), "fit")
    refused(cohortsmith("sample", tmp_path, "--nn", "3", "--out", "x.csv"), "--nn")


def test_disk_full_is_one_line_and_leaves_nothing(
    tmp_path: Path, patients: Path, model: Path, cohortsmith: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import os

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    refused(cohortsmith("sample", model, "--n", 3, "--out", tmp_path / "out.csv"), "No space left")
    refused(cohortsmith("fit", patients, "--family", "mvn", "--out", tmp_path / "m"), "No space left")
    assert not list(tmp_path.iterdir())


def test_evaluate_refuses_files_that_do_not_go_together(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    lines = patients.read_text().splitlines()
    other = [line.rsplit(",", 1)[0] for line in lines]
    (tmp_path / "fewer_genes.csv").write_text("\n".join(other) + "\n")
    line = ["evaluate", "--train", patients, "--holdout", patients, "--synthetic", tmp_path / "fewer_genes.csv"]
    refused(cohortsmith(*line, "--out", tmp_path / "card"), "genes")
    line[-1] = patients
    refused(cohortsmith(*line, "--only", "waserstein", "--out", tmp_path / "card"), "wasserstein")
    assert not (tmp_path / "card").exists()
