"""Every command takes a cohort of one class, with a label column or without."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anndata
import numpy as np
import pandas as pd
import pytest

from tests.data.io.test_one_class import table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("label", ["", "case"])
def test_every_command_takes_a_cohort_of_one_class(tmp_path: Path, cohortsmith: Callable[..., Any], label: str) -> None:
    train, holdout = (table(tmp_path / f"{name}.csv", n, label, seed=n) for name, n in (("train", 90), ("holdout", 60)))
    out = cohortsmith("fit", train, "--family", "copula", "--out", tmp_path / "model")
    assert out.code == 0, out.err
    made = tmp_path / "made.csv"
    assert cohortsmith("sample", tmp_path / "model", "--n", 90, "--out", made).code == 0
    sides = ("--train", train, "--holdout", holdout, "--synthetic", made)
    out = cohortsmith("evaluate", *sides, "--out", tmp_path / "report")
    assert out.code == 0, out.err
    assert "a classifier needs two classes" in out.out
    out = cohortsmith("audit", *sides, "--out", tmp_path / "audit")
    assert out.code in (0, 1, 3), out.err
    assert (tmp_path / "audit" / "audit.json").is_file()
    assert cohortsmith("data", "describe", train).code == 0


def test_an_unlabelled_file_is_compared_and_run_without_naming_a_label(
    tmp_path: Path, cohortsmith: Callable[..., Any]
) -> None:
    """An .h5ad file with ages and no classes, from `compare` to the audit of a run."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 4)) @ rng.normal(size=(4, 20)) + rng.normal(size=(150, 20)) + 8
    obs = pd.DataFrame({"age": rng.integers(30, 80, 150)}, index=[f"P{row}" for row in range(150)])
    path = tmp_path / "unlabelled.h5ad"
    anndata.AnnData(x.astype(np.float32), obs=obs).write_h5ad(path)
    names = ("wasserstein", "tight_pairs", "pathway_agreement", "tstr")
    only = [word for name in names for word in ("--only", name)]
    out = cohortsmith("compare", path, "--families", "copula,mvn,bootstrap", *only, "--out", tmp_path / "compared")
    assert out.code == 0, out.err
    facts = json.loads((tmp_path / "compared" / "comparison.json").read_text(encoding="utf-8"))
    assert [family["family"] for family in facts["families"]] == ["copula", "mvn", "bootstrap"]
    assert not facts["failed"]
    experiment = tmp_path / "one.toml"
    experiment.write_text(f'[data]\ncohort = "{path}"\n[generator]\nfamily = "copula"\n[evaluation]\nonly = ["tstr"]\n')
    out = cohortsmith("run", experiment, "--runs", tmp_path / "runs")
    assert out.code == 0, out.err
    (run,) = (tmp_path / "runs").glob("*-one-*")
    out = cohortsmith("audit", run, "--out", tmp_path / "audit")
    assert out.code in (0, 1, 3), out.err
    assert (tmp_path / "audit" / "audit.json").is_file()


def test_a_study_of_classifiers_refuses_one_class(tmp_path: Path, cohortsmith: Callable[..., Any]) -> None:
    path = table(tmp_path / "one.csv", 90)
    grid = tmp_path / "grid.toml"
    grid.write_text(f'labelled = ["full"]\n[data.one]\ncohort = "{path}"\n[classifiers.supervised]\n')
    out = cohortsmith("utility", grid, "--out", tmp_path / "out")
    assert out.code == 2
    assert "[data.one] holds one class, and a classifier needs two" in out.err
