"""Masked patches (MAE) and next patches (AIM): what is hidden, what may be seen, and what the loss counts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from cohortsmith.data import DataError
from cohortsmith.ssl_models.pretexts.base import BACKBONE
from cohortsmith.ssl_models.pretexts.images.aim import NextPatches, attends
from cohortsmith.ssl_models.pretexts.images.mae import MaskedPatches
from cohortsmith.training import isolated_rng
from tests.ssl_models.image_nets import IMAGES, INPUTS, Pixels, losses_of_training, noise, small_vit

PATCHES, SIDE = 49, 4
MAE = MaskedPatches(decoder_width=16, decoder_depth=1, decoder_heads=2)


def built(pretext: MaskedPatches | NextPatches) -> dict[str, Any]:
    with isolated_rng(0):
        nets: dict[str, Any] = pretext.build(small_vit(), IMAGES)
    return nets


def patch(x: Tensor, number: int) -> tuple[slice, slice]:
    row, column = divmod(number, 7)
    return slice(SIDE * row, SIDE * row + SIDE), slice(SIDE * column, SIDE * column + SIDE)


def normalised(x: Tensor, number: int) -> Tensor:
    """Pixels of a patch of an image (channels, height, width), mean 0 and spread 1, channels last."""
    rows, columns = patch(x, number)
    values = (x.float() - torch.from_numpy(INPUTS.tensors["mean"]).view(-1, 1, 1)) / torch.from_numpy(
        INPUTS.tensors["spread"]
    ).view(-1, 1, 1)
    pixels = values[:, rows, columns].permute(1, 2, 0).flatten()
    return (pixels - pixels.mean()) / (pixels.var() + 1e-6).sqrt()


def test_three_quarters_of_the_patches_are_hidden_each_image_its_own() -> None:
    kept, hidden = MAE.hide(noise(IMAGES), PATCHES)
    assert kept.shape == (12, 12)
    assert hidden.shape == (12, 37)
    assert torch.equal(torch.cat([kept, hidden], 1).sort(1).values, torch.arange(PATCHES).expand(12, -1))
    assert len({tuple(row.sort().values.tolist()) for row in kept}) == 12
    few, most = MaskedPatches(masked=0.999).hide(noise(IMAGES), PATCHES)
    assert few.shape[1] == 1
    assert most.shape[1] == 48


def test_mae_counts_the_hidden_patches_alone() -> None:
    """He et al. 2022, section 3: mean squared error of normalised pixels, patch by patch."""
    nets, x = built(MAE), IMAGES[:3]
    vit = nets[BACKBONE]
    kept, hidden = MAE.hide(noise(x), PATCHES)
    errors = []
    for image, seen, unseen in zip(x, kept, hidden, strict=True):
        tokens = vit.encoded(vit.embedded(image[None])[:, seen])
        told = nets["decoder"](tokens, seen[None], unseen[None])[0]
        errors += [(row - normalised(image, int(n))).square() for row, n in zip(told, unseen, strict=True)]
    torch.testing.assert_close(MAE.loss(nets, x, noise(x)), torch.cat(errors).mean(), rtol=1e-4, atol=1e-5)


def test_mae_sees_nothing_of_what_is_hidden() -> None:
    nets = built(MAE)
    vit, decoder = nets[BACKBONE], nets["decoder"]
    kept, hidden = MAE.hide(noise(IMAGES), PATCHES)

    def told(x: Tensor) -> Tensor:
        seen: Tensor = decoder(vit.encoded(vit.embedded(x)[:, kept[0]]), kept[:1], hidden[:1])
        return seen

    x = IMAGES[:1].clone()
    before = told(x)
    rows, columns = patch(x, int(hidden[0, 0]))
    x[:, :, rows, columns] = 255 - x[:, :, rows, columns]
    assert torch.equal(told(x), before)
    rows, columns = patch(x, int(kept[0, 0]))
    x[:, :, rows, columns] = 255 - x[:, :, rows, columns]
    assert not torch.allclose(told(x), before)


def test_attention_is_causal_behind_the_prefix_and_full_within() -> None:
    mask = attends(torch.tensor([1, 3]), 5)
    assert mask.shape == (2, 1, 5, 5)
    assert torch.equal(mask[0, 0], torch.ones(5, 5, dtype=torch.bool).tril())
    assert mask[1, 0].int().tolist() == [
        [1, 1, 1, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1],
    ]


@pytest.mark.parametrize("prefix", [1, 10])
def test_aim_tells_a_patch_from_those_before_it_alone(prefix: int) -> None:
    pretext = NextPatches()
    nets, x = built(pretext), IMAGES[:2].clone()
    lengths = torch.tensor([prefix, prefix])
    before = pretext.predict_pixels(nets, x, lengths)
    assert before.shape == (2, PATCHES - 1, 48)
    changed = 20
    rows, columns = patch(x, changed)
    x[:, :, rows, columns] = 255 - x[:, :, rows, columns]
    after = pretext.predict_pixels(nets, x, lengths)
    # Row i tells patch i + 1: of the changed patch, and of all before it, nothing changes.
    torch.testing.assert_close(after[:, :changed], before[:, :changed], rtol=1e-5, atol=1e-6)
    assert ((after - before)[:, changed:].abs().amax(2) > 1e-6).all()


def test_aim_counts_the_patches_behind_the_prefix_alone() -> None:
    """El-Nouby et al. 2024, equation 2, over the patches that are told causally (section 3.2)."""
    pretext = NextPatches()
    nets, x = built(pretext), IMAGES[:5]
    prefix = 1 + noise(x).randint(PATCHES - 1)
    assert len(set(prefix.tolist())) > 1
    told = pretext.predict_pixels(nets, x, prefix)
    errors = [
        (told[i, n - 1] - normalised(x[i], n)).square().mean()
        for i in range(5)
        for n in range(PATCHES)
        if n >= int(prefix[i])
    ]
    torch.testing.assert_close(pretext.loss(nets, x, noise(x)), torch.stack(errors).mean(), rtol=1e-4, atol=1e-5)


def test_the_head_of_aim_is_as_wide_as_the_backbone() -> None:
    vit = small_vit()
    head = NextPatches().build(vit, IMAGES)["head"]
    assert sum(w.numel() for w in head.parameters()) < sum(w.numel() for w in vit.parameters())


@pytest.mark.parametrize("pretext", [MAE, NextPatches()], ids=["mae", "aim"])
def test_both_learn_pixels(pretext: MaskedPatches | NextPatches) -> None:
    nets = built(pretext)
    losses = losses_of_training(pretext, nets, rate=3e-3, steps=60)
    assert losses[0] > 0.9
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    with torch.no_grad():
        held = pretext.validation_loss(nets, IMAGES, torch.zeros(12), torch.Generator().manual_seed(0))
    assert float(held) < losses[0]


def test_only_a_vit_has_patches() -> None:
    for pretext, name in ((MAE, "mae"), (NextPatches(), "aim")):
        with pytest.raises(DataError, match=f"{name} works on patches of a vit"):
            pretext.build(Pixels(), IMAGES)
    with pytest.raises(DataError, match="masked must be a share"):
        MaskedPatches(masked=1.0)
    with pytest.raises(DataError, match="decoder_width must be a multiple of 4 and of 3 heads; got 20"):
        MaskedPatches(decoder_width=20)
