"""Backbones for images."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import nn

from ssl_models.backbone import Backbone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ssl_models.inputs import Inputs


class ImageBackbone(Backbone):
    """Backbone that standardises the channels by the mean and the spread of the cohort learned from."""

    mean: Tensor
    spread: Tensor

    def __init__(self, inputs: Inputs, width: int) -> None:
        super().__init__(width)
        for name in ("mean", "spread"):
            value = torch.from_numpy(inputs.tensors[name]).view(1, -1, 1, 1)
            self.register_buffer(name, value, persistent=False)  # saved with the inputs

    def standardised(self, images: Tensor) -> Tensor:
        """Images (n, channels, height, width) of any number type, 0..255, as float with mean 0 and spread 1."""
        return (images.float() - self.mean) / self.spread


class SmallCNN(ImageBackbone):
    """Five 3 x 3 convolutions with batch norm (28, 14, 7 pixels) and a dense layer of 64 features.

    The stem keeps the size, as suits small images; strides halve it. The features are those before a ReLU.
    """

    rectify: ClassVar[bool] = True

    def __init__(self, inputs: Inputs) -> None:
        super().__init__(inputs, 64)
        self.body = nn.Sequential(
            _block(inputs.shape[0], 32),
            _block(32, 64, stride=2),
            _block(64, 64),
            _block(64, 128, stride=2),
            _block(128, 128),
            nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, self.width)),
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def layers(self) -> Sequence[nn.Module]:
        """The five convolutions and the dense layer."""
        return list(self.body)

    def forward(self, x: Tensor) -> Tensor:
        """Features (n, 64) of images (n, channels, height, width)."""
        return cast("Tensor", self.body(self.standardised(x).contiguous(memory_format=torch.channels_last)))


def _block(narrow: int, wide: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(narrow, wide, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(wide), nn.ReLU(inplace=True))
