"""`ImageModels`: how images are seen. Networks stand outside this package; they come in as callables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Images = NDArray[np.uint8]


class Learned(Protocol):
    """A classifier of images that has learnt: what it says of their classes, and how it sees them."""

    def predict_proba(self, x: Images) -> NDArray[np.float64]:
        """Probability of each class, (n, classes), for images (n, height, width, channels)."""

    def embed(self, x: Images) -> NDArray[np.float32]:
        """Features of images (n, height, width, channels) before the last layer, (n, d)."""


@dataclass(frozen=True)
class ImageModels:
    """How images are seen: one network that is the same everywhere, and a way to make one that learns.

    Attributes:
        fixed: called as fixed(x) with images uint8 (n, height, width, channels); gives features (n, d). Always the same
            network, which has seen no data: what it says of copies and members cannot come from having learnt them.
        fixed_digest: SHA-256 of its weights: figures by `fixed` compare only where this is the same.
        learn: called as learn(x, y, classes, seed) with images, their classes (n,) and how many classes there are;
            trains a small classifier from scratch, as many steps for everybody, the same for the same seed.
    """

    fixed: Callable[[Images], NDArray[np.float32]]
    fixed_digest: str
    learn: Callable[[Images, NDArray[np.int64], int, int], Learned]
