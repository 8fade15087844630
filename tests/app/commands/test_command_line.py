"""Parts of the command line: counts, settings, processes, errors, quick help, cohorts described."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cohortsmith.app.config.key_values import parse_counts, parse_settings
from cohortsmith.app.pipeline.models import balancing_counts
from cohortsmith.app.terminal.console import explain, is_main_process
from cohortsmith.data import DataError

RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID", "SLURM_NTASKS")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=10,B=5", {"A": 10, "B": 5}),
        ("A=0, B=5", {"A": 0, "B": 5}),
        ("stage=II=3", {"stage=II": 3}),
        ("Carcinoma, ductal=4,B=1", {"Carcinoma, ductal": 4, "B": 1}),
    ],
)
def test_counts_are_read(text: str, expected: dict[str, int]) -> None:
    assert parse_counts(text) == expected


@pytest.mark.parametrize("text", ["", "A", "A=", "A=1.5", "A=1,B", "A=-1", "A=1,A=2", "A=0"])
def test_wrong_counts_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="--counts"):
        parse_counts(text)


def test_settings_are_read_as_json_where_they_can_be() -> None:
    words = ["steps=20", "learning-rate=1e-3", "balanced=true", "flag=False", "decay=cosine", "hidden=[64, 32]"]
    expected = {"steps": 20, "learning_rate": 1e-3, "balanced": True, "flag": False, "decay": "cosine"}
    assert parse_settings(words) == expected | {"hidden": [64, 32]}
    assert parse_settings(["sdv-ctgan.epochs=3"]) == {"sdv-ctgan.epochs": 3}


def test_balancing_refuses_what_is_even_already() -> None:
    assert balancing_counts({"A": 5, "B": 2, "C": 5}) == {"B": 3}
    with pytest.raises(DataError, match="nothing to add"):
        balancing_counts({"A": 5, "B": 5})


@pytest.mark.parametrize(
    ("environment", "main"),
    [
        ({}, True),
        ({"LOCAL_RANK": "0", "NODE_RANK": "0"}, True),
        ({"LOCAL_RANK": "1"}, False),
        ({"NODE_RANK": "1"}, False),
        ({"RANK": "0", "LOCAL_RANK": "0"}, True),
        ({"RANK": "3", "LOCAL_RANK": "0"}, False),
        ({"SLURM_PROCID": "2", "SLURM_NTASKS": "4"}, False),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, True),
    ],
)
def test_only_the_first_process_speaks(
    environment: dict[str, str], main: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cohortsmith import training
    from cohortsmith.app.terminal.console import result, say, show

    for name in RANKS:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert is_main_process() is main
    assert training.is_main_process() is main
    for speak in (say, result, show):
        speak("words")
    said = capsys.readouterr()
    assert bool(said.out) is bool(said.err) is main


def test_our_own_faults_keep_their_traceback() -> None:
    assert explain(ValueError("shapes do not match")) is None
    assert explain(KeyError("x")) is None
    assert explain(DataError("two\nlines")) == "two lines"
    assert explain(FileNotFoundError(2, "No such file or directory", "a.csv")) == "No such file or directory: a.csv"


def test_help_is_quick_and_loads_nothing_heavy(root: Path) -> None:
    code = (
        "import sys; from cohortsmith.app.cli import app\n"
        "try: app(['fit', '--help'])\n"
        "except SystemExit as end: code = end.code\n"
        "print('heavy:', sorted({'torch', 'pandas', 'sklearn', 'lightning_fabric'} & set(sys.modules)), code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=60)
    assert done.stdout.splitlines()[-1] == "heavy: [] 0", done.stderr


@pytest.mark.parametrize("words", [["fit"], ["sample"], ["evaluate"], ["compare"], ["run"], ["data", "simulate"]])
def test_every_help_text_has_an_example(words: list[str], cohortsmith: Any) -> None:
    text = cohortsmith(*words, "--help").out
    assert f"cohortsmith {' '.join(words)}" in text.split("Usage:", 1)[1].split("\n", 1)[1] or "cohort = " in text


def test_data_list_names_the_built_in_sets(cohortsmith: Any) -> None:
    names = {entry["name"] for entry in json.loads(cohortsmith("data", "list", "--json").out)}
    assert {"gse7390", "simulated-expression"} <= names
    assert "gse7390" in cohortsmith("data", "list").out


def test_describe_tells_sizes_but_no_value(patients: Path, cohortsmith: Any) -> None:
    done = cohortsmith("data", "describe", patients, "--json")
    facts = json.loads(done.out)
    assert (facts["samples"], facts["features"], facts["scale"]) == (150, 12, "counts")
    assert sum(facts["classes"].values()) == 150
    assert "samples" in cohortsmith("data", "describe", patients).out


def test_get_writes_a_named_set(tmp_path: Path, cohortsmith: Any) -> None:
    pytest.importorskip("sksurv")
    done = cohortsmith("data", "get", "gse7390", "--out", tmp_path / "real.h5ad")
    assert done.code == 0, done.err
    facts = json.loads(cohortsmith("data", "describe", tmp_path / "real.h5ad", "--json").out)
    assert (facts["samples"], facts["features"]) == (198, 76)
    missed = cohortsmith("data", "get", "gse7930", "--out", tmp_path / "x.csv")
    assert missed.code == 2
    assert "gse7390" in missed.err
