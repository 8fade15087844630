"""`Backbone`: from inputs of one data kind to features, in layers that can be frozen from the first on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Backbone(nn.Module, ABC):
    """Network that a pretext trains without labels and a classifier goes on with.

    What comes in is what `Inputs.tensor` gives: expression float32 (n, genes), z-scored; images (n, channels, height,
    width), 0..255 in any number type, standardised inside; sequences uint8 codes (n, columns).

    Attributes:
        width: number of features that come out.
        rectify: whether a classifier's head first cuts the features off at nought: they are those before a ReLU.
    """

    rectify: ClassVar[bool] = False

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    @property
    @abstractmethod
    def layers(self) -> Sequence[nn.Module]:
        """Parts in the order in which they work; together they hold every parameter."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Features (n, width)."""
