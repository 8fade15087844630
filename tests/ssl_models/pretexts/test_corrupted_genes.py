"""Contrastive learning on genes: the loss by hand, what is corrupted and by what, and that it is learned."""

from __future__ import annotations

import math
from typing import Any, Literal

import pytest
import torch
from torch import Tensor

from cohortsmith.data import DataError
from cohortsmith.ssl_models.augmentations.noise import mask_per_patient, other_rows
from cohortsmith.ssl_models.pretexts.corrupted_genes import CorruptedGenes, Scarf, info_nce
from cohortsmith.training import Plan, Runtime, isolated_rng, train
from tests.ssl_models.gene_nets import Patients, Tiny, Untouched, correlated, distinct, loss_of, noise


def cosine(u: Tensor, v: Tensor) -> float:
    return float(u @ v) / math.sqrt(float(u @ u) * float(v @ v))


def by_hand(anchor: Tensor, positive: Tensor, negatives: list[Tensor], temperature: float) -> tuple[float, bool]:
    """-log(e(u, p) / (e(u, p) + sum of e(u, q))), and whether the positive is the nearest."""
    right = math.exp(cosine(anchor, positive) / temperature)
    wrong = [math.exp(cosine(anchor, negative) / temperature) for negative in negatives]
    return -math.log(right / (right + sum(wrong))), right > max(wrong)


@pytest.mark.parametrize("negatives", ["all", "between", "one"])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_loss_and_accuracy_by_hand(negatives: Literal["all", "between", "one"], temperature: float) -> None:
    n = 7
    a = torch.randn(n, 5, generator=torch.Generator().manual_seed(0)) * 3
    b = a + 5 * torch.randn(n, 5, generator=torch.Generator().manual_seed(1))
    drawn = torch.tensor([3, 0, 5, 6, 1, 2, 0])
    found = []
    for i in range(n):
        others = [j for j in range(n) if j != i]
        if negatives == "one":
            found.append(by_hand(a[i], b[i], [b[int(drawn[i])]], temperature))
        elif negatives == "between":
            found.append(by_hand(a[i], b[i], [b[j] for j in others], temperature))
        else:
            every = [view[j] for j in others for view in (a, b)]
            found += [by_hand(a[i], b[i], every, temperature), by_hand(b[i], a[i], every, temperature)]
    contrast = info_nce(a, b, temperature=temperature, negatives=negatives, drawn=drawn)
    assert contrast.loss.item() == pytest.approx(sum(loss for loss, _ in found) / len(found), rel=1e-5)
    assert contrast.accuracy.item() == pytest.approx(sum(right for _, right in found) / len(found))
    assert 0 < contrast.accuracy < 1


@pytest.mark.parametrize(("negatives", "count"), [("all", 15), ("between", 8), ("one", 2)])
def test_embeddings_that_are_all_alike_score_the_log_of_the_count(
    negatives: Literal["all", "between", "one"], count: int
) -> None:
    same, drawn = torch.ones(8, 4), (torch.arange(8) + 1) % 8
    contrast = info_nce(same, same, temperature=0.1, negatives=negatives, drawn=drawn)
    assert contrast.loss.item() == pytest.approx(math.log(count), rel=1e-5)
    assert contrast.accuracy == 0  # nothing is nearer than the rest


def test_scarf_is_algorithm_1_of_the_paper() -> None:
    pretext, x = Scarf(projector=6), torch.randn(9, 40)
    with isolated_rng(0):
        nets = pretext.build(Tiny(40), x)
    first, corrupted = pretext.views(x, torch.Generator().manual_seed(3))
    assert torch.equal(first, x)
    assert ((corrupted != x).sum(1) == 24).all()  # six genes in ten
    z, z_corrupted = (nets["projector"](nets["backbone"](view)).detach() for view in (x, corrupted))
    paper = 0.0
    for i in range(9):
        mean = sum(math.exp(cosine(z[i], z_corrupted[k])) for k in range(9)) / 9
        paper -= math.log(math.exp(cosine(z[i], z_corrupted[i])) / mean) / 9
    loss, _ = loss_of(pretext, nets, x, seed=3)
    assert loss.item() == pytest.approx(paper + math.log(9), rel=1e-5)


def test_scarf_is_contrastive_with_other_defaults() -> None:
    with isolated_rng(0):
        nets, x = Scarf().build(Tiny(30), torch.zeros(1, 30)), torch.randn(8, 30)
    same = CorruptedGenes(
        mask_share=0.6, corruption="batch", corruptions=1, negatives="between", temperature=1.0, projector=256
    )
    assert loss_of(same, nets, x)[0] == loss_of(Scarf(), nets, x)[0]


@pytest.mark.parametrize("share", [0.001, 0.1, 0.6, 0.99])
def test_each_patient_loses_as_many_genes_as_asked_and_its_own_ones(share: float) -> None:
    x = distinct(40, 300)
    lost = CorruptedGenes(mask_share=share).corrupt(x, noise(x)) == 0
    assert (lost.sum(1) == max(1, round(share * 300))).all()
    assert len({tuple(row.tolist()) for row in lost}) > 30
    assert lost.float().mean(0).max() < share + 0.4  # and no gene is lost by everybody


def test_values_of_the_batch_are_those_of_the_same_gene_in_another_patient() -> None:
    x = distinct(30, 100)
    corrupted = CorruptedGenes(mask_share=0.5, corruption="batch").corrupt(x, noise(x))
    changed = corrupted != x
    assert (changed.sum(1) == 50).all()
    donors = []
    for i, j in changed.nonzero().tolist():
        (donor,) = (x[:, j] == corrupted[i, j]).nonzero().flatten().tolist()
        assert donor != i
        donors.append((donor - i) % 30)
    assert set(donors) == set(range(1, 30))  # each other patient gives, and to one patient not one alone


def test_masks_of_22_000_genes_hold_the_share() -> None:
    x = torch.zeros(8, 22_000)
    assert ((mask_per_patient(noise(x), 22_000, 0.1).sum(1) - 2200).abs() <= 1).all()


def test_another_patient_is_never_oneself() -> None:
    x = torch.zeros(5, 1)
    rows = other_rows(noise(x), 5, 400, device=x.device)
    assert [set(row.tolist()) for row in rows] == [set(range(5)) - {i} for i in range(5)]
    assert other_rows(noise(x[:1]), 1, 3, device=x.device).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("corruptions", [1, 2])
def test_two_corruptions_are_of_different_genes_and_one_leaves_the_patient(corruptions: Literal[1, 2]) -> None:
    x = distinct(20, 50)
    first, second = CorruptedGenes(corruptions=corruptions).views(x, torch.Generator().manual_seed(0))
    assert torch.equal(first, x) == (corruptions == 1)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("negatives", ["all", "between", "one"])
def test_the_projector_is_left_out_unless_asked_for(negatives: Literal["all", "between", "one"]) -> None:
    x, pretext = torch.randn(12, 20), CorruptedGenes(negatives=negatives)
    nets = pretext.build(Untouched(20), x)
    assert set(nets) == {"backbone"}
    batch = Patients(x)
    first, second = pretext.views(x, torch.Generator().manual_seed(0))
    for _ in range(2):
        batch.rand(20)  # the masks, drawn before the negatives
    drawn = other_rows(batch, 12, device=x.device)
    expected = info_nce(first, second, temperature=0.1, negatives=negatives, drawn=drawn)
    loss, logged = loss_of(pretext, nets, x)
    assert loss.item() == pytest.approx(expected.loss.item(), rel=1e-5)
    assert logged == {"contrastive_accuracy": pytest.approx(expected.accuracy.item())}
    assert set(CorruptedGenes(projector=500).build(Untouched(20), x)) == {"backbone", "projector"}


@pytest.mark.parametrize(
    "pretext",
    [
        CorruptedGenes(mask_share=0.5, negatives="all"),
        CorruptedGenes(mask_share=0.5, corruption="batch", corruptions=1),
        Scarf(projector=16),
    ],
)
def test_training_tells_patients_it_has_not_seen_apart(pretext: CorruptedGenes) -> None:
    x, y = correlated(450, 60), torch.zeros(450, dtype=torch.int64)
    with isolated_rng(0):
        nets = pretext.build(Tiny(60), x)

    def loss_now() -> float:
        with torch.no_grad():
            return float(pretext.validation_loss(nets, x[400:], y[400:], torch.Generator().manual_seed(0)))

    before = loss_now()
    plan = Plan(steps=150, batch_size=64, learning_rate=3e-3, ema_decay=0.0)
    result = train(pretext, nets, x[:400], y[:400], plan=plan, seed=0, runtime=Runtime(device="cpu"))
    assert loss_now() < 0.9 * before
    assert result.history[-1]["contrastive_accuracy"] > result.history[0]["contrastive_accuracy"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"mask_share": 1.0}, "mask_share must be a share of the genes between 0 and 1; got 1.0"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        CorruptedGenes(**settings)
