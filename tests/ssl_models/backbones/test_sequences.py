"""Backbones of sequences: what a token sees, what all patients share, and classes learned from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cohortsmith.data import DataError, simulate
from cohortsmith.data.nucleotides import MASKED
from cohortsmith.ssl_models import Classifier
from tests.ssl_models.sequence_nets import BACKBONES, alignment, network


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("columns", [9, 40, 45])
def test_tokens_and_features_have_their_shapes(name: str, columns: int) -> None:
    x = alignment(7, columns)
    net = network(name, x)
    assert net.length == -(-columns // net.patch)
    assert net.tokens(x).shape == (7, net.length, net.width)
    assert net(x).shape == (7, net.width)


@pytest.mark.parametrize("name", BACKBONES)
def test_the_layers_hold_every_parameter(name: str) -> None:
    net = network(name, alignment(7, 40))
    held = [id(weight) for layer in net.layers for weight in layer.parameters()]
    assert sorted(held) == sorted(id(weight) for weight in net.parameters())


@pytest.mark.parametrize("name", BACKBONES)
def test_features_are_what_edits_change(name: str) -> None:
    x = alignment(7, 40)
    net = network(name, x)
    wild = net.consensus[None]
    assert torch.equal(net(wild), torch.zeros(1, net.width))
    unread = wild.clone()
    unread[0, 5:20] = MASKED
    assert torch.equal(net(unread), torch.zeros(1, net.width))  # nothing is known of these places
    torch.testing.assert_close(net(x[:1]), net(x)[:1], rtol=1e-4, atol=1e-4)  # whoever else is in the batch
    assert net(x).std(0).min() > 1e-3


@pytest.mark.parametrize("name", BACKBONES)
def test_a_token_sees_every_column_of_its_own(name: str) -> None:
    x = alignment(3, 58)
    net = network(name, x)
    wild = net.tokens(net.consensus[None])[0]
    for column in range(58):
        edited = net.consensus.clone()
        edited[column] = (edited[column] + 1) % 5
        changed = (net.tokens(edited[None])[0] - wild).abs().amax(1)
        assert changed[column // net.patch] > 1e-4


def test_a_causal_token_sees_no_column_after_its_own() -> None:
    x = alignment(3, 90)
    for name, blind in (("causal-transformer", True), ("transformer", False)):
        net = network(name, x)
        edited = net.consensus.clone()
        edited[45] = (edited[45] + 1) % 5
        changed = (net.tokens(edited[None]) - net.tokens(net.consensus[None]))[0].abs().amax(1)
        assert (changed[:5] == 0).all() == blind
        assert (changed[5:] > 0).all()


def test_the_same_edit_elsewhere_has_other_features() -> None:
    x = torch.zeros(4, 90, dtype=torch.uint8)  # every column alike
    for name in BACKBONES:
        net = network(name, x)
        edited = x[:2].clone()
        edited[0, 31] = edited[1, 58] = 2  # the same place in its token
        first, second = net(edited)
        assert (first - second).abs().max() > 1e-3


def test_a_width_that_heads_cannot_share_is_refused() -> None:
    with pytest.raises(DataError, match="multiple of the 4 heads"):
        network("transformer", alignment(3, 40), width=30)


@pytest.mark.parametrize("name", BACKBONES)
def test_mutated_patients_are_told_from_wild_type_ones_in_seconds(name: str) -> None:
    window = (650, 1000)  # of the mRNA: much of the DNA-binding domain
    train = simulate("tp53-cohort", 150, seed=0, window=window)
    test = simulate("tp53-cohort", 300, seed=1, window=window)
    proba = Classifier(backbone=name, steps=50, batch_size=50).fit(train, seed=0).predict_proba(test)
    right = float(np.mean(proba.argmax(1) == test.y))
    assert right > 0.8  # half of them are mutated
