"""Traces of the sampler: from noise to the very patients that `sample` gives; other models are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.data import DataError
from cohortsmith.generators import VAE, Diffusion
from cohortsmith.generators.analysis import unfold
from tests.contracts.cohorts import cohort_of

if TYPE_CHECKING:
    from cohortsmith.data import Cohort


def test_a_trace_ends_with_the_sampled_patients(correlated: Cohort) -> None:
    model = Diffusion(steps=5, width=16, depth=1, sampling_steps=4, guidance=2.0, validation=0.0).fit(
        correlated, seed=0
    )
    ways = unfold(model, "class-B", patients=3, seed=1)
    assert [len(way) for way in ways] == [5, 5, 5]
    assert {name for way in ways for name in way.labels} == {"class-B"}
    rng = np.random.default_rng(1)
    groups = model.binding.draw_groups(np.full(3, 1), rng)
    codes = model.binding.sample(model.networks, groups, rng)
    last = model.binding.codec.decode(codes, groups, np.random.default_rng(1))
    assert np.array_equal(np.stack([way.x[-1] for way in ways]), last)
    again = unfold(model, "class-B", patients=3, seed=1)
    assert [way.digest() for way in again] == [way.digest() for way in ways]


def test_what_does_not_go_from_noise_to_a_patient_is_refused(correlated: Cohort) -> None:
    with pytest.raises(DataError, match="vae of expression data does not go from noise to a patient"):
        unfold(VAE(steps=1, width=8, depth=1).fit(correlated, seed=0), "class-A")
    model = Diffusion(steps=1, width=8, depth=1, sampling_steps=2).fit(cohort_of("sequence"), seed=0)
    with pytest.raises(DataError, match="diffusion of sequence data does not go"):
        unfold(model, "class-A")
    model = Diffusion(steps=1, width=8, depth=1, sampling_steps=2).fit(correlated, seed=0)
    with pytest.raises(DataError, match="unknown class"):
        unfold(model, "class-X")
    with pytest.raises(DataError, match="the network of this diffusion adds nothing to the copula"):
        unfold(model, "class-A")
    with pytest.raises(DataError, match="not been fitted"):
        unfold(Diffusion(), "class-A")
