"""`ImageCritic`: scores of images given their class; no normalisation, so that scores do not depend on the batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cohortsmith.generators.images.layers import GroupEmbedding, channels_last

if TYPE_CHECKING:
    from cohortsmith.generators.images.layers import ImageShape

_SLOPE = 0.2
_EAGER = 8  # class embeddings learn this many times faster than the rest: a rare class is seldom seen
_NEAR = 2  # pixels on a side that become channels: 28 x 28 layers of few channels are inefficient


class ImageCritic(nn.Module):
    """Residual convolutions at 14 x 14 and 7 x 7 pixels, then a projection on the class (Miyato & Koyama 2018).

    score(x, y) = w . phi(x) + b + 8 e(y) . phi(x) / sqrt(len phi): their equation 4, with faster class embeddings.
    Blocks have no normalisation and start as the identity, as in R3GAN (Huang et al. 2024, section 4).
    """

    def __init__(self, shape: ImageShape) -> None:
        super().__init__()
        wide, side = 2 * shape.width, shape.code_shape[1] // _NEAR // 2
        self.enter = nn.Conv2d(shape.channels * _NEAR**2, shape.width, 3, padding=1)
        self.fine = nn.ModuleList(Residual(shape.width) for _ in range(shape.depth))
        self.widen = nn.Conv2d(shape.width, wide, 1)
        self.coarse = nn.ModuleList(Residual(wide) for _ in range(shape.depth))
        # Weight of each channel at each position.
        self.places = nn.Parameter(torch.randn(wide, side, side) / side)
        self.told = GroupEmbedding(shape, wide)
        nn.init.zeros_(self.told.of_class.weight)
        self.leave = nn.Linear(wide, 1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Scores (n, 1) of images (n, channels, 28, 28) of classes (n,)."""
        hidden = self.enter(channels_last(F.pixel_unshuffle(x, _NEAR)))
        for block in self.fine:
            hidden = block(hidden)
        hidden = self.widen(F.avg_pool2d(hidden, 2))
        for block in self.coarse:
            hidden = block(hidden)
        seen = (F.leaky_relu(hidden, _SLOPE).float() * self.places).sum((2, 3))
        own = _EAGER * (self.told(y) * seen).sum(1, keepdim=True)
        with torch.autocast(x.device.type, enabled=False):  # gradient penalties need all digits of a score
            out: Tensor = self.leave(seen) + own / math.sqrt(seen.shape[1])
        return out


class Residual(nn.Module):
    """x + conv(act(conv(act(x)))), the second convolution starting at zero (Zhang et al. 2019, Fixup)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, width, h, w) to the same shape."""
        out: Tensor = x + self.second(F.leaky_relu(self.first(F.leaky_relu(x, _SLOPE)), _SLOPE))
        return out
