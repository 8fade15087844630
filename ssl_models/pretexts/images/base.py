"""Base classes of pretexts on images: a common loss for training and validation, and optional SGD."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import torch

from cohortsmith.data import DataError
from cohortsmith.ssl_models.augmentations import VIEWS, Drawn, even_parts, require
from cohortsmith.ssl_models.pretexts import BACKBONE, Pretext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

    from cohortsmith.ssl_models.augmentations import ImageViews, Noise
    from cohortsmith.ssl_models.backbones import Backbone, Vit
    from cohortsmith.training import Batch


@dataclass(frozen=True)
class ImagePretext(Pretext):
    """Pretext with one loss of images and random numbers.

    Attributes:
        optimiser: `adam`, or `sgd` with a momentum of 0.9, with a weight decay that is not decoupled.
    """

    optimiser: Literal["adam", "sgd"] = "adam"

    @abstractmethod
    def loss(self, nets: Mapping[str, nn.Module], x: Tensor, noise: Noise) -> Tensor:
        """Mean loss of images uint8 (b, channels, height, width)."""

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One update."""
        yield BACKBONE, self.loss(nets, batch.x, batch)

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """The same loss on held-out images (n, channels, height, width), in batches of about `batch_size`."""
        parts = even_parts(x, self.batch_size)
        return torch.stack([self.loss(nets, part, Drawn(part, generator)) * len(part) for part in parts]).sum() / len(x)

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """One player that updates all trainable parameters."""
        if self.optimiser == "adam":
            return super().players(nets)
        trainable = [w for net in nets.values() for w in net.parameters() if w.requires_grad]
        return {BACKBONE: torch.optim.SGD(trainable, lr=1.0, momentum=0.9, weight_decay=self.weight_decay)}


@dataclass(frozen=True)
class TwoViews(ImagePretext):
    """Contrastive pretext on two views of each image.

    Adam is the default: in a few hundred steps it converges further than the papers' SGD.

    Attributes:
        augmentation: name of the views in `VIEWS`.
        temperature: divides the similarities.

    Raises:
        DataError: an invalid setting.
    """

    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup: float = 0.1
    augmentation: str = "contrastive"
    temperature: float = 0.2

    def __post_init__(self) -> None:
        if self.augmentation not in VIEWS:
            raise DataError(f"augmentation must be one of {', '.join(VIEWS)}; got {self.augmentation!r}")
        require(self.temperature > 0, "temperature", "above 0", self.temperature)
        require(self.batch_size >= 2, "batch_size", "at least 2, since negatives are other patients", self.batch_size)

    def views(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Two views (n, channels, height, width) of each image, float32, 0 to 255."""
        return self.pair(x, Drawn(x, generator))

    def pair(self, x: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Two views of each image, from given random numbers."""
        change: ImageViews = VIEWS[self.augmentation]
        return change(x, noise.rand(change.draws)), change(x, noise.rand(change.draws))


def in_float32(loss: nn.Module, *parts: Tensor) -> Tensor:
    """A loss computed in float32, also inside autocast: similarities over a temperature need the precision."""
    with torch.autocast(parts[0].device.type, enabled=False):
        return cast("Tensor", loss(*(part.float() for part in parts)))


def as_vit(backbone: Backbone | nn.Module, owner: str) -> Vit:
    """The backbone as a vision transformer, for pretexts on patches.

    Raises:
        DataError: it is another backbone.
    """
    from cohortsmith.ssl_models.backbones import Vit

    if not isinstance(backbone, Vit):
        raise DataError(f"{owner} works on patches of a vit; use backbone vit")
    return backbone
