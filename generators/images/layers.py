"""`ImageShape`, which all networks for images are built for, and the layers that they share."""

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
        classes: number of classes, or of groups (appearance clusters within classes) in their place.
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
    """Images (n, c, h, w) in the memory layout in which convolutions are fastest."""
    return x.contiguous(memory_format=torch.channels_last)


def group_norm(width: int, of: int = 16, affine: bool = True) -> nn.GroupNorm:
    """Norm over groups of `of` channels (16 and 32 are fast on a CPU), or over all where `width` is no multiple."""
    return nn.GroupNorm(width // of if width % of == 0 else 1, width, affine=affine)


class GroupEmbedding(nn.Module):
    """Embedding of groups (n,) as vectors (n, width): that of the class, plus the group's difference from it.

    An appearance cluster of twenty patients shares what is learned from the whole class; its own part starts at zero.
    Networks hold this as `told`, a name that the keys of saved weights contain.
    """

    parents: Tensor

    def __init__(self, shape: ImageShape, width: int) -> None:
        super().__init__()
        parents = shape.parents or tuple(range(shape.classes))
        whole = max(parents) + 1  # the last row of both is NO_CLASS
        self.of_class = nn.Embedding(whole + 1, width)
        self.of_group = nn.Embedding(shape.classes + 1, width)
        nn.init.zeros_(self.of_group.weight)
        self.register_buffer("parents", torch.tensor([*parents, whole]), persistent=False)

    def forward(self, y: Tensor) -> Tensor:
        """Vectors (n, width) of groups (n,), NO_CLASS among them."""
        vectors: Tensor = self.of_class(self.class_of(y)) + self.of_group(y % len(self.parents))
        return vectors

    def class_of(self, y: Tensor) -> Tensor:
        """Class (n,) of groups (n,); NO_CLASS has an index of its own."""
        return self.parents[y % len(self.parents)]
