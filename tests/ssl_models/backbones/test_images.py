"""Residual networks and the transformer for images; and what importing them costs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch

from cohortsmith.data import DataError
from cohortsmith.ssl_models.backbones.images import ImageBackbone, ResNet18, ResNet34, SmallCNN, Vit
from cohortsmith.ssl_models.inputs.tensors import Inputs
from cohortsmith.training import isolated_rng
from tests.ssl_models.image_nets import IMAGES, INPUTS, small_vit

MADE: list[tuple[type[ImageBackbone], dict[str, Any], int, int]] = [
    (SmallCNN, {}, 64, 6),
    (ResNet18, {"width": 8}, 64, 5),
    (ResNet18, {"width": 8, "stem": "stock"}, 64, 5),
    (ResNet34, {"width": 4}, 32, 5),
    (Vit, {"width": 16, "depth": 2, "heads": 2}, 16, 4),
]


@pytest.mark.parametrize(("make", "settings", "width", "layers"), MADE)
def test_features_of_any_number_type_and_every_weight_in_a_layer(
    make: type[ImageBackbone], settings: dict[str, Any], width: int, layers: int
) -> None:
    with isolated_rng(0):
        net = make(INPUTS, **settings).eval()
    features = net(IMAGES)
    assert features.shape == (12, width) == (12, net.width)
    torch.testing.assert_close(net(IMAGES.double()), features)
    assert len(net.layers) == layers
    in_layers = [id(w) for layer in net.layers for w in layer.parameters()]
    assert sorted(in_layers) == sorted(id(w) for w in net.parameters())
    grey = Inputs("image", (), (1, 28, 28), INPUTS.scale, {name: value[:1] for name, value in INPUTS.tensors.items()})
    assert make(grey, **settings)(IMAGES[:, :1]).shape == (12, width)


def test_stems_and_widths_are_those_of_the_paper() -> None:
    stock, small = ResNet18(INPUTS, stem="stock"), ResNet18(INPUTS)
    assert stock.width == small.width == ResNet34(INPUTS, stem="stock").width == 512
    # 11 176 512 weights without the last layer, as torchvision's and timm's ResNet-18 have
    assert sum(w.numel() for w in stock.parameters()) == 11_176_512
    assert sum(w.numel() for w in ResNet34(INPUTS, stem="stock").parameters()) == 21_284_672
    sides = {}
    for name, net in (("stock", stock), ("small", small)):
        places = net.standardised(IMAGES[:2])
        sides[name] = [(places := layer(places)).shape[2] for layer in net.layers]
    assert sides == {"stock": [7, 7, 4, 2, 1], "small": [28, 28, 14, 7, 4]}


def test_a_vit_sees_where_a_patch_lies_and_gives_the_mean_of_its_patches() -> None:
    with isolated_rng(0):
        net = small_vit().eval()
    tokens = net.encoded(net.embedded(IMAGES))
    assert tokens.shape == (12, 49, 16)
    torch.testing.assert_close(net(IMAGES), tokens.mean(1))
    moved = IMAGES.roll(4, 3)  # by one patch
    assert not torch.allclose(net(moved), net(IMAGES), atol=1e-4)


def test_bad_settings_and_odd_images_are_refused() -> None:
    for settings, said in (({"stem": "deep"}, "expected small or stock"), ({"width": 7}, "an even number")):
        with pytest.raises(DataError, match=said):
            ResNet18(INPUTS, **settings)
    with pytest.raises(DataError, match="patches; these are 28 x 28 pixels and patch_size is 5"):
        Vit(INPUTS, patch_size=5)
    with pytest.raises(DataError, match="got width 30, heads 3, depth 6"):
        Vit(INPUTS, width=30)
    with pytest.raises(DataError, match="these are 28 x 32 pixels"):
        Vit(replace(INPUTS, shape=(3, 28, 32)))


OFFLINE = """
import socket, sys
def refuse(*given, **named):
    raise AssertionError("something asked for the network")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
import cohortsmith.ssl_models
heavy = {"timm", "lightly", "torchvision", "huggingface_hub", "pytorch_lightning"} & set(sys.modules)
assert not heavy, heavy
from tests.ssl_models.image_nets import IMAGES, INPUTS
from cohortsmith.ssl_models.kinds import KINDS
kind = KINDS["image"]
for name, pretext in kind.pretexts.items():
    backbone = (pretext.backbones or ("resnet18",))[0]
    settings = {"width": 8} if backbone == "resnet18" else {"width": 16, "depth": 1, "heads": 2}
    pretext().build(kind.backbones[backbone](INPUTS, **settings), IMAGES)
assert "timm" in sys.modules and "lightly" in sys.modules
"""


def test_timm_and_lightly_are_imported_late_and_ask_for_no_network() -> None:
    done = subprocess.run([sys.executable, "-c", OFFLINE], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
