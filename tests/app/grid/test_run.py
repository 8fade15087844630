"""`cohortsmith utility`: a tidy table, the same after a stop and on other workers, and nobody sees who is held out."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from cohortsmith.app.grid import jobs as grid_jobs
from cohortsmith.app.grid.run import carry_out_grid
from cohortsmith.data import DataError
from cohortsmith.generators import MVN
from cohortsmith.ssl_models.classifier import Classifier
from cohortsmith.ssl_models.loading import load
from tests.app.grids import KEYS, TINY, grid, same, toml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cohortsmith.app.config.grid import Arm, PretextSet
    from cohortsmith.app.grid.jobs import GridStudy
    from cohortsmith.data import Cohort


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, patients: Path) -> tuple[Path, pd.DataFrame]:
    """The small grid, carried out: its folder and its rows."""
    folder = tmp_path_factory.mktemp("grid")
    carried = carry_out_grid(grid(folder, patients), folder / "out")
    assert carried.failed == []
    return folder / "out", carried.rows


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, patients: Path) -> pd.DataFrame:
    """Rows of the tiny grid, carried out in this process."""
    folder = tmp_path_factory.mktemp("tiny")
    return carry_out_grid(grid(folder, patients, TINY), folder / "out").rows


def test_table_is_tidy(done: tuple[Path, pd.DataFrame]) -> None:
    folder, rows = done
    assert not rows.duplicated(KEYS).any()
    same(rows, pd.read_parquet(folder / "results.parquet"))
    same(rows, pd.read_parquet(folder / "rows"))  # what is there before the end is a table too
    whole = rows[rows["label"] == ""]
    assert set(whole["part"]) == {"validation", "test"}
    assert set(rows["label"]) == {"", "class-A", "class-B"}
    assert (whole[whole["part"] == "test"]["n"] == 45).all()
    assert (rows["n_labelled"] == 30).all()
    real = whole[(whole["family"] == "") & (whole["part"] == "test")]
    assert set(real["ratio"]) == {"0"}
    assert set(real["role"]) == set(real["learn_from"]) == {""}
    assert real.groupby(["classifier", "seed"]).size().eq(1).all()
    assert set(whole["ratio"]) == {"0", "1", "balance"}
    assert dict(zip(rows["classifier"], rows["pretext"], strict=True)) == {
        "supervised": "", "masked": "masked", "frozen": "masked", "together": "masked", "together (weighted)": "masked",
    }  # fmt: skip
    by_class = rows[(rows["part"] == "test") & (rows["label"] != "")]
    means = by_class.groupby(KEYS[:-2])["accuracy"].mean()
    told = whole[whole["part"] == "test"].set_index(KEYS[:-2])["mean_class_accuracy"]
    assert np.allclose(means.sort_index(), told.sort_index())
    confusion = np.array([np.stack(one) for one in whole["confusion"]])
    assert (confusion.sum(axis=(1, 2)) == whole["n"]).all()


def test_every_arm_takes_as_many_steps(done: tuple[Path, pd.DataFrame]) -> None:
    folder, rows = done
    steps = rows.groupby("classifier")["steps"].unique().map(list).to_dict()
    assert steps["supervised"] == [5]
    assert steps["masked"] == steps["frozen"] == [3 * 2]  # 3 epochs of 30 real patients, 16 at a time
    assert steps["together"] == [11]
    pretexts = {load(path).summary["pretext"]["steps"] for path in (folder / "pretext").iterdir()}
    assert pretexts == {2 * 3}  # 2 epochs of the 84 real patients of train, 32 at a time
    assert len(list((folder / "pretext").iterdir())) == 8


def test_folder_says_what_was_done(done: tuple[Path, pd.DataFrame]) -> None:
    folder, rows = done
    config = json.loads((folder / "grid.json").read_text())
    assert config["virtual"]["roles"] == ["labelled", "unlabelled", "both", "alone"]
    assert config["cohorts"]["sim"]["samples"] == 150
    assert json.loads((folder / "failed.json").read_text()) == []
    page = (folder / "report.html").read_text()
    assert "together (weighted)" in page
    verdicts = pd.DataFrame(json.loads((folder / "verdicts.json").read_text()))
    assert set(verdicts["against"]) == {"real only", "strongest"}
    assert set(verdicts["label"]) == {"", "class-A", "class-B"}
    assert set(verdicts["verdict"]) <= {"helps", "hurts", "no evidence"}
    assert set(verdicts["seeds"]) == {2}
    names = {path.stem for path in (folder / "rows").iterdir()}
    assert names >= {path.stem for path in (folder / "probabilities").iterdir()}
    (facts,) = {path.read_text() for path in (folder / "virtual").glob("*s0*/facts.json")}
    assert json.loads(facts)["learnt_from"] == 30


def test_fusion_is_the_product(tmp_path: Path, patients: Path, done: tuple[Path, pd.DataFrame]) -> None:
    folder, rows = done
    test = grid_jobs.GridStudy(grid(tmp_path, patients), folder).parts("sim", 1).test
    files = [next(folder.glob(f"probabilities/sim-30-{name}-s1-*")) for name in ("supervised", "masked")]
    product = load_file(files[0])["test"] * load_file(files[1])["test"]
    product /= product.sum(axis=1, keepdims=True)
    brier = ((product - np.eye(2)[test.y]) ** 2).sum(axis=1).mean()
    told = rows.set_index(KEYS)["brier"]
    assert told["sim", "30", "", "", "0", "", "together", 1, "test", ""] == pytest.approx(brier)


def test_goes_on_where_it_was_stopped(
    tmp_path: Path, patients: Path, done: tuple[Path, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = grid(tmp_path, patients)
    make, made = grid_jobs.make_rows, list[str]()

    def stopped(study: GridStudy, arm: Arm, pretext: PretextSet | None) -> list[str]:
        if len(made) == 12:
            raise KeyboardInterrupt
        made.append(arm.name)
        return make(study, arm, pretext)

    monkeypatch.setattr(grid_jobs, "make_rows", stopped)
    with pytest.raises(KeyboardInterrupt):
        carry_out_grid(asked, tmp_path / "out")
    assert len(pd.read_parquet(tmp_path / "out" / "rows")["classifier"]) == 12 * 6
    assert not (tmp_path / "out" / "results.parquet").exists()
    left = tmp_path / "out" / "rows" / ".half.parquet.1.tmp"
    left.write_text("cut short")

    def again(study: GridStudy, arm: Arm, pretext: PretextSet | None) -> list[str]:
        assert arm.name not in made
        return make(study, arm, pretext)

    def never(*arguments: object) -> list[str]:
        raise AssertionError("made before")

    for name in ("make_virtual", "make_pretext"):
        monkeypatch.setattr(grid_jobs, name, never)
    monkeypatch.setattr(grid_jobs, "make_rows", again)
    same(carry_out_grid(asked, tmp_path / "out").rows, done[1])
    assert not left.exists()


def test_another_grid_does_not_go_on_in_the_same_folder(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    out = tmp_path / "out"
    path = toml(tmp_path, patients, TINY)
    first = cohortsmith("utility", path, "--out", out)
    assert first.code == 0, first.err
    assert first.out.splitlines()[-1] == str(out / "report.html")
    told = cohortsmith("utility", path, "--out", out, "--json")
    assert told.code == 0
    assert "classifiers: 4 of 4 were done before" in told.err
    assert {one["against"] for one in json.loads(told.out)["verdicts"]} == {"real only", "strongest"}
    other = cohortsmith("utility", toml(tmp_path, patients, TINY.replace("steps = 5", "steps = 6")), "--out", out)
    assert other.code == 2
    assert "another grid: it differs in classifiers;" in other.err.splitlines()[-1]
    (tmp_path / "fewer.csv").write_text("\n".join(patients.read_text().splitlines()[:-1]) + "\n")
    moved = cohortsmith("utility", toml(tmp_path, tmp_path / "fewer.csv", TINY), "--out", out)
    assert "differs in data, cohorts;" in moved.err


def test_more_seeds_and_labels_join_what_is_done(
    tmp_path: Path, patients: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = TINY.replace("labelled = [30]", "seeds = [1, 0]\nlabelled = [40, 30]")
    whole = carry_out_grid(grid(tmp_path, patients, more), tmp_path / "whole").rows
    first = carry_out_grid(grid(tmp_path, patients, TINY), tmp_path / "out").rows
    capsys.readouterr()
    same(carry_out_grid(grid(tmp_path, patients, more), tmp_path / "out").rows, whole)
    assert "classifiers: 4 of 16 were done before" in capsys.readouterr().err
    same(carry_out_grid(grid(tmp_path, patients, TINY), tmp_path / "out").rows, first)


def test_a_done_grid_is_judged_by_another_metric(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    out = tmp_path / "out"
    assert cohortsmith("utility", toml(tmp_path, patients, TINY), "--out", out).code == 0
    assert "of accuracy over" in (out / "report.html").read_text()
    asked = toml(tmp_path, patients, f'metric = "mean_class_accuracy"\n{TINY}')
    told = cohortsmith("utility", asked, "--out", out)
    assert told.code == 0, told.err
    assert "classifiers: 4 of 4 were done before" in told.err
    assert "mean class" in told.out
    assert "of mean class accuracy over" in (out / "report.html").read_text()
    classes = [one for one in json.loads((out / "verdicts.json").read_text()) if one["label"]]
    assert {one["metric"] for one in classes} == {"mean_class_accuracy"}


def test_nobody_sees_who_is_held_out(tmp_path: Path, patients: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cohortsmith.app.grid.arms import labelled_part, parts_of
    from cohortsmith.app.workspace.cohorts import read

    text = TINY.replace('["mvn"]', '["mvn"]\nroles = ["both"]\nlearn_from = ["labelled", "pseudo-labelled"]')
    asked = grid(tmp_path, patients, text)
    parts = parts_of(read(asked.data["sim"]), asked.data["sim"], 0)
    labelled = set(map(str, labelled_part(parts.train, "30", 0).ids))
    train, held = set(map(str, parts.train.ids)), set(map(str, parts.validation.ids.union(parts.test.ids)))
    seen: dict[str, list[set[str]]] = {"generator": [], "pretext": [], "classifier": []}
    rest = train - labelled

    def watched(where: str, real: Any) -> Any:
        def call(self: Any, cohort: Cohort, **options: Any) -> Any:
            ids = set(map(str, cohort.ids))
            assert not ids & held
            if where == "pretext":
                assert options.get("validation") is None
            if where == "classifier":
                assert not ids & rest
            seen[where].append({name for name in ids if name in train})
            return real(self, cohort, **options)

        return call

    monkeypatch.setattr(MVN, "fit", watched("generator", MVN.fit))
    monkeypatch.setattr(Classifier, "pretrain", watched("pretext", Classifier.pretrain))
    monkeypatch.setattr(Classifier, "fit", watched("classifier", Classifier.fit))
    assert carry_out_grid(asked, tmp_path / "out").failed == []
    assert seen["generator"] == [labelled, train]
    assert seen["pretext"] == [train] * 3
    assert seen["classifier"] == [labelled] * 5  # one of them to label the rest; no role both without a pretext
    assert len(labelled) == 30


def test_classes_of_the_rest_are_predicted_not_read(tmp_path: Path, patients: Path) -> None:
    from dataclasses import replace

    from cohortsmith.app.grid.arms import labelled_part

    study = grid_jobs.GridStudy(grid(tmp_path, patients, TINY), tmp_path)
    train = study.parts("sim", 0).train
    labelled = labelled_part(train, "30", 0)
    hidden = np.where(train.ids.isin(labelled.ids), train.y, 1 - train.y)
    one, other = (
        grid_jobs.pseudo_labelled(study, each, labelled, 0)
        for each in (train, replace(train, y=hidden.astype(np.int64)))
    )
    assert one.digest() == other.digest()
    assert len(one) == len(train)
    assert one.take(np.arange(30)).digest() == labelled.digest()


def test_workers_find_files_from_another_folder(
    tmp_path: Path, patients: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    shutil.copy(patients, tmp_path / "here.csv")
    monkeypatch.chdir(tmp_path)
    study = grid_jobs.GridStudy(grid(tmp_path, "here.csv", TINY), tmp_path / "out")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(study.parts("sim", 0).train) == 84
    named = grid_jobs.GridStudy(grid(tmp_path, "simulated-expression", TINY), tmp_path / "out")
    assert named.part("sim") == named.grid.data["sim"]


def test_an_arm_that_fails_leaves_the_others(
    tmp_path: Path, patients: Path, cohortsmith: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = MVN._fit

    def fails(self: MVN, cohort: Cohort, seed: int, runtime: Any) -> None:
        if len(cohort) < 10:
            raise DataError("mvn needs more patients")
        learn(self, cohort, seed, runtime)

    monkeypatch.setattr(MVN, "_fit", fails)
    text = TINY.replace("[30]", "[6, 40]").replace('["mvn"]', '["mvn"]\nroles = ["labelled", "unlabelled"]')
    done = cohortsmith("utility", toml(tmp_path, patients, text), "--out", tmp_path / "out")
    assert done.code == 1
    (line,) = [line for line in done.err.splitlines() if line.startswith("failed: ")]
    assert "mvn needs more patients" in line
    failed = json.loads((tmp_path / "out" / "failed.json").read_text())
    assert [(row["stage"], row["labelled"], row["role"] if "role" in row else "") for row in failed] == [
        ("virtual patients", "6", ""),
        ("pretexts", "6", "unlabelled"),
        ("classifiers", "6", "labelled"),
        ("classifiers", "6", "labelled"),
        ("classifiers", "6", "unlabelled"),
    ]
    assert all("more patients" in row["reason"] for row in failed)
    rows = pd.read_parquet(tmp_path / "out" / "results.parquet")
    assert set(rows.loc[rows["labelled"] == "6", "family"]) == {""}
    assert set(rows.loc[rows["labelled"] == "40", "family"]) == {"", "mvn"}
    assert done.out.splitlines()[-1].endswith("report.html")


def test_a_class_of_one_labelled_patient_gets_no_virtual_ones_and_is_told(
    tmp_path: Path, patients: Path, cohortsmith: Any
) -> None:
    """Two of a class are enough for a generator that nobody saves."""
    done = cohortsmith("utility", toml(tmp_path, patients, TINY.replace("[30]", "[3]")), "--out", tmp_path / "out")
    assert done.code == 0
    (line,) = [line for line in done.err.splitlines() if line.startswith("warning: ")]
    assert "no virtual patients of" in line
    assert "mvn cannot learn one patient" in line
    (facts,) = (tmp_path / "out" / "virtual").glob("*/facts.json")
    made = json.loads(facts.read_text())["patients"]
    assert sorted(made.values()) == [0, 2]


def test_a_pretext_of_another_architecture_is_told(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    import shutil

    out, path = tmp_path / "out", toml(tmp_path, patients, TINY)
    assert cohortsmith("utility", path, "--out", out).code == 0
    other = toml(
        tmp_path,
        patients,
        TINY.replace('"masked"\nbackbone_settings = { widths = [8', '"masked"\nbackbone_settings = { widths = [9'),
    )
    assert cohortsmith("utility", other, "--out", tmp_path / "other").code == 0
    (mine,), (theirs,) = ((folder / "pretext").iterdir() for folder in (out, tmp_path / "other"))
    shutil.rmtree(mine)
    shutil.copytree(theirs, mine)
    for rows in (out / "rows").glob("sim-30-masked-*"):
        rows.unlink()
    done = cohortsmith("utility", toml(tmp_path, patients, TINY), "--out", out)
    assert done.code == 1
    failed = [line for line in done.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 2
    assert all("another architecture" in line and "widths" in line for line in failed)


def test_images(tmp_path: Path, cohortsmith: Any) -> None:
    cells = tmp_path / "cells.npz"
    assert cohortsmith("data", "simulate", "simulated-cells", "--n", 160, "--classes", 2, "--out", cells).code == 0
    text = TINY.replace("[30]", '["half"]').replace("backbone_settings = { widths = [8, 8, 8] }", "")
    text = text.replace('"masked"', '"rotation"\nbackbone = "small-cnn"').replace("steps = 5", "steps = 2")
    done = cohortsmith("utility", toml(tmp_path, cells, text), "--out", tmp_path / "out")
    assert done.code == 0, done.err
    rows = pd.read_parquet(tmp_path / "out" / "results.parquet")
    assert set(rows["family"]) == {"", "mvn"}
    assert set(rows["pretext"]) == {"", "rotation"}
    assert set(rows["steps"]) == {2}


@contextmanager
def dask_cluster(file: Path) -> Iterator[str]:
    """Address of a scheduler with two workers, programs of their own as on a cluster."""
    distributed: Any = pytest.importorskip("distributed")
    called = [sys.executable, "-m", "dask"]
    own = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]
    programs = [
        subprocess.Popen([*called, which, *own, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for which, options in (("scheduler", ["--port", "0"]), ("worker", ["--nworkers", "2", "--nthreads", "1"]))
    ]
    try:
        with distributed.Client(scheduler_file=str(file), timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
            address: str = client.scheduler.address
        yield address
    finally:
        for program in reversed(programs):  # workers that have lost their scheduler look for it a while
            program.terminate()
            program.wait(60)


@pytest.mark.slow
def test_two_dask_workers_give_the_same_rows(
    tmp_path: Path, patients: Path, tiny: pd.DataFrame, cohortsmith: Any
) -> None:
    with dask_cluster(tmp_path / "scheduler.json") as address:
        line = ["utility", toml(tmp_path, patients, TINY), "--out", tmp_path / "out", "--cluster"]
        done = cohortsmith(*line, address)
    assert done.code == 0, done.err
    assert "2 workers at tcp://" in done.err
    same(pd.read_parquet(tmp_path / "out" / "results.parquet"), tiny)


def test_a_cluster_must_answer_and_give_each_job_a_process(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    distributed: Any = pytest.importorskip("distributed")
    line = ["utility", toml(tmp_path, patients, TINY), "--out", tmp_path / "out", "--cluster"]
    nowhere = cohortsmith(*line, "no-such-protocol://nowhere:1")
    assert nowhere.code == 2
    assert "no dask scheduler answers" in nowhere.err.splitlines()[-1]
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        threads = cohortsmith(*line, cluster.scheduler_address)
    assert threads.code == 2
    assert "--nthreads 1" in threads.err.splitlines()[-1]


def test_loky_workers_give_the_same_rows(tmp_path: Path, patients: Path, tiny: pd.DataFrame) -> None:
    same(carry_out_grid(grid(tmp_path, patients, TINY), tmp_path / "out", jobs=2).rows, tiny)
