"""Experiments from TOML: exact keys, resolved configuration, run folders that are whole."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.app.config.experiment import read_experiment, toml_of
from cohortsmith.data import DataError, read_cohort

if TYPE_CHECKING:
    from pathlib import Path


def experiment(folder: Path, text: str) -> Path:
    path = folder / "trial.toml"
    path.write_text(text)
    return path


def small(patients: Path) -> str:
    cohort = json.dumps(str(patients))
    return (
        f"seed = 3\n[data]\ncohort = {cohort}\n[generator]\nfamily = 'diffusion'\n"
        "settings = { steps = 20, validation = 0 }\n"
        "[training]\ndevice = 'cpu'\n[sample]\nper_class = 30\n[evaluation]\nonly = ['wasserstein', 'js_divergence']\n"
    )


def test_what_cards_state_is_read_and_kept_only_where_it_is_stated(tmp_path: Path) -> None:
    plain = "[data]\ncohort='x'\n[generator]\nfamily='mvn'\n"
    silent = read_experiment(experiment(tmp_path, plain))
    assert "release" not in silent.resolved()
    stated = read_experiment(experiment(tmp_path, plain + "[release]\nlicence='CC0'\n"))
    assert stated.resolved()["release"]["licence"] == "CC0"
    assert stated.digest() != silent.digest()
    (tmp_path / "trial.toml").write_text(toml_of(stated))
    assert read_experiment(tmp_path / "trial.toml") == stated


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[data]\ncohort='x'\nlabell='y'\n[generator]\nfamily='mvn'", "labell.*did you mean 'label'"),
        ("[data]\ncohort='x'\n[generator]\nfamily='mvn'\n[trainning]\n", "trainning.*'training'"),
        ("[data]\ncohort='x'", r"generator is missing.*\[generator\]"),
        ("[data]\n[generator]\nfamily='mvn'", r"\[data\] cohort is missing"),
        ("[data]\ncohort='x'\nholdout='a lot'\n[generator]\nfamily='mvn'", "holdout: a number was expected"),
        ("[data]\ncohort='x'\nimpute=1\n[generator]\nfamily='mvn'", "impute: true or false"),
        ("seed=true\n[data]\ncohort='x'\n[generator]\nfamily='mvn'", "seed: a whole number"),
        ("[data]\ncohort='x'\nscale='log10'\n[generator]\nfamily='mvn'", "scale: one of counts, linear, log"),
        ("name='a/b'\n[data]\ncohort='x'\n[generator]\nfamily='mvn'", "name: "),
        ("[data\n", "not valid TOML"),
    ],
)
def test_wrong_experiment_says_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_experiment(experiment(tmp_path, text))


def test_dry_run_prints_every_value_and_does_nothing(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    path = experiment(tmp_path, small(patients))
    done = cohortsmith("run", path, "--runs", tmp_path / "runs", "--dry-run")
    assert done.code == 0, done.err
    resolved = json.loads(done.out)
    assert resolved["data"]["holdout"] == 0.3
    assert resolved["training"]["precision"] == "auto"
    assert resolved["name"] == "trial"
    assert not (tmp_path / "runs").exists()


def test_dry_run_finds_what_a_run_would_stumble_over(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    for old, new, word in (
        ("diffusion", "difusion", "diffusion"),
        ("steps", "stepps", "steps"),
        ("per_class = 30", "per_class = 30\nn = 5", "at most one"),
        ("'wasserstein'", "'waserstein'", "wasserstein"),
    ):
        path = experiment(tmp_path, small(patients).replace(old, new))
        done = cohortsmith("run", path, "--dry-run")
        assert done.code == 2
        assert word in done.err


def test_run_folder_holds_everything_and_is_found_again(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    runs = tmp_path / "runs"
    done = cohortsmith("run", experiment(tmp_path, small(patients)), "--runs", runs)
    assert done.code == 0, done.err
    (folder,) = runs.iterdir()
    assert re.fullmatch(r"\d{8}T\d{6}Z-trial-[0-9a-f]{8}", folder.name)
    assert done.out.splitlines()[-1] == str(folder / "report.html")
    names = ["config.json", "environment.json", "metrics.json", "model", "report.html", "synthetic.csv", "train.jsonl"]
    assert sorted(entry.name for entry in folder.iterdir()) == names
    config = json.loads((folder / "config.json").read_text())
    assert config["seed"] == 3
    assert config["generator"]["settings"]["steps"] == 20
    assert [m["name"] for m in json.loads((folder / "metrics.json").read_text())["metrics"]]
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 20
    synthetic = read_cohort(folder / "synthetic.csv", scale="counts", part=True)
    assert set(synthetic.class_counts().values()) == {30}

    listed = json.loads(cohortsmith("runs", "list", "--runs", runs, "--json").out)
    assert [row["run"] for row in listed] == [folder.name]
    assert folder.name in cohortsmith("runs", "show", "trial", "--runs", runs).out
    shown = json.loads(cohortsmith("runs", "show", folder.name, "--runs", runs, "--json").out)
    assert shown["config"] == config
    missed = cohortsmith("runs", "show", "trail", "--runs", runs)
    assert missed.code == 2
    # The model of the run is one that `sample` takes.
    assert cohortsmith("sample", folder / "model", "--n", 5, "--out", tmp_path / "more.csv").code == 0


def test_run_that_fails_leaves_nothing(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    text = small(patients).replace("per_class = 30", "counts = { nobody = 3 }")
    done = cohortsmith("run", experiment(tmp_path, text), "--runs", tmp_path / "runs")
    assert done.code == 2
    assert "nobody" in done.err
    assert not list((tmp_path / "runs").glob("*"))
