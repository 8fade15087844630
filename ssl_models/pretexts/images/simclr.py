"""`SimCLR`: two views of an image should be more similar to each other than to any view of another image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from cohortsmith.ssl_models.backbones import allow_torchvision
from cohortsmith.ssl_models.pretexts import BACKBONE
from cohortsmith.ssl_models.pretexts.images.base import TwoViews, in_float32

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from cohortsmith.ssl_models.augmentations import Noise
    from cohortsmith.ssl_models.backbones import Backbone

_HEAD = "head"


@dataclass(frozen=True)
class SimCLR(TwoViews):
    """Contrastive learning by Chen et al. 2020, with the loss and the head of lightly.

    Both views of all images go through the network as one batch; the loss is NT-Xent (equation 1), each view against
    the 2 * b - 2 views of the other images.

    Attributes:
        hidden_dim: width of the head's hidden layer; 0 for twice the backbone's.
        output_dim: embedding dimension; 0 for twice the backbone's width, 512-1024-1024 on a ResNet-18 as in the
            founding study.
    """

    hidden_dim: int = 0
    output_dim: int = 0

    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """The backbone and the projection head."""
        allow_torchvision()
        from lightly.models.modules import SimCLRProjectionHead

        twice = 2 * backbone.width
        head = SimCLRProjectionHead(backbone.width, self.hidden_dim or twice, self.output_dim or twice)
        return {BACKBONE: backbone, _HEAD: head}

    def loss(self, nets: Mapping[str, nn.Module], x: Tensor, noise: Noise) -> Tensor:
        """NT-Xent of two views of images uint8 (b, channels, height, width)."""
        allow_torchvision()
        from lightly.loss import NTXentLoss

        one, other = nets[_HEAD](nets[BACKBONE](torch.cat(self.pair(x, noise)))).chunk(2)
        return in_float32(NTXentLoss(self.temperature), one, other)
