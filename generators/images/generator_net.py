"""`ImageGeneratorNet`: images from latents and classes, for the adversarial families."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cohortsmith.generators.contracts import GeneratorNet
from cohortsmith.generators.images.layers import GroupEmbedding, channels_last

if TYPE_CHECKING:
    from cohortsmith.generators.images.layers import ImageShape

_SLOPE = 0.2
_EMBEDDING = 64
_STYLE = 128
_NEAR = 2  # pixels on a side that are made of channels


class ImageGeneratorNet(GeneratorNet):
    """Latent and class to 7 x 7, 14 x 14 and, by pixel shuffle, 28 x 28 pixels (Shi et al. 2016).

    Every block is conditioned on latent and class by a scale and a shift of its hidden layer (Perez et al. 2018; Karras
    et al. 2019 for latents). No normalisation: an image does not depend on the others of its batch.
    """

    def __init__(self, shape: ImageShape, in_dim: int) -> None:
        super().__init__()
        self.side, wide = shape.code_shape[1] // _NEAR // 2, 2 * shape.width
        self.told = GroupEmbedding(shape, _EMBEDDING)
        self.style = nn.Sequential(
            nn.Linear(in_dim + _EMBEDDING, _STYLE),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(_STYLE, _STYLE),
            nn.LeakyReLU(_SLOPE),
        )
        self.enter = nn.Linear(in_dim + _EMBEDDING, wide * self.side**2)
        self.coarse = nn.ModuleList(_Block(wide) for _ in range(shape.depth))
        self.narrow = nn.Conv2d(wide, shape.width * 4, 1)
        self.fine = nn.ModuleList(_Block(shape.width) for _ in range(shape.depth))
        self.leave = nn.Conv2d(shape.width, shape.channels * _NEAR**2, 3, padding=1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, latent: Tensor, y: Tensor, uniform: Tensor | None = None) -> Tensor:
        """Images (n, channels, 28, 28) from latents (n, in_dim) and classes (n,); `uniform` is not used."""
        condition = torch.cat([latent, self.told(y)], dim=1)
        style = self.style(condition)
        hidden = self.enter(condition).view(len(condition), -1, self.side, self.side)
        hidden = channels_last(hidden)
        for block in self.coarse:
            hidden = block(hidden, style)
        hidden = channels_last(F.pixel_shuffle(self.narrow(hidden), 2))
        for block in self.fine:
            hidden = block(hidden, style)
        out: Tensor = F.pixel_shuffle(self.leave(F.leaky_relu(hidden, _SLOPE)), _NEAR)
        return out


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.modulate = nn.Linear(_STYLE, 2 * width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        for layer in (self.modulate, self.second):
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.modulate.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.modulate(style)[:, :, None, None].chunk(2, dim=1)
        hidden = torch.addcmul(shift, self.first(F.leaky_relu(x, _SLOPE)), 1 + scale)
        out: Tensor = x + self.second(F.leaky_relu(hidden, _SLOPE))
        return out
