"""Differential privacy on the command line: the options, what the model folder says, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.app.config import DataPart, Experiment, GeneratorPart
from cohortsmith.app.config.key_values import with_options
from cohortsmith.app.pipeline import check
from cohortsmith.data import DataError, simulate, write_cohort

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TINY = ("--set", "steps=3", "--set", "width=32", "--set", "depth=1", "--set", "batch_size=20")


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    path = tmp_path / "patients.csv"
    write_cohort(simulate("simulated-expression", 60, seed=1, genes=8, scale="log"), path)
    return path


def test_a_private_model_says_what_it_has_spent(
    cohortsmith: Callable[..., Any], patients: Path, tmp_path: Path
) -> None:
    words = (
        "fit",
        patients,
        "--scale",
        "log",
        "--family",
        "vae",
        "--dp-epsilon",
        3,
        "--dp-delta",
        1e-3,
        "--out",
        tmp_path / "model",
    )
    said = cohortsmith(*words, *TINY)
    assert said.code == 0, said.err
    assert "differential privacy: epsilon 2.9" in said.err
    assert "at delta 0.001 for each patient (accountant prv" in said.err
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    assert {"epsilon", "delta", "noise_multiplier", "sample_rate", "steps", "accountant", "unit"} <= set(
        card["summary"]["privacy"]
    )
    assert card["summary"]["privacy"]["epsilon_spent"] <= card["settings"]["dp_epsilon"] == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--family", "mvn", "--dp-epsilon", 1), "mvn has no setting 'dp_epsilon'"),
        (("--family", "vae", "--dp-epsilon", 1, "--set", "dp_epsilon=2"), "--dp-epsilon and --set dp_epsilon are both"),
        (("--family", "vae", "--dp-delta", 1e-5), "dp_delta is a setting of differential privacy"),
        (("--family", "gan", "--dp-epsilon", 1, "--set", "balanced=true"), "every patient is drawn with the same"),
        (("--family", "vae", "--dp-epsilon", 1), "the scale must be stated, as --scale log"),
        (("--family", "vae", "--dp-epsilon", 1, "--impute"), "must not be filled with the medians of these patients"),
    ],
)
def test_bad_options_are_one_line(
    words: tuple[Any, ...], says: str, cohortsmith: Callable[..., Any], patients: Path, tmp_path: Path
) -> None:
    said = cohortsmith("fit", patients, *words, "--out", tmp_path / "model")
    assert said.code == 2
    assert says in said.err.replace("\n", " ")
    assert not (tmp_path / "model").exists()


def test_options_stand_among_the_settings() -> None:
    assert with_options({"steps": 3}, dp_epsilon=1.0, dp_delta=None) == {"steps": 3, "dp_epsilon": 1.0}
    with pytest.raises(DataError, match="--dp-delta and --set dp_delta are both given"):
        with_options({"dp_delta": 0.1}, dp_epsilon=1.0, dp_delta=0.1)


def test_an_experiment_that_fills_in_medians_is_refused_before_its_cohort_is_read() -> None:
    private = GeneratorPart("vae", {"dp_epsilon": 1.0})
    with pytest.raises(DataError, match="must not be filled with the medians of these patients"):
        check(Experiment(DataPart("nowhere.csv", impute=True), private, "private"))
    stated = GeneratorPart("vae", {"dp_epsilon": 1.0, "dp_public_statistics": True})
    check(Experiment(DataPart("nowhere.csv", impute=True), stated, "private"))
    check(Experiment(DataPart("nowhere.csv", impute=True), GeneratorPart("vae"), "plain"))


def test_class_sizes_that_are_printed_are_those_with_noise(
    cohortsmith: Callable[..., Any], patients: Path, tmp_path: Path
) -> None:
    words = ("fit", patients, "--scale", "log", "--family", "vae", "--dp-epsilon", 1, "--out", tmp_path / "model")
    facts = json.loads(cohortsmith(*words, *TINY, "--json").out)
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    assert list(facts["classes"].values()) == card["schema"]["class_counts"]
