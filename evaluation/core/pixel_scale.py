"""`PixelScale`: images as rows of tiles, in train's standard deviations of each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cohortsmith.evaluation.core.image_models import Images

Matrix = NDArray[np.float32]
TILE = 2  # pixels on a side of what a profile has one value of, in each channel


class PixelScale:
    """Mean and standard deviation of each channel over a cohort of images; (channels,) each.

    Args:
        x: uint8 (n, height, width, channels).
    """

    def __init__(self, x: Images) -> None:
        pixels = x.reshape(-1, x.shape[-1])
        levels = np.arange(256)
        counts = np.stack([np.bincount(channel, minlength=256) for channel in pixels.T])
        self.mean: NDArray[np.float64] = counts @ levels / len(pixels)
        spread = np.sqrt(np.maximum(counts @ levels**2 / len(pixels) - self.mean**2, 0))
        self.sd: NDArray[np.float64] = np.where(spread > 0, spread, 1.0)

    def profiles(self, x: Images) -> Matrix:
        """Images as rows, (n, tiles * channels): means of tiles of 2 x 2 pixels in standard deviations of a channel."""
        coarse = (tiles(x, TILE) - self.mean) / self.sd
        return coarse.reshape(len(x), -1).astype(np.float32)

    def noise(self, n: int, shape: tuple[int, ...], rng: np.random.Generator) -> Images:
        """Images without structure, uint8 (n, *shape): every pixel drawn independently of all others and of its place.

        Normal with the mean and the standard deviation of its channel, rounded, cut at 0 and 255.
        """
        values = rng.standard_normal((n, *shape), dtype=np.float32) * self.sd.astype(np.float32)
        return np.clip(np.rint(values + self.mean.astype(np.float32)), 0, 255).astype(np.uint8)


def tiles(x: Images, side: int) -> NDArray[np.float32]:
    """Means of square tiles, (n, height / side, width / side, channels); an edge that fills no tile is left out."""
    height, width = x.shape[1] // side, x.shape[2] // side
    cut = x[:, : height * side, : width * side].astype(np.float32)
    parts = cut.reshape(len(x), height, side, width, side, x.shape[3])
    means: NDArray[np.float32] = parts.mean(axis=(2, 4))
    return means
