"""Models and runs saved by the first version, one folder each under `tests/saved`, are still read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cohortsmith import load
from cohortsmith.data import DataError
from cohortsmith.generators.neural import NeuralGenerator
from cohortsmith.ssl_models import load as load_classifier
from tests.contracts.cohorts import cohort_of

if TYPE_CHECKING:
    from collections.abc import Callable

SAVED = Path(__file__).resolve().parents[1] / "saved"
OF_ANOTHER_CODEC = "diffusion-expression"  # networks of expression now start as a copula
MODELS = sorted({path.parent.name for path in SAVED.glob("*/model.json")} - {OF_ANOTHER_CODEC})


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_samples_what_it_did(name: str) -> None:
    model = load(SAVED / name)
    sample = model.sample({"class-A": 3, "class-C": 2}, seed=1)
    assert sample.class_counts() == {"class-A": 3, "class-B": 0, "class-C": 2}
    kept = SAVED / f"{name}.npz"
    if kept.exists():
        with np.load(kept, allow_pickle=False) as before:
            np.testing.assert_allclose(sample.x, before["x"], rtol=1e-3, atol=1e-3)


def test_a_network_of_expression_of_the_first_version_is_to_be_fitted_again() -> None:
    with pytest.raises(DataError, match="of another version; fit it again"):
        load(SAVED / OF_ANOTHER_CODEC)


def test_networks_of_training_are_read_from_old_models_and_not_saved_again(tmp_path: Path) -> None:
    model = load(SAVED / "vae-image")
    assert isinstance(model, NeuralGenerator)
    assert "encoder" in model.networks
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert isinstance(again, NeuralGenerator)
    assert "encoder" not in again.networks
    assert again.sample(9, seed=1).digest() == model.sample(9, seed=1).digest()


def test_a_saved_classifier_is_read() -> None:
    model = load_classifier(SAVED / "classifier-expression")
    proba = model.predict_proba(cohort_of("log-floor"))
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-6)
    assert model.classes == ("class-A", "class-B", "class-C")


def test_a_saved_run_is_listed(cohortsmith: Callable[..., Any]) -> None:
    (run,) = (SAVED / "results").iterdir()
    (entry,) = json.loads(cohortsmith("runs", "list", "--runs", run.parent, "--json").out)
    assert entry["run"] == run.name
    assert entry["state"] == "finished"
