"""`UNet`: the denoiser for images, small enough for a laptop (Ronneberger et al. 2015, Dhariwal & Nichol 2021)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cohortsmith.generators.images.layers import GroupEmbedding, channels_last, group_norm

if TYPE_CHECKING:
    from cohortsmith.generators.images.layers import ImageShape

_GROUP = 32  # channels per group: 16 and 32 are the sizes that CPUs normalise fast
_EMBEDDING = 256


class UNet(nn.Module):
    """Noisy images, noise levels and classes to images; starts at zero.

    Two levels, 14 x 14 and 7 x 7: the finest details are in channels (pixel unshuffle by 2: Shi et al. 2016), since
    layers at full resolution cost most and have too few channels to use a matrix unit well. Every block takes the noise
    level and the class as scale and shift of its second norm (Dhariwal & Nichol 2021, adaptive group normalisation).

    Attributes:
        code_shape: (channels, 28, 28).
    """

    frequencies: Tensor

    def __init__(self, shape: ImageShape) -> None:
        super().__init__()
        self.code_shape = shape.code_shape
        channels, width, deep = 4 * shape.channels, shape.width, 2 * shape.width
        spread = torch.exp(torch.linspace(math.log(0.05), math.log(10.0), _EMBEDDING // 4))
        self.register_buffer("frequencies", spread, persistent=False)
        self.told = GroupEmbedding(shape, _EMBEDDING)
        self.level = nn.Linear(2 * len(spread), _EMBEDDING)
        self.mix = nn.Linear(_EMBEDDING, _EMBEDDING)
        self.enter = nn.Conv2d(channels, width, 3, padding=1)
        self.fine = nn.ModuleList(_Block(width, shape.dropout) for _ in range(shape.depth))
        self.down = nn.Conv2d(width, deep, 2, stride=2)
        self.coarse = nn.ModuleList(_Block(deep, shape.dropout) for _ in range(2 * shape.depth))
        self.up = nn.ConvTranspose2d(deep, width, 2, stride=2)
        self.back = nn.ModuleList(_Block(width, shape.dropout) for _ in range(shape.depth))
        self.norm = group_norm(width, _GROUP)
        self.leave = nn.Conv2d(width, channels, 3, padding=1)
        for weight in self.leave.parameters():
            nn.init.zeros_(weight)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, level: Tensor, y: Tensor) -> Tensor:
        """Images (n, channels, 28, 28) at noise levels (n,), of classes (n,), to images of the same shape."""
        angles = level[:, None] * self.frequencies
        condition = self.level(torch.cat([angles.sin(), angles.cos()], dim=1)) + self.told(y)
        condition = F.silu(self.mix(F.silu(condition)))
        hidden = self.enter(channels_last(F.pixel_unshuffle(x, 2)))
        for block in self.fine:
            hidden = block(hidden, condition)
        deep = self.down(hidden)
        for block in self.coarse:
            deep = block(deep, condition)
        hidden = hidden + self.up(deep)
        for block in self.back:
            hidden = block(hidden, condition)
        return F.pixel_shuffle(self.leave(F.silu(self.norm(hidden))), 2)


class _Block(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.first = group_norm(width, _GROUP)
        self.wide = nn.Conv2d(width, width, 3, padding=1)
        self.second = group_norm(width, _GROUP, affine=False)
        self.modulate = nn.Linear(_EMBEDDING, 2 * width)
        self.dropout = nn.Dropout(dropout)
        self.back = nn.Conv2d(width, width, 3, padding=1)
        for layer in (self.modulate, self.back):
            for weight in layer.parameters():
                nn.init.zeros_(weight)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.modulate(condition)[:, :, None, None].chunk(2, dim=1)
        hidden = self.second(self.wide(F.silu(self.first(x))))
        out: Tensor = x + self.back(self.dropout(F.silu(torch.addcmul(shift, hidden, 1 + scale))))
        return out
