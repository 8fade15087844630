"""SubTab: how genes are dealt, and the loss by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from cohortsmith.data import DataError
from cohortsmith.ssl_models.pretexts.corrupted_genes import info_nce
from cohortsmith.ssl_models.pretexts.subtab import Reconstruction, SubTab, deal
from cohortsmith.training import Plan, Runtime, isolated_rng, train
from tests.ssl_models.gene_nets import Tiny, correlated, loss_of


def subsets_of(nets: dict[str, torch.nn.Module]) -> Tensor:
    decoder = nets["decoder"]
    assert isinstance(decoder, Reconstruction)
    return decoder.subsets


@pytest.mark.parametrize(("overlap", "size"), [(0.0, 25), (0.4, 35), (1.0, 50)])
def test_subsets_are_alike_in_size_overlap_as_asked_and_leave_no_gene_out(overlap: float, size: int) -> None:
    dealt = deal(torch.randperm(100), 4, overlap)
    assert dealt.sum(1).tolist() == [size] * 4
    assert dealt.any(0).all()
    assert (dealt[1] & dealt[2]).sum() == size - 25


def test_genes_that_cannot_be_dealt_evenly_are_all_dealt() -> None:
    dealt = deal(torch.arange(10), 4, 0.0)
    assert dealt.sum(0).tolist() == [1] * 10
    assert set(dealt.sum(1).tolist()) == {2, 3}


def test_the_deal_comes_from_the_seed() -> None:
    def of(seed: int) -> Tensor:
        with isolated_rng(seed):
            return subsets_of(SubTab().build(Tiny(40), torch.zeros(1, 40)))

    assert torch.equal(of(0), of(0))
    assert not torch.equal(of(0), of(1))


def test_loss_by_hand() -> None:
    pretext = SubTab(subsets=3, overlap=0.5, contrastive_weight=0.3, distance_weight=0.7, temperature=0.2)
    x = torch.randn(6, 12)
    with isolated_rng(0):
        nets = pretext.build(Tiny(12), x)
    error, projected = 0.0, []
    for subset in subsets_of(nets):
        features = nets["backbone"](x * subset).detach()
        error += sum(float(gap**2) for gap in (nets["decoder"](features).detach() - x).flatten())
        projected.append(F.normalize(nets["projector"](features).detach(), dim=1))
    error /= 3 * 6 * 12
    contrasts, distances = [], []
    for one, other in ((0, 1), (0, 2), (1, 2)):
        a, b = projected[one], projected[other]
        contrasts.append(info_nce(a, b, temperature=0.2, negatives="all").loss.item())
        distances.append(sum(float(((a[i] - b[i]) ** 2).sum()) for i in range(6)) / 6)
    contrast, distance = sum(contrasts) / 3, sum(distances) / 3
    loss, logged = loss_of(pretext, nets, x)
    assert loss.item() == pytest.approx(error + 0.3 * contrast + 0.7 * distance, rel=1e-5)
    terms = {"reconstruction_loss": error, "contrastive_loss": contrast, "distance_loss": distance}
    assert logged == pytest.approx(terms, rel=1e-5)


def test_terms_that_weigh_nothing_are_left_out() -> None:
    x, pretext = torch.randn(8, 20), SubTab(contrastive_weight=0.0, distance_weight=0.0)
    nets = pretext.build(Tiny(20), x)
    assert set(nets) == {"backbone", "decoder"}
    assert set(loss_of(pretext, nets, x)[1]) == {"reconstruction_loss"}


def test_views_are_two_overlapping_subsets_of_the_patients() -> None:
    x = torch.rand(5, 40) + 1
    first, second = SubTab().views(x, torch.Generator().manual_seed(0))
    one, other = first != 0, second != 0
    assert (one == one[0]).all()
    assert one.sum(1).tolist() == other.sum(1).tolist() == [18] * 5  # a quarter, and three quarters of the next one
    assert (one & other).any()
    assert not torch.equal(one, other)


def test_a_patient_is_told_from_a_part_of_its_genes_where_genes_go_together() -> None:
    pretext, x, y = SubTab(), correlated(500, 40), torch.zeros(500, dtype=torch.int64)
    with isolated_rng(0):
        nets = pretext.build(Tiny(40), x)
    plan = Plan(steps=300, batch_size=64, learning_rate=3e-3, decay="cosine", ema_decay=0.0)
    result = train(pretext, nets, x[:400], y[:400], plan=plan, seed=0, runtime=Runtime(device="cpu"))
    with torch.no_grad():
        told = SubTab(contrastive_weight=0.0, distance_weight=0.0).validation_loss(
            result.nets, x[400:], y[400:], torch.Generator()
        )
    assert told < 0.4  # to tell each gene's mean scores 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"subsets": 1}, "subsets must be at least 2"),
        ({"overlap": 1.5}, "overlap must be a share"),
        ({"batch_size": 1, "contrastive_weight": 1.0}, "batch_size must be at least 2"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        SubTab(**settings)


def test_fewer_genes_than_subsets_are_refused() -> None:
    with pytest.raises(DataError, match="subsets must be at most the number of genes, 3"):
        SubTab().build(Tiny(3), torch.zeros(1, 3))
