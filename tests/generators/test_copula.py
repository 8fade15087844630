"""`Copula`: correlations, marginals and modes of train; what it tells, saves and refuses; private fits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith import Copula, load
from cohortsmith.data import DataError
from cohortsmith.generators import Diffusion, make_generator

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.data import Cohort


def test_correlations_within_classes_are_those_of_train(correlated: Cohort) -> None:
    sample = Copula().fit(correlated, seed=0).sample({"class-A": 2000, "class-B": 2000}, seed=1)
    apart = [
        np.corrcoef(sample.x[sample.y == label].T) - np.corrcoef(correlated.x[correlated.y == label].T)
        for label in (0, 1)
    ]
    assert np.abs(np.mean(apart, axis=0)).mean() < 0.1
    for label in (0, 1):
        own, real = sample.x[sample.y == label], correlated.x[correlated.y == label]
        np.testing.assert_allclose(own.mean(axis=0), real.mean(axis=0), atol=0.3)
        np.testing.assert_allclose(own.std(axis=0), real.std(axis=0), rtol=0.25)


def test_what_it_keeps_is_told_and_saved(correlated: Cohort, tmp_path: Path) -> None:
    model = Copula().fit(correlated, seed=0)
    assert set(model.summary["keeps"]) == {"detail", "attack", "limit"}
    assert model.summary["keeps"]["limit"] == 0.6
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.sample(30, seed=4).digest() == model.sample(30, seed=4).digest()
    assert again.summary["keeps"] == model.summary["keeps"]


def test_a_network_that_learns_nothing_is_the_copula_and_says_so(correlated: Cohort, tmp_path: Path) -> None:
    model = Diffusion(steps=20, width=16, depth=1, learning_rate=1e-9).fit(correlated, seed=0)
    assert model.networks == {}
    assert model.summary["best_step"] == 0
    assert "the network adds nothing here: `copula` is as good" in model.summary["remarks"][-1]
    assert model.summary["gain"] == pytest.approx(0, abs=1e-3)
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").sample(9, seed=1).digest() == model.sample(9, seed=1).digest()
    copula = Copula().fit(correlated, seed=0).sample({"class-A": 3000}, seed=1).x
    np.testing.assert_allclose(
        np.corrcoef(model.sample({"class-A": 3000}, seed=1).x.T), np.corrcoef(copula.T), atol=0.12
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"leak": "some"}, "leak must be"),
        ({"leak": -0.1}, "leak must be"),
        ({"modes": 0}, "modes must be"),
        ({"dp_epsilon": -1.0}, "dp_epsilon must be above 0"),
        ({"dp_epsilon": 1.0, "leak": 0.7}, "leak is not for fits with dp_epsilon"),
        ({"rank": 5}, "rank is for fits with dp_epsilon"),
        ({"dp_epsilon": 1.0, "dp_delta": 2.0}, "dp_delta must be a small probability"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        make_generator("copula", **settings)


def test_a_private_copula_spends_its_budget_and_no_more(correlated: Cohort, tmp_path: Path) -> None:
    stated = replace(correlated, provenance={**correlated.provenance, "scale_from": "stated"})
    model = Copula(dp_epsilon=5.0, dp_bounds=(-5.0, 20.0)).fit(stated, seed=0)
    told = model.summary["privacy"]
    assert 4.8 < told["epsilon_spent"] <= 5
    assert told["unit"] == "patient"
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").sample(9, seed=1).digest() == model.sample(9, seed=1).digest()
    # Two fits differ, though the seed is one: the noise is secret.
    other = Copula(dp_epsilon=5.0, dp_bounds=(-5.0, 20.0)).fit(stated, seed=0)
    assert other.sample(9, seed=1).digest() != model.sample(9, seed=1).digest()
    guessed = replace(correlated, provenance={**correlated.provenance, "scale_from": "values"})
    with pytest.raises(DataError, match="the scale must be stated"):
        Copula(dp_epsilon=5.0).fit(guessed)
