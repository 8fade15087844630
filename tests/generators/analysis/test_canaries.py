"""Canaries: the bound against its formula and against a mechanism of known epsilon; memorisation is detected."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from cohortsmith.data import Cohort, DataError
from cohortsmith.generators import VAE
from cohortsmith.generators.analysis import canaries
from cohortsmith.generators.analysis.canaries import audit, chance_of, epsilon_below, plant
from tests.contracts.cohorts import cohort_of

SMALL: dict[str, Any] = {"width": 64, "depth": 1, "batch_size": 64}


def test_without_delta_guesses_are_no_better_than_randomised_response() -> None:
    right = np.exp(1.0) / (1 + np.exp(1.0))
    assert chance_of(100, 50, 40, 1.0, 0.0) == pytest.approx(stats.binom.sf(39, 50, right))
    assert chance_of(100, 50, 0, 1.0, 0.0) == 1
    assert chance_of(100, 50, 40, 1.0, 1e-3) > chance_of(100, 50, 40, 1.0, 0.0)
    assert chance_of(100, 50, 40, 1.0, 0.5) == 1


def test_the_bound_is_where_the_guesses_become_too_many() -> None:
    low = epsilon_below(200, 100, 85, 1e-5)
    assert 0.9 < low < np.log(85 / 15)
    assert chance_of(200, 100, 85, low, 1e-5) == pytest.approx(0.05, rel=1e-3)
    assert epsilon_below(200, 100, 55, 1e-5) == 0
    assert epsilon_below(200, 100, 100, 1e-5) > epsilon_below(200, 100, 95, 1e-5) > low
    assert epsilon_below(200, 100, 85, 1e-5, confidence=0.99) < low


def test_the_bound_holds_for_randomised_response() -> None:
    rng, epsilon = np.random.default_rng(0), 1.5
    right = rng.binomial(100, np.exp(epsilon) / (1 + np.exp(epsilon)), size=100)
    above = np.mean([epsilon_below(100, 100, int(v), 0.0) > epsilon for v in right])
    assert above <= 0.1, "5 % of 100 runs, within chance"


@pytest.mark.parametrize("kind", ["log-floor", "counts", "image"])
def test_canaries_are_records_of_their_kind_that_nobody_has(kind: str) -> None:
    cohort = cohort_of(kind)
    planted = plant(cohort, 30, np.random.default_rng(0))
    assert len(planted) == len(cohort) + 30
    assert np.array_equal(planted.x[: len(cohort)], cohort.x)
    assert len(np.unique(planted.x[len(cohort) :].reshape(30, -1), axis=0)) == 30
    assert planted.x.dtype == cohort.x.dtype
    assert len(set(planted.subjects[len(cohort) :]) - set(cohort.subjects)) == 30


@pytest.mark.slow
def test_memorisation_is_detected(correlated: Cohort) -> None:
    found = audit("vae", correlated, canaries=120, seed=1, steps=1500, latent_dim=32, validation=0.0, beta=0.1, **SMALL)
    assert (found.canaries, found.guesses) == (120, 60)
    assert found.lower > 0.7
    assert found.claimed == np.inf


def test_a_private_fit_stays_below_its_claim(correlated: Cohort) -> None:
    found = audit("vae", correlated, canaries=60, steps=30, dp_epsilon=2.0, **SMALL)
    assert found.lower <= found.claimed <= 2.0
    assert found.delta == pytest.approx(0.1 / 330, rel=0.1)


def test_the_attackers_word_is_checked(correlated: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    """An oracle for a score gives a bound as high as so many canaries can."""
    known: list[bool] = []

    class Coins:
        def __init__(self) -> None:
            self.rng = np.random.default_rng(3)

        def random(self, n: Any) -> Any:
            drawn = self.rng.random(n)
            if isinstance(n, int):
                known.extend((drawn < 0.5).tolist())
            return drawn

        def __getattr__(self, name: str) -> Any:
            return getattr(self.rng, name)

    coins = Coins()
    monkeypatch.setattr(canaries.np.random, "default_rng", lambda seed: coins)  # type: ignore[attr-defined]
    monkeypatch.setattr(canaries, "losses_of", lambda *given: -np.array(known, dtype=float))
    monkeypatch.setattr(VAE, "fit", lambda self, cohort, **given: self)
    found = audit("vae", correlated, canaries=100)
    assert found.correct == found.guesses == 50
    assert found.lower > 2.5


@pytest.mark.parametrize(
    ("family", "kind", "n"), [("mvn", "counts", 50), ("vae", "sequence", 50), ("vae", "counts", 5)]
)
def test_what_cannot_be_audited_is_refused(family: str, kind: str, n: int) -> None:
    with pytest.raises(DataError, match="canaries"):
        audit(family, cohort_of(kind), canaries=n)
