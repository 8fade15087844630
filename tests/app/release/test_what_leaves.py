"""What leaves with a release is the cohort that was audited, written anew, of the model that it was drawn from."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from cohortsmith.app.release.audit_case import case_of_run
from cohortsmith.app.release.samples import written_anew
from cohortsmith.data import read_cohort, simulate

if TYPE_CHECKING:
    from pathlib import Path


def refused(done: Any, *words: str) -> None:
    assert done.code == 2, (done.out, done.err)
    (line,) = [line for line in done.err.splitlines() if line.startswith("error: ")]
    for word in words:
        assert word in line


def test_a_model_put_in_the_place_of_the_runs_own_is_refused(work: Path, tmp_path: Path, cohortsmith: Any) -> None:
    run = shutil.copytree(work / "run-mvn", tmp_path / "runs" / "mine")
    other = ("fit", work / "patients.csv", "--family", "mvn", "--seed", 7, "--out", tmp_path / "other")
    assert cohortsmith(*other).code == 0
    shutil.rmtree(run / "model")
    out = ("--out", tmp_path / "out")
    for command in ("audit", "release"):
        refused(cohortsmith(command, run, *out), "mine: the model that the samples were drawn from is gone")
    shutil.copytree(tmp_path / "other", run / "model")
    for command in ("audit", "release"):
        refused(cohortsmith(command, run, *out), "is not the model that the samples were drawn from")
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"model": ""}))
    refused(cohortsmith("audit", run, *out), "no digest of the model")
    assert not (tmp_path / "out").exists()


def with_columns(run: Path, **columns: list[str]) -> None:
    table = pd.read_csv(run / "synthetic.csv")
    for at, (name, values) in enumerate(columns.items()):
        table.insert(2 + at, name, values)
    table.to_csv(run / "synthetic.csv", index=False, float_format="%.9g")


def test_ids_and_columns_that_came_along_stay_behind(work: Path, tmp_path: Path, cohortsmith: Any) -> None:
    run = shutil.copytree(work / "run-mvn", tmp_path / "runs" / "mine")
    with_columns(run, sex=["f", "m"] * 140)
    table = pd.read_csv(run / "synthetic.csv")
    table.iloc[:, 0] = [f"ward-{row * 3}" for row in range(len(table))]
    table.to_csv(run / "synthetic.csv", index=False)
    done = cohortsmith("release", run, "--policy", work / "easy.toml", "--out", tmp_path / "out")
    assert done.code == 0, (done.out, done.err)
    assert (tmp_path / "out" / "synthetic.csv").read_bytes() == (work / "run-mvn" / "synthetic.csv").read_bytes()
    told = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert any("column 'sex' beside the measurements" in one["what"] for one in told["artefacts"])
    assert cohortsmith("verify", tmp_path / "out").code == 0


@pytest.fixture(scope="session")
def of_h5ad(work: Path, tmp_path_factory: pytest.TempPathFactory, cohortsmith: Any) -> Path:
    """A run whose samples are an AnnData file."""
    folder = tmp_path_factory.mktemp("h5ad")
    line = ("data", "simulate", "simulated-expression", "--n", 400, "--genes", 10, "--classes", 2)
    assert cohortsmith(*line, "--out", folder / "patients.h5ad").code == 0
    text = (work / "mvn.toml").read_text().replace("patients.csv", "patients.h5ad").replace(str(work), str(folder))
    (folder / "mvn.toml").write_text(text)
    done = cohortsmith("run", folder / "mvn.toml", "--runs", folder / "runs", "--json")
    assert done.code == 0, done.err
    return folder / "runs" / str(json.loads(done.out)["run"]).rsplit("/", 1)[-1]


def test_a_layer_of_patients_beside_the_samples_fails_by_name(
    of_h5ad: Path, work: Path, tmp_path: Path, cohortsmith: Any
) -> None:
    import anndata

    run = shutil.copytree(of_h5ad, tmp_path / "runs" / "mine")
    case = case_of_run(str(run))
    file = anndata.read_h5ad(run / "synthetic.h5ad")
    file.layers["private"] = np.resize(case.train.x, file.X.shape)
    file.write_h5ad(run / "synthetic.h5ad")
    policy = ("--policy", work / "easy.toml", "--out", tmp_path / "out")
    audited = cohortsmith("audit", run, *policy, "--json")
    assert audited.code == 1
    (row,) = [row for row in json.loads(audited.out)["criteria"] if row["name"] == "artefacts"]
    assert "layers/private" in row["note"]
    shutil.rmtree(tmp_path / "out")
    done = cohortsmith("release", run, *policy, "--force")
    assert done.code == 1
    assert "'layers/private' that is not read as part of the cohort" in done.err
    assert not (tmp_path / "out").exists()


def test_a_release_of_an_h5ad_is_read_back_as_it_was_audited(
    of_h5ad: Path, work: Path, tmp_path: Path, cohortsmith: Any
) -> None:
    run = shutil.copytree(of_h5ad, tmp_path / "runs" / "mine")
    done = cohortsmith("release", run, "--policy", work / "easy.toml", "--out", tmp_path / "out")
    assert done.code == 0, (done.out, done.err)
    assert sorted(path.name for path in (tmp_path / "out").glob("synthetic*")) == ["synthetic.h5ad"]
    sides = [read_cohort(folder / "synthetic.h5ad", part=True) for folder in (run, tmp_path / "out")]
    assert sides[0].digest() == sides[1].digest()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("simulated-expression", "made.csv"),
        ("simulated-expression", "made.parquet"),
        ("simulated-expression", "made.h5ad"),
        ("tp53-cohort", "made.fasta"),
        ("simulated-cells", "made.npz"),
        ("simulated-cells", "made"),
    ],
)
def test_samples_of_every_kind_are_written_anew_without_their_ids(kind: str, name: str, tmp_path: Path) -> None:
    cohort = simulate(kind, 40, seed=0)
    cohort = replace(cohort, obs=cohort.obs.assign(remark="seen on Tuesday"))
    written_anew(cohort, tmp_path / name, 3)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"Tuesday" in path.read_bytes() for path in files)
    again = read_cohort(tmp_path / name, part=True)
    assert len(again) == len(cohort)
    assert set(again.obs.columns) <= {"split"}
    assert not set(map(str, again.ids)) & set(map(str, cohort.ids))
    assert np.array_equal(np.sort(again.labels), np.sort(cohort.labels))
