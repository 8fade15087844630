"""`Backbone`: maps inputs of one data kind to features, in layers that can be frozen from the first on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Backbone(nn.Module, ABC):
    """Network that a pretext trains without labels and a classifier fine-tunes.

    Inputs are those of `Inputs.tensor`: expression float32 (n, genes), z-scored; images (n, channels, height,
    width), 0..255 of any dtype, standardised inside; sequences uint8 codes (n, columns).

    Attributes:
        width: number of output features.
        rectify: whether a classifier's head first applies a ReLU, since the features are pre-activations.
    """

    rectify: ClassVar[bool] = False

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    @property
    @abstractmethod
    def layers(self) -> Sequence[nn.Module]:
        """Layers in forward order; together they contain every parameter."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Features (n, width)."""
