"""What commands do with files that do not go together, and what they tell of what they read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data import simulate, write_cohort

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def scales(tmp_path: Path) -> Path:
    """The same 80 patients as counts, log2 and linear values, and as natural logarithms."""
    counts = simulate("simulated-expression", 80, 0, genes=30).to_frame().drop(columns=["age", "sex"])
    genes = [name for name in counts.columns if name.startswith("gene")]
    cpm = counts[genes].div(counts[genes].sum(axis=1), axis=0) * 1e6
    for name, values in (
        ("counts", counts[genes]),
        ("log", np.log2(cpm + 1).round(4)),
        ("ln", np.log1p(cpm).round(4)),
        ("linear", cpm.round(3)),
        ("centred", (np.log2(cpm + 1) - np.log2(cpm + 1).mean()).round(4)),
    ):
        pd.concat([counts[["label"]], values], axis=1).to_csv(tmp_path / f"{name}.csv")
    return tmp_path


@pytest.mark.parametrize(
    ("train", "other", "said"),
    [
        ("log", "counts", "counts"),
        ("log", "linear", "linear"),
        ("log", "ln", "another base"),
        ("log", "centred", "negative"),
        ("counts", "log", "log"),
        ("counts", "linear", "linear"),
        ("linear", "log", "log"),
        ("linear", "counts", "counts"),
    ],
)
@pytest.mark.parametrize(("command", "side"), [("audit", "--synthetic"), ("evaluate", "--holdout")])
def test_scales_that_do_not_agree_are_refused(
    scales: Path, cohortsmith: Any, command: str, side: str, train: str, other: str, said: str
) -> None:
    files = {"--train": train, "--holdout": train, "--synthetic": train, side: other}
    line = [part for option, name in files.items() for part in (option, scales / f"{name}.csv")]
    done = cohortsmith(command, *line, "--out", scales / "out")
    assert done.code == 2
    assert f"train is on scale {train}" in done.err
    assert said in done.err
    assert "Traceback" not in done.err


def test_shared_patients_are_told_by_evaluate_and_refused_by_the_audit(tmp_path: Path, cohortsmith: Any) -> None:
    rng = np.random.default_rng(0)
    for name, patients in (("train", range(60)), ("holdout", [f"{i:03d}" for i in range(60)]), ("synthetic", None)):
        table = pd.DataFrame(rng.normal(8, 1, (60, 4)).round(3), columns=list("wxyz"))
        table.insert(0, "label", list("ab") * 30)
        if patients is not None:
            table.insert(0, "patient", list(patients))
        table.insert(0, "sample_id", [f"{name}{i}" for i in range(60)])
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    files = [part for name in ("train", "holdout", "synthetic") for part in (f"--{name}", tmp_path / f"{name}.csv")]
    done = cohortsmith("evaluate", *files, "--only", "wasserstein", "--out", tmp_path / "card")
    assert done.code == 0, done.err
    assert "warning: 60 patients are in train and in the holdout" in done.err
    notes = (tmp_path / "card" / "report.html").read_text()
    assert "60 patients are in train and in the holdout" in notes
    done = cohortsmith("audit", *files, "--out", tmp_path / "audited")
    assert done.code == 2
    assert "60 patients that are in train too" in done.err


def test_a_record_that_stands_twice_in_train_does_not_hinder(tmp_path: Path, cohortsmith: Any) -> None:
    rng = np.random.default_rng(0)
    for name in ("train", "holdout", "synthetic"):
        table = pd.DataFrame(rng.normal(8, 1, (60, 4)).round(3), columns=list("wxyz"))
        table.insert(0, "label", list("ab") * 30)
        table.insert(0, "sample_id", [f"{name}{i}" for i in range(60)])
        pd.concat([table, table[: 1 if name == "train" else 0]]).to_csv(tmp_path / f"{name}.csv", index=False)
    files = [part for name in ("train", "holdout", "synthetic") for part in (f"--{name}", tmp_path / f"{name}.csv")]
    done = cohortsmith("evaluate", *files, "--only", "wasserstein", "--out", tmp_path / "card")
    assert done.code == 0, done.err
    done = cohortsmith("audit", *files, "--out", tmp_path / "audited")
    assert done.code in (0, 1, 3), done.err


def test_describe_names_genes_and_covariates_and_how_the_scale_is_known(scales: Path, cohortsmith: Any) -> None:
    table = pd.read_csv(scales / "log.csv").assign(bmi=25.5, creatinine=np.arange(80) * 10.5)
    table.to_csv(scales / "more.csv", index=False)
    done = cohortsmith("data", "describe", scales / "more.csv", "--json")
    facts = json.loads(done.out)
    assert "gene00000" in facts["genes"]
    assert "creatinine" in facts["genes"]
    assert list(facts["covariates"]) == ["bmi"]
    assert facts["scale_from"] == "detected"
    assert "because of 1 of 31 columns ('creatinine')" in facts["warnings"][0]
    assert "warning: more.csv: the scale is linear because of 1 of 31 columns" in done.err


def test_genes_in_rows_with_a_table_of_labels(scales: Path, cohortsmith: Any) -> None:
    table = pd.read_csv(scales / "counts.csv", index_col=0)
    table.drop(columns="label").T.rename_axis("gene").to_csv(scales / "turned.csv")
    table["label"].to_csv(scales / "labels.tsv", sep="\t")
    done = cohortsmith("data", "describe", scales / "turned.csv")
    assert done.code == 2
    assert "--transpose" in done.err
    options = ("--transpose", "--labels", scales / "labels.tsv")
    done = cohortsmith("data", "describe", scales / "turned.csv", *options, "--json")
    assert json.loads(done.out)["samples"] == 80
    done = cohortsmith("fit", scales / "turned.csv", *options, "--family", "mvn", "--out", scales / "model")
    assert done.code == 0, done.err
    write_cohort(simulate("simulated-expression", 80, 1, genes=30), scales / "rest.csv")
    virtual = scales / "virtual.csv"
    assert cohortsmith("sample", scales / "model", "--n", 60, "--out", virtual).code == 0
    files = ("--train", scales / "turned.csv", "--holdout", scales / "turned.csv", "--synthetic", virtual)
    done = cohortsmith("evaluate", *files, *options, "--only", "wasserstein", "--out", scales / "card")
    assert done.code == 0, done.err
