"""Masked prediction and VIME: what is hidden, what comes in its place, and the losses by hand."""

from __future__ import annotations

import math

import pytest
import torch

from cohortsmith.data import DataError
from cohortsmith.ssl_models.pretexts.masked_genes import HiddenValues, MaskedGenes, Vime
from cohortsmith.training import Plan, Runtime, isolated_rng, train
from tests.ssl_models.gene_nets import Tiny, correlated, distinct, loss_of, noise


def built(pretext: MaskedGenes | Vime, genes: int, seed: int = 0) -> dict[str, torch.nn.Module]:
    with isolated_rng(seed):
        return pretext.build(Tiny(genes), torch.zeros(1, genes))


def hidden_of(nets: dict[str, torch.nn.Module]) -> torch.Tensor:
    head = nets["values"]
    assert isinstance(head, HiddenValues)
    return head.hidden


@pytest.mark.parametrize(("share", "count"), [(0.1, 20), (0.5, 100), (1.0, 200), (1e-6, 1)])
def test_one_mask_of_the_share_asked_for_is_drawn_from_the_seed(share: float, count: int) -> None:
    pretext = MaskedGenes(mask_share=share)
    hidden = hidden_of(built(pretext, 200))
    assert len(set(hidden.tolist())) == len(hidden) == count
    assert torch.equal(hidden, hidden_of(built(pretext, 200)))
    if share < 1:
        assert not torch.equal(hidden, hidden_of(built(pretext, 200, seed=1)))


def test_masked_loss_is_the_squared_error_of_the_hidden_values_alone() -> None:
    nets, x = built(MaskedGenes(mask_share=0.3), 10), torch.randn(5, 10)
    hidden = hidden_of(nets).tolist()
    errors = []
    for patient in x:
        seen = torch.tensor([0.0 if gene in hidden else float(patient[gene]) for gene in range(10)])
        told = nets["values"](nets["backbone"](seen[None]))[0].detach()
        errors += [(float(told[k]) - float(patient[gene])) ** 2 for k, gene in enumerate(hidden)]
    loss, _ = loss_of(MaskedGenes(mask_share=0.3), nets, x)
    assert loss.item() == pytest.approx(sum(errors) / len(errors), rel=1e-5)


def test_predicting_the_mean_scores_one_on_z_scored_genes() -> None:
    x = correlated(4000, 30)
    nets = built(MaskedGenes(mask_share=0.5), 30)
    for weight in nets["values"].parameters():
        torch.nn.init.zeros_(weight)
    loss, _ = loss_of(MaskedGenes(mask_share=0.5), nets, x)
    assert loss.item() == pytest.approx(1.0, rel=1e-3)


def test_loss_on_held_out_patients_is_that_of_all_of_them_whatever_the_parts() -> None:
    pretext, x = MaskedGenes(batch_size=16), torch.randn(75, 30)
    nets = built(pretext, 30)
    expected, _ = loss_of(pretext, nets, x)
    value = pretext.validation_loss(nets, x, torch.zeros(75), torch.Generator())
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("pretext", [MaskedGenes(mask_share=0.2), Vime(mask_share=0.2)])
def test_masked_genes_are_filled_in_from_the_others_where_genes_go_together(pretext: MaskedGenes | Vime) -> None:
    x, y = correlated(600, 40, seed=1), torch.zeros(600, dtype=torch.int64)
    plan = Plan(steps=500, batch_size=64, learning_rate=3e-3, decay="cosine", ema_decay=0.0)
    result = train(pretext, built(pretext, 40), x[:500], y[:500], plan=plan, seed=0, runtime=Runtime(device="cpu"))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        filled = pretext.predicted(result.nets, x[500:], generator)
        loss = float(pretext.validation_loss(result.nets, x[500:], y[500:], generator))
    changed = filled != x[500:]
    assert changed.float().mean().item() == pytest.approx(0.2, abs=0.02)
    assert (filled - x[500:])[changed].square().mean() < 0.5 * x[500:][changed].square().mean()
    if isinstance(pretext, MaskedGenes):
        assert loss < 0.5
        assert torch.equal(changed.all(0).nonzero().flatten(), hidden_of(result.nets))
    else:  # better than to tell each gene's mean, and the share of masked genes for a chance of being masked
        ignorant = 2 * 1.0 - 0.2 * math.log(0.2) - 0.8 * math.log(0.8)
        assert loss < 0.6 * ignorant


def test_vime_loss_is_equation_4() -> None:
    pretext, x = Vime(mask_share=0.4, alpha=1.7), torch.randn(6, 9)
    nets = built(pretext, 9)
    corrupted, mask = pretext.corrupt(x, noise(x, seed=5))
    value_loss = mask_loss = 0.0
    for i in range(6):
        z = nets["backbone"](corrupted[i : i + 1])
        told, chance = nets["values"](z)[0].detach(), torch.sigmoid(nets["mask"](z))[0].detach()
        value_loss += sum((float(x[i, j]) - float(told[j])) ** 2 for j in range(9)) / 9 / 6
        mask_loss -= sum(math.log(float(chance[j] if mask[i, j] else 1 - chance[j])) for j in range(9)) / 9 / 6
    loss, logged = loss_of(pretext, nets, x, seed=5)
    assert loss.item() == pytest.approx(mask_loss + 1.7 * value_loss, rel=1e-5)
    assert logged == pytest.approx({"value_loss": value_loss, "mask_loss": mask_loss}, rel=1e-5)


def test_vime_puts_the_same_gene_of_another_patient_in_place() -> None:
    x = distinct(50, 200)
    corrupted, mask = Vime(mask_share=0.3).corrupt(x, noise(x))
    assert mask.float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert mask.sum(1).float().std() > 1  # each gene is hidden on its own
    assert torch.equal(corrupted[~mask], x[~mask])
    for i, j in mask.nonzero().tolist():
        assert corrupted[i, j] in x[:, j]
        assert corrupted[i, j] != x[i, j]


def test_vime_does_not_ask_for_what_nobody_can_see() -> None:
    x = torch.zeros(30, 20)  # genes nobody expresses: another patient's zero is one's own
    _, mask = Vime(mask_share=0.9).corrupt(x, noise(x))
    assert not mask.any()


@pytest.mark.parametrize("settings", [{"mask_share": 0.0}, {"mask_share": 1.5}, {"mask_share": -1.0}])
def test_shares_that_cannot_be_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(DataError, match="mask_share must be a share of the genes"):
        MaskedGenes(**settings)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="mask_share must be a share of the genes"):
        Vime(**settings)  # type: ignore[arg-type]


def test_a_batch_of_one_has_no_other_patient() -> None:
    with pytest.raises(DataError, match="batch_size must be at least 2"):
        Vime(batch_size=1)
