"""Puzzles: an image is transformed in one of a few ways, and the network classifies which."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from cohortsmith.data import DataError
from cohortsmith.ssl_models.augmentations import require
from cohortsmith.ssl_models.pretexts import BACKBONE
from cohortsmith.ssl_models.pretexts.images.base import ImagePretext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from cohortsmith.ssl_models.augmentations import Noise
    from cohortsmith.ssl_models.backbones import Backbone
    from cohortsmith.training import Batch

_HEAD = "head"
_TRIED = 1000  # candidate permutations


@dataclass(frozen=True)
class Puzzle(ImagePretext):
    """Classification of a transformation: softmax cross-entropy of a dense layer on the backbone's features."""

    @property
    @abstractmethod
    def answers(self) -> int:
        """Number of classes of the puzzle."""

    @abstractmethod
    def changed(self, x: Tensor, answer: Tensor) -> Tensor:
        """Images (b, channels, height, width), each transformed according to its answer (b,)."""

    def refuse(self, x: Tensor) -> None:
        """Raise a DataError about images that do not suit the puzzle."""

    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """The backbone and the dense layer."""
        self.refuse(x)
        return {BACKBONE: backbone, _HEAD: nn.Linear(backbone.width, self.answers)}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One update; the accuracy on the batch is logged."""
        logits, answer = self._asked(nets, batch.x, batch)
        batch.log("accuracy_train", (logits.detach().argmax(1) == answer).float().mean())
        yield BACKBONE, F.cross_entropy(logits, answer)

    def loss(self, nets: Mapping[str, nn.Module], x: Tensor, noise: Noise) -> Tensor:
        """Cross-entropy of images uint8 (b, channels, height, width), each transformed at random."""
        return F.cross_entropy(*self._asked(nets, x, noise))

    def _asked(self, nets: Mapping[str, nn.Module], x: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        answer = noise.randint(self.answers)
        logits: Tensor = nets[_HEAD](nets[BACKBONE](self.changed(x, answer)))
        return logits.float(), answer


@dataclass(frozen=True)
class Rotation(Puzzle):
    """Classifies the rotation of an image by 0 to 3 quarter turns (Gidaris et al. 2018).

    It teaches nothing on images without orientation, such as cells.
    """

    answers: ClassVar[int] = 4

    def changed(self, x: Tensor, answer: Tensor) -> Tensor:
        """Images rotated anticlockwise by `answer` quarter turns."""
        turned = torch.stack([x.rot90(quarter, (2, 3)) for quarter in range(4)])
        return turned[answer, torch.arange(len(x), device=x.device)]

    def refuse(self, x: Tensor) -> None:
        """Refuse images that are not square."""
        if x.shape[2] != x.shape[3]:
            raise DataError(f"rotation needs square images; these are {x.shape[2]} x {x.shape[3]} pixels")


@dataclass(frozen=True)
class Flip(Puzzle):
    """Classifies the flips of an image: none (0), horizontal (1), vertical (2), or both (3)."""

    answers: ClassVar[int] = 4

    def changed(self, x: Tensor, answer: Tensor) -> Tensor:
        """Images flipped according to `answer`."""
        across, down = ((answer & bit).bool()[:, None, None, None] for bit in (1, 2))
        x = torch.where(across, x.flip(3), x)
        return torch.where(down, x.flip(2), x)


@dataclass(frozen=True)
class Permutation(Puzzle):
    """Classifies which of k permutations was applied to the tiles of an image (Noroozi & Favaro 2016).

    The network sees the whole shuffled image. The permutations are fixed: the first is the identity, and each following
    one has the largest Hamming distance to those before it.

    Attributes:
        grid: tiles per side.
        orders: k, at most the factorial of the number of tiles.

    Raises:
        DataError: an invalid setting.
    """

    grid: int = 2
    orders: int = 24

    def __post_init__(self) -> None:
        require(self.grid >= 2, "grid", "at least 2 tiles per side", self.grid)
        most = math.factorial(min(self.grid**2, 9))
        require(2 <= self.orders <= most, "orders", f"from 2 to {most}", self.orders)

    @property
    def answers(self) -> int:
        """Number of permutations."""
        return self.orders

    def changed(self, x: Tensor, answer: Tensor) -> Tensor:
        """Images with tiles permuted according to `answer`."""
        n, channels, height, width = x.shape
        grid, tall, wide = self.grid, height // self.grid, width // self.grid
        tiles = x.view(n, channels, grid, tall, grid, wide).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
        orders = torch.from_numpy(orders_of(grid**2, self.orders)).to(x.device)
        moved = torch.take_along_dim(tiles, orders[answer][:, :, None, None, None], 1)
        return moved.view(n, grid, grid, channels, tall, wide).permute(0, 3, 1, 4, 2, 5).reshape(x.shape)

    def refuse(self, x: Tensor) -> None:
        """Refuse images that cannot be divided into tiles."""
        if x.shape[2] % self.grid or x.shape[3] % self.grid:
            raise DataError(
                f"permutation divides images into {self.grid} tiles per side; these are {x.shape[2]} x {x.shape[3]} "
                "pixels"
            )


@cache
def orders_of(tiles: int, count: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Permutations of the tiles (count, tiles), far from one another, the first the identity; deterministic."""
    rng = np.random.default_rng(0)
    if math.factorial(tiles) <= _TRIED:
        pool = np.array(list(itertools.permutations(range(tiles))))
    else:
        drawn = rng.permuted(np.tile(np.arange(tiles), (max(_TRIED, 4 * count), 1)), axis=1)
        pool = np.unique(np.concatenate([np.arange(tiles)[None], drawn]), axis=0)
    chosen = [0]  # the pool is sorted, so the first is the identity
    distance = np.full(len(pool), tiles + 1)
    for _ in range(count - 1):
        distance = np.minimum(distance, (pool != pool[chosen[-1]]).sum(1))
        chosen.append(int(distance.argmax()))
    return pool[chosen]
