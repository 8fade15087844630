"""`ImageShape`, what all networks of images are built for, and the layers that they share."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cohortsmith.data.io import IMAGE_SIZE


@dataclass(frozen=True)
class ImageShape:
    """Images of 28 x 28 pixels with their groups, and the size of the networks for them.

    Attributes:
        channels: 1 (grey) or 3 (colour).
        classes: number of classes, or of the groups (looks within classes) that stand for them.
        width, depth: channels of the convolutions, and blocks at each resolution.
        dropout: on each block's hidden layer while training, where a network has any.
        parents: class of each group; empty where the groups are the classes.
    """

    channels: int
    classes: int
    width: int
    depth: int
    dropout: float = 0.0
    parents: tuple[int, ...] = ()

    @property
    def code_shape(self) -> tuple[int, ...]:
        """(channels, 28, 28)."""
        return (self.channels, IMAGE_SIZE, IMAGE_SIZE)


def channels_last(x: Tensor) -> Tensor:
    """Images (n, c, h, w) as convolutions are fastest at."""
    return x.contiguous(memory_format=torch.channels_last)


def group_norm(width: int, of: int = 16, affine: bool = True) -> nn.GroupNorm:
    """Norm over groups of so many channels (16 and 32 are quick on a CPU), or over all where they do not divide."""
    return nn.GroupNorm(width // of if width % of == 0 else 1, width, affine=affine)


class GroupEmbedding(nn.Module):
    """What a network is told of groups (n,), as vectors (n, width): of the class, and of what the group differs in.

    A look that a class has twenty patients of is told by what all of the class teach, and by a little of its own, which
    starts at nought.
    """

    parents: Tensor

    def __init__(self, shape: ImageShape, width: int) -> None:
        super().__init__()
        parents = shape.parents or tuple(range(shape.classes))
        whole = max(parents) + 1  # the last row of both stands for NO_CLASS
        self.of_class = nn.Embedding(whole + 1, width)
        self.of_group = nn.Embedding(shape.classes + 1, width)
        nn.init.zeros_(self.of_group.weight)
        self.register_buffer("parents", torch.tensor([*parents, whole]), persistent=False)

    def forward(self, y: Tensor) -> Tensor:
        """Vectors (n, width) of groups (n,), NO_CLASS among them."""
        told: Tensor = self.of_class(self.class_of(y)) + self.of_group(y % len(self.parents))
        return told

    def class_of(self, y: Tensor) -> Tensor:
        """Class (n,) of groups (n,); NO_CLASS is one of its own."""
        return self.parents[y % len(self.parents)]
