"""`ImageModels`: the feature extractors of images. The networks are defined outside this package, as callables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Images = NDArray[np.uint8]


class Learned(Protocol):
    """A trained classifier of images: class probabilities and features."""

    def predict_proba(self, x: Images) -> NDArray[np.float64]:
        """Probability of each class, (n, classes), for images (n, height, width, channels)."""

    def embed(self, x: Images) -> NDArray[np.float32]:
        """Features of images (n, height, width, channels) before the last layer, (n, d)."""


@dataclass(frozen=True)
class ImageModels:
    """Feature extractors of images: one fixed network, and a function that trains a classifier.

    Attributes:
        fixed: called as fixed(x) with images uint8 (n, height, width, channels); gives features (n, d). Always the same
            untrained network: its distances cannot reveal copies and members because it has memorised them.
        fixed_digest: SHA-256 of its weights: values measured with `fixed` are comparable only where this is the same.
        learn: called as learn(x, y, classes, seed) with images, their classes (n,) and the number of classes; trains a
            small classifier from scratch for a fixed number of steps, deterministic for a seed.
    """

    fixed: Callable[[Images], NDArray[np.float32]]
    fixed_digest: str
    learn: Callable[[Images, NDArray[np.int64], int, int], Learned]
