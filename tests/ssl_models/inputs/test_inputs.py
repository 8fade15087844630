"""Inputs: what networks are given of each data kind, and which patients are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from cohortsmith.data import Cohort, DataError, simulate, to_log
from cohortsmith.ssl_models.inputs.tensors import Inputs


def genes(n: int = 50) -> Cohort:
    return simulate("simulated-expression", n, seed=0, genes=8, scale="counts")


def test_genes_are_log_values_with_the_mean_and_spread_of_the_cohort_learned_from() -> None:
    cohort = genes()
    inputs = Inputs.fit(cohort.take(range(40)))
    z = to_log(cohort.x, "counts")
    expected = (z - z[:40].mean(axis=0)) / z[:40].std(axis=0)
    given = inputs.tensor(cohort)
    assert given.dtype == torch.float32
    np.testing.assert_allclose(given.numpy(), expected, atol=1e-4)
    assert torch.equal(inputs.tensor(cohort.x), given)
    assert inputs.shape == (8,)


def test_a_gene_that_stands_still_is_nought_and_one_that_hardly_moves_is_not_blown_up() -> None:
    cohort = replace(genes(), provenance={"scale": "log"})
    x = np.random.default_rng(0).normal(5, 1, cohort.x.shape).astype(np.float32)
    x[:, 0], x[:, 1] = 3.3, 1 + 1e-4 * x[:, 1]
    inputs = Inputs.fit(replace(cohort, x=x))
    later = x.copy()
    later[:, :2] += 1
    given = inputs.tensor(later)
    assert not given[:, 0].any()
    assert given[:, 1].abs().max() < 12
    assert given[:, 2:].abs().max() < 5
    still = inputs.fit(replace(cohort, x=np.full_like(x, 2.0)))
    assert not still.tensor(later).any()


def test_images_stay_bytes_and_their_channels_are_measured() -> None:
    cells = simulate("simulated-cells", 30, seed=0)
    inputs = Inputs.fit(cells)
    given = inputs.tensor(cells)
    assert given.dtype == torch.uint8
    assert given.shape == (30, 3, 28, 28)
    assert inputs.shape == (3, 28, 28)
    np.testing.assert_array_equal(given.numpy().transpose(0, 2, 3, 1), cells.x)
    np.testing.assert_allclose(inputs.tensors["mean"], cells.x.mean(axis=(0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(inputs.tensors["spread"], cells.x.std(axis=(0, 1, 2)), rtol=1e-4)


def test_sequences_stay_codes_and_know_their_consensus() -> None:
    cohort = simulate("tp53-cohort", 20, seed=0)
    x = cohort.x.copy()
    x[:12, 4] = 5  # masked in most: the consensus is what the others say
    x[12:, 4] = 2
    inputs = Inputs.fit(replace(cohort, x=x))
    np.testing.assert_array_equal(inputs.tensor(x).numpy(), x)
    assert inputs.tensors["consensus"][4] == 2
    assert inputs.tensors["consensus"][7] == np.bincount(x[:, 7]).argmax()


def test_patients_unlike_those_learned_from_are_refused() -> None:
    cohort = genes()
    inputs = Inputs.fit(cohort)
    with pytest.raises(DataError, match="expected data of kind 'expression' as in training; this cohort has 'image'"):
        inputs.tensor(simulate("simulated-cells", 30, seed=0))
    with pytest.raises(DataError, match="expected values of scale 'counts' as in training; this cohort has 'log'"):
        inputs.tensor(replace(cohort, provenance={"scale": "log"}))
    turned = replace(cohort, features=cohort.features[::-1])
    with pytest.raises(DataError, match=r"same 8 features in the same order.* in place of "):
        inputs.tensor(turned)
    with pytest.raises(DataError, match=r"same 8 features .* got 7"):
        inputs.tensor(replace(cohort, x=cohort.x[:, :7], features=cohort.features[:7]))
    with pytest.raises(DataError, match="8 values per patient as in training"):
        inputs.tensor(cohort.x[:, :5])
    with pytest.raises(DataError, match="empty"):
        Inputs.fit(cohort.take([]))
