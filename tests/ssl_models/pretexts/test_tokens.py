"""Masked and next token: what is hidden, the losses by hand, and that constants cost nothing."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
import torch

from cohortsmith.data import DataError, simulate
from cohortsmith.data.nucleotides import MASKED
from cohortsmith.ssl_models import Classifier
from cohortsmith.ssl_models.pretexts.tokens import Frequencies, MaskedToken, NextToken
from cohortsmith.training import Runtime, isolated_rng, train
from tests.ssl_models.gene_nets import loss_of, noise
from tests.ssl_models.sequence_nets import alignment, network

Nets = dict[str, torch.nn.Module]
BOTH = [(MaskedToken, "convolution"), (MaskedToken, "transformer"), (NextToken, "causal-transformer")]


def built(pretext: MaskedToken | NextToken, name: str, x: torch.Tensor) -> Nets:
    with isolated_rng(0):
        return pretext.build(network(name, x), x)


def frequencies(nets: Nets) -> Frequencies:
    return cast("Frequencies", nets["codes"])


def moved(nets: Nets) -> Nets:
    """With a layer of codes that is not zero."""
    with isolated_rng(1):
        torch.nn.init.normal_(frequencies(nets).layer.weight, std=0.3)
    return nets


def missed(logits: torch.Tensor, true: int) -> float:
    values = logits.tolist()
    return math.log(sum(map(math.exp, values))) - float(values[true])


@pytest.mark.parametrize("name", ["convolution", "transformer"])
def test_masked_loss_by_hand(name: str) -> None:
    x = alignment(6, 31)
    x[0, 3:6] = MASKED
    pretext = MaskedToken(share=0.5)
    nets = moved(built(pretext, name, x))
    codes, net = frequencies(nets), cast("Any", nets["backbone"])
    corrupted, chosen = pretext.corrupt(x, noise(x))
    told, own = [], []
    for patient in range(6):
        tokens = net.tokens(corrupted[patient : patient + 1])[0]
        for column in range(31):
            if x[patient, column] != MASKED:
                own.append(-float(codes.log_rates[column, int(x[patient, column])]))
            if chosen[patient, column]:
                token, place = divmod(column, net.patch)
                rows = slice(place * 5, place * 5 + 5)
                logits = codes.layer.weight[rows] @ tokens[token] + codes.layer.bias[rows] + codes.log_rates[column]
                told.append(missed(logits, int(x[patient, column])))
    loss, _ = loss_of(pretext, nets, x)
    assert loss.item() == pytest.approx((sum(told) / len(told)) / (sum(own) / len(own)), rel=1e-4)


def test_next_token_loss_by_hand() -> None:
    x = alignment(5, 31)
    x[0, 3:20] = MASKED
    pretext = NextToken()
    nets = moved(built(pretext, "causal-transformer", x))
    codes, net = frequencies(nets), cast("Any", nets["backbone"])
    told = []
    for patient in range(5):
        for column in range(net.patch, 31):
            if x[patient, column] != MASKED:
                token, place = divmod(column, net.patch)
                start = x[patient : patient + 1].clone()
                start[:, token * net.patch :] = MASKED  # only what comes before
                rows = slice(place * 5, place * 5 + 5)
                before = net.tokens(start)[0, token - 1]
                logits = codes.layer.weight[rows] @ before + codes.layer.bias[rows] + codes.log_rates[column]
                told.append(missed(logits, int(x[patient, column])))
    loss, _ = loss_of(pretext, nets, x)
    assert loss.item() * float(codes.alone) == pytest.approx(sum(told) / len(told), rel=1e-4)


def test_a_later_column_changes_no_earlier_prediction() -> None:
    x = alignment(4, 60)
    pretext = NextToken()
    nets = moved(built(pretext, "causal-transformer", x))
    patch = cast("Any", nets["backbone"]).patch
    before = pretext.logits(nets, x)
    for column in (0, 20, 44):
        changed = x.clone()
        changed[:, column] = (changed[:, column] + 1) % 5
        same = (pretext.logits(nets, changed) == before).flatten(2).all(2).all(0)
        first_told = (column // patch + 1) * patch - patch  # logits begin with the second token
        assert same[:first_told].all()
        assert not same[first_told:].any()


def test_a_share_is_chosen_and_of_it_most_hidden_some_swapped_some_left() -> None:
    x = alignment(400, 300, edits=0.5)
    x[:, :10] = MASKED
    corrupted, chosen = MaskedToken().corrupt(x, noise(x))
    assert not chosen[:, :10].any()
    assert chosen[:, 10:].float().mean() == pytest.approx(0.15, abs=0.005)
    hidden = (corrupted == MASKED) & (x != MASKED)
    assert hidden[chosen].float().mean() == pytest.approx(0.8, abs=0.01)
    assert not hidden[~chosen].any()
    assert torch.equal(corrupted[~chosen & (x != MASKED)], x[~chosen & (x != MASKED)])
    # of the swapped tenth another patient has the same code by chance: 0.5^2 + 0.5^2 / 4
    swapped = (corrupted != x) & ~hidden
    assert swapped[chosen].float().mean() == pytest.approx(0.1 * (1 - 0.3125), abs=0.01)


def test_codes_are_swapped_for_ones_that_the_column_has() -> None:
    x = torch.arange(5, dtype=torch.uint8).repeat(20, 8)  # each column has one code
    x[:10, 0] = 1
    corrupted, _ = MaskedToken(share=1.0, hidden=0.0, swapped=1.0).corrupt(x, noise(x))
    assert torch.equal(corrupted[:, 1:], x[:, 1:])
    assert set(corrupted[:, 0].tolist()) == {0, 1}
    assert not torch.equal(corrupted[:, 0], x[:, 0])


@pytest.mark.parametrize(("task", "name"), BOTH)
def test_knowing_nothing_scores_one_and_constants_cost_nothing(task: type[MaskedToken], name: str) -> None:
    x = alignment(200, 90, edits=0.02)
    x[:, :9] = x[0, :9]  # the first token, which nothing is told from
    pretext = task(share=1.0) if task is MaskedToken else task()
    nets = built(pretext, name, x)
    loss, _ = loss_of(pretext, nets, x)
    assert loss.item() == pytest.approx(1.0 if task is MaskedToken else 90 / 81, rel=0.02)
    wild = cast("Any", nets["backbone"]).consensus.repeat(200, 1)
    ease, _ = loss_of(pretext, nets, wild)
    assert ease.item() < 0.25  # of a loss that is 1 for patients with two edits in a hundred columns


def test_an_edit_of_one_patient_leaves_no_trace_of_its_own() -> None:
    x = alignment(50, 40, edits=0.0)
    edit = ((x[0] + 1) % 5).long()
    x[7, 11], x[:6, 20] = edit[11], edit[20]
    rates = frequencies(built(MaskedToken(), "convolution", x)).log_rates.exp()
    assert float(rates[11, edit[11]]) == pytest.approx(float(rates[30, edit[30]]), rel=1e-2)
    assert float(rates[20, edit[20]]) == pytest.approx(6 / 50, rel=1e-2)
    torch.testing.assert_close(rates.sum(1), torch.ones(40))


@pytest.mark.parametrize(("task", "name"), BOTH)
def test_what_goes_together_is_learnt(task: type[MaskedToken], name: str) -> None:
    """Half of the patients have another code in three far columns, together: one tells the others."""
    generator = torch.Generator().manual_seed(0)
    x = alignment(600, 60, edits=0.0)
    carriers = torch.rand(600, generator=generator) < 0.5
    columns = torch.tensor([5, 22, 24, 40] if name == "convolution" else [5, 22, 40])
    x[:, columns] = torch.where(carriers[:, None], (x[:, columns] + 1) % 5, x[:, columns])
    pretext = task(steps=150, batch_size=64, learning_rate=3e-3)
    nets = built(pretext, name, x[:400])
    y = torch.zeros(400, dtype=torch.int64)
    train(pretext, nets, x[:400], y, plan=pretext.plan(400), seed=0, runtime=Runtime(device="cpu"))
    with torch.no_grad():
        held_out = float(pretext.validation_loss(nets, x[400:], y, torch.Generator().manual_seed(0)))
    assert held_out < 0.85


def test_hidden_codes_are_drawn_and_the_others_stay() -> None:
    x = alignment(50, 90, edits=0.3)
    x[:, 0] = MASKED
    pretext = MaskedToken()
    nets = built(pretext, "convolution", x)
    drawn = pretext.predicted(nets, x, torch.Generator().manual_seed(0))
    _, chosen = pretext.corrupt(x, noise(x))
    assert drawn.dtype == torch.uint8
    assert torch.equal(drawn[~chosen], x[~chosen])
    assert (drawn[chosen] < MASKED).all()
    assert 0.2 < (drawn[chosen] != x[chosen]).float().mean() < 0.6  # some drawn edits, not the wild type throughout


def test_next_token_refuses_a_backbone_that_sees_ahead_or_one_token() -> None:
    with pytest.raises(DataError, match="needs a causal backbone"):
        built(NextToken(), "transformer", alignment(5, 40))
    with pytest.raises(DataError, match="two tokens"):
        built(NextToken(), "causal-transformer", alignment(5, 9))
    with pytest.raises(DataError, match="works on backbone causal-transformer; got 'convolution'"):
        Classifier(backbone="convolution", pretext="next-token")
    with pytest.raises(DataError, match="share"):
        MaskedToken(share=0.0)
    with pytest.raises(DataError, match="at most 1"):
        MaskedToken(hidden=0.8, swapped=0.3)


@pytest.mark.parametrize("pretext", ["masked-token", "next-token"])
def test_a_classifier_takes_a_backbone_that_its_pretext_works_on(pretext: str) -> None:
    cohort = simulate("tp53-cohort", 40, seed=0, window=(700, 800))
    made = Classifier(pretext=pretext, pretext_settings={"steps": 3, "batch_size": 16}, steps=3, batch_size=16)
    proba = made.pretrain(cohort, seed=0).fit(cohort, seed=0).predict_proba(cohort)
    assert proba.shape == (40, 2)
    with pytest.raises(DataError, match="is for|not for|sequence"):
        Classifier(pretext=pretext).pretrain(simulate("simulated-expression", 40, seed=0), seed=0)
