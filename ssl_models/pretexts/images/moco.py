"""`MoCo`: a view of an image should be more similar to the image's key than to the keys of many earlier images."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from cohortsmith.ssl_models.augmentations import require
from cohortsmith.ssl_models.backbones import allow_torchvision
from cohortsmith.ssl_models.pretexts import BACKBONE
from cohortsmith.ssl_models.pretexts.images.base import TwoViews, in_float32

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from cohortsmith.ssl_models.augmentations import Noise
    from cohortsmith.ssl_models.backbones import Backbone
    from cohortsmith.training import Batch

_HEAD, _KEYS, _BANK = "head", "keys", "bank"


@dataclass(frozen=True)
class MoCo(TwoViews):
    """Momentum contrast, version 2 (He et al. 2020; Chen, Fan et al. 2020), with the loss, bank and head of lightly.

    Keys come from a moving average of the trained network (equation 2); negatives are the keys of recent batches, kept
    in a memory bank (equation 1).

    Attributes:
        hidden_dim: width of the head's hidden layer; 0 for the backbone's.
        output_dim: embedding dimension.
        bank: size of the memory bank. Stale keys are easy to distinguish from new ones and teach nothing, so shorter
            runs need a smaller bank.
        momentum: decay of the moving average.

    Raises:
        DataError: an invalid setting.
    """

    hidden_dim: int = 0
    output_dim: int = 128
    bank: int = 1024
    momentum: float = 0.99

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.momentum < 1, "momentum", "at least 0 and below 1", self.momentum)

    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """The backbone, its head, the key network, and the memory bank, which is part of the run but not of a model."""
        allow_torchvision()
        from lightly.loss import NTXentLoss
        from lightly.models.modules import MoCoProjectionHead

        head = MoCoProjectionHead(backbone.width, self.hidden_dim or backbone.width, self.output_dim)
        keys = copy.deepcopy(nn.Sequential(backbone, head)).requires_grad_(False)
        loss = NTXentLoss(self.temperature, memory_bank_size=(self.bank, self.output_dim))
        for name, kept in list(loss.memory_bank.named_buffers()):
            # A resumed run needs the same negatives, so they are part of its checkpoint.
            loss.memory_bank.register_buffer(name, kept, persistent=True)
        return {BACKBONE: backbone, _HEAD: head, _KEYS: keys, _BANK: loss}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One update, after that of the key network."""
        allow_torchvision()
        from lightly.models.utils import update_momentum

        with torch.no_grad():
            update_momentum(nn.Sequential(nets[BACKBONE], nets[_HEAD]), nets[_KEYS], self.momentum)
        yield from super().losses(nets, batch)

    def loss(self, nets: Mapping[str, nn.Module], x: Tensor, noise: Noise) -> Tensor:
        """InfoNCE of one view of images uint8 (b, channels, height, width) against keys of the other and the bank.

        The bank stores the keys only while gradients are enabled.
        """
        one, other = self.pair(x, noise)
        with torch.no_grad():
            keys = nets[_KEYS](other)
        return in_float32(nets[_BANK], nets[_HEAD](nets[BACKBONE](one)), keys)
