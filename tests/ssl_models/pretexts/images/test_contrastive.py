"""SimCLR and MoCo against loops written from their papers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from cohortsmith.data import DataError
from cohortsmith.ssl_models import Classifier
from cohortsmith.ssl_models.backbones.images import SmallCNN
from cohortsmith.ssl_models.pretexts.base import BACKBONE
from cohortsmith.ssl_models.pretexts.images.moco import MoCo
from cohortsmith.ssl_models.pretexts.images.simclr import SimCLR
from cohortsmith.training import Progress, Runtime, isolated_rng, train
from tests.ssl_models.gene_nets import Patients
from tests.ssl_models.image_nets import COHORT, IMAGES, INPUTS, Pixels, losses_of_training, noise

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.ssl_models.pretexts.images.base import TwoViews


def built(pretext: TwoViews) -> dict[str, nn.Module]:
    with isolated_rng(0):
        return pretext.build(Pixels(), IMAGES)


def lengths(x: Tensor) -> Tensor:
    unit: Tensor = x / x.norm(dim=1, keepdim=True)
    return unit


def test_simclr_is_nt_xent_of_all_views_of_the_batch() -> None:
    """Chen et al. 2020, equation 1, pair by pair."""
    pretext = SimCLR(temperature=0.3, hidden_dim=8, output_dim=5)
    nets, x = built(pretext), IMAGES[:4]
    one, other = pretext.pair(x, noise(x))
    z = lengths(nets["head"](nets[BACKBONE](torch.cat([one, other]))))
    losses = []
    for i in range(8):
        partner = (i + 4) % 8
        similar = {k: torch.exp(z[i] @ z[k] / 0.3) for k in range(8) if k != i}
        losses.append(-torch.log(similar[partner] / torch.stack(list(similar.values())).sum()))
    torch.testing.assert_close(pretext.loss(nets, x, noise(x)), torch.stack(losses).mean())


def test_the_two_views_of_an_image_differ_and_come_from_the_generator() -> None:
    pretext = SimCLR()
    one, other = pretext.views(IMAGES, torch.Generator().manual_seed(1))
    again, _ = pretext.views(IMAGES, torch.Generator().manual_seed(1))
    assert torch.equal(one, again)
    assert ((one - other).abs().amax((1, 2, 3)) > 1).all()


def test_the_head_is_twice_as_wide_as_the_backbone_unless_told() -> None:
    assert [w.shape[0] for w in built(SimCLR())["head"].parameters() if w.ndim == 2] == [2 * Pixels().width] * 2


def test_moco_is_cross_entropy_against_the_bank_and_keeps_the_keys() -> None:
    """He et al. 2020, equation 1 and algorithm 1."""
    pretext = MoCo(temperature=0.2, hidden_dim=6, output_dim=5, bank=10)
    nets, x = built(pretext), IMAGES[:4]
    bank: Any = nets["bank"].memory_bank
    before = bank.bank.clone()
    one, other = pretext.pair(x, noise(x))
    query = lengths(nets["head"](nets[BACKBONE](one)))
    with torch.no_grad():
        keys = lengths(nets["keys"](other))
    losses = []
    for q, k in zip(query, keys, strict=True):
        scores = torch.stack([q @ k, *(q @ negative for negative in before)]) / 0.2
        losses.append(-torch.log_softmax(scores, 0)[0])
    torch.testing.assert_close(pretext.loss(nets, x, noise(x)), torch.stack(losses).mean())
    torch.testing.assert_close(bank.bank[:4], keys)
    assert torch.equal(bank.bank[4:], before[4:])
    pretext.loss(nets, IMAGES[4:8], noise(x))
    torch.testing.assert_close(bank.bank[:4], keys)  # the next ones stand behind them
    assert not torch.equal(bank.bank[4:8], before[4:8])
    with torch.no_grad():
        kept = bank.bank.clone()
        pretext.validation_loss(nets, x, torch.zeros(4), torch.Generator().manual_seed(0))
    assert torch.equal(bank.bank, kept)


def test_the_keys_network_follows_slowly_and_gets_no_gradient() -> None:
    """He et al. 2020, equation 2."""
    pretext = MoCo(hidden_dim=6, output_dim=5, bank=10, momentum=0.9)
    nets = built(pretext)
    old = [w.clone() for w in nets["keys"].parameters()]
    with torch.no_grad():
        for net in (nets[BACKBONE], nets["head"]):
            for weight in net.parameters():
                weight.add_(1.0)
    batch: Any = Patients(IMAGES)
    ((player, loss),) = pretext.losses(nets, batch)
    loss.backward()  # type: ignore[no-untyped-call]
    assert player == BACKBONE
    for weight, before in zip(nets["keys"].parameters(), old, strict=True):
        torch.testing.assert_close(weight, before + 0.1)
        assert weight.grad is None
    moved = [id(w) for group in pretext.players(nets)[BACKBONE].param_groups for w in group["params"]]
    assert len(moved) == len(set(moved)) == len([*nets[BACKBONE].parameters(), *nets["head"].parameters()])


def test_a_stopped_run_goes_on_with_the_same_bank(tmp_path: Path) -> None:
    pretext = MoCo(steps=4, batch_size=4, hidden_dim=6, output_dim=5, bank=12)
    plan, labels = replace(pretext.plan(12), log_every=1), torch.zeros(12, dtype=torch.int64)

    def run(**runtime: Any) -> Tensor:
        with isolated_rng(0):
            nets = pretext.build(Pixels(), IMAGES)
        where = Runtime(device="cpu", precision="32-true", **runtime)
        result = train(pretext, nets, IMAGES, labels, plan=plan, seed=0, runtime=where)
        return torch.cat([w.flatten() for w in result.nets[BACKBONE].parameters()])

    def stop(progress: Progress) -> None:
        if progress.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(checkpoint=tmp_path / "half", checkpoint_every=2, on_progress=stop)
    assert torch.equal(run(checkpoint=tmp_path / "half", checkpoint_every=2), run())


@pytest.mark.parametrize("pretext", [SimCLR(augmentation="gentle"), MoCo(augmentation="gentle", bank=24)])
def test_pairs_are_found_better_with_every_step(pretext: TwoViews) -> None:
    with isolated_rng(0):
        nets = pretext.build(SmallCNN(INPUTS), IMAGES)
    losses = losses_of_training(pretext, nets, rate=pretext.learning_rate, steps=40)
    assert sum(losses[-5:]) < 0.9 * sum(losses[3:8])  # by then the bank is full of images


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"augmentation": "blur"}, "augmentation must be one of simclr"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, Any], said: str) -> None:
    for pretext in (SimCLR, MoCo):
        with pytest.raises(DataError, match=said):
            pretext(**settings)
    with pytest.raises(DataError, match="momentum must be at least 0 and below 1"):
        MoCo(momentum=1.0)


def test_a_saved_model_holds_no_key_of_a_patient(tmp_path: Path) -> None:
    few = {"steps": 2, "batch_size": 4, "bank": 8}
    model = Classifier(backbone="small-cnn", pretext="moco", pretext_settings=few).pretrain(COHORT)
    model.save(tmp_path / "model")
    names = [name for path in (tmp_path / "model").glob("*.safetensors") for name in load_file(path)]
    assert any("backbone" in name for name in names)
    assert not [name for name in names if "bank" in name or "keys" in name]
