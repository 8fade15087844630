"""Images sampled on rings around a centre: turning one moves it along the rings, mirroring one reverses them.

The products of the rings' Fourier coefficients, taken frequency by frequency, do not change when an image is turned or
mirrored, while the rings' angles to each other are kept (the bispectrum's relatives in Kakarala 2012, J. Math. Imaging
Vis. 44:341; here of second order between rings and channels). Zoom and shift are searched: an image is sampled in
several poses. Brightness and contrast of each channel are removed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.fft import irfft, rfft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Images, Matrix

RINGS = 6
ANGLES = 32
FREQUENCIES = 7  # of the invariants; finer detail along the rings differs by resampling
FINE_ANGLES = 128  # of the search for the best angle: 2.8 degrees
REACH = 0.83  # radius of the outermost ring, of half the shorter side
BLUR = 0.8  # standard deviation of the smoothing before sampling, in pixels of an image of 28
SIDE = 28  # pixels on the shorter side that larger images are reduced to
NOISE = 4.0  # grey levels added to a channel's contrast, so that an empty channel stays empty


class Pose(NamedTuple):
    """Where an image is sampled: a zoom of 1.1 makes what is at the centre a tenth larger.

    Attributes:
        zoom: magnification.
        down, across: shift of the centre in pixels of an image of 28.
    """

    zoom: float = 1.0
    down: float = 0.0
    across: float = 0.0


AS_IT_IS = Pose()


def reduced(x: Images) -> Matrix:
    """Images as planes, float32 (n, channels, height, width), tiles of whole pixels averaged to about 28 on a side."""
    side = max(1, min(x.shape[1:3]) // SIDE)
    height, width = x.shape[1] // side * side, x.shape[2] // side * side
    cut = x[:, :height, :width].reshape(len(x), height // side, side, width // side, side, x.shape[3])
    means = cut.mean(axis=(2, 4), dtype=np.float32)
    return np.ascontiguousarray(means.transpose(0, 3, 1, 2))


def on_rings(planes: Matrix, pose: Pose = AS_IT_IS) -> Matrix:
    """Images standardised on rings in a pose, (n, channels * rings, angles).

    Mean and contrast of each channel over the disc are removed, rings weighted by their length.

    Args:
        planes: see `reduced`.
        pose: where the images are sampled.
    """
    n, channels, height, width = planes.shape
    values = planes.reshape(n * channels, -1) @ _sampler(height, width, pose)
    return standardised_rings(values.reshape(n, channels, -1))


def standardised_rings(values: Matrix) -> Matrix:
    """Samples (n, channels, rings * angles) without brightness and contrast, (n, channels * rings, angles)."""
    n, channels = values.shape[:2]
    values = values.reshape(n, channels, RINGS, ANGLES)
    weight = ring_weights()[:, None]
    values = values - (values * weight).sum(axis=2, keepdims=True).mean(axis=3, keepdims=True)
    contrast = np.sqrt((values**2 * weight).sum(axis=2, keepdims=True).mean(axis=3, keepdims=True)) + NOISE
    values *= np.sqrt(weight) / contrast
    return values.reshape(n, channels * RINGS, ANGLES)


def invariants(rings: Matrix) -> Matrix:
    """Products of the rings' Fourier coefficients, (n, d): equal for an image, turned or mirrored.

    Those of each frequency are divided by the root of their norm, so that coarse structure does not outweigh the rest.

    Args:
        rings: see `on_rings`.
    """
    n, width = rings.shape[:2]
    waves = rfft(rings, axis=-1)[..., :FREQUENCIES].transpose(0, 2, 1) / ANGLES
    real, imaginary = (np.ascontiguousarray(part[:, 1:]) for part in (waves.real, waves.imag))
    products = real[..., :, None] * real[..., None, :] + imaginary[..., :, None] * imaginary[..., None, :]
    products = products.reshape(n, FREQUENCIES - 1, width * width)
    products /= np.sqrt(np.linalg.norm(products, axis=2, keepdims=True) + 1e-6)
    flat = products.reshape(n, -1)
    return np.concatenate([waves.real[:, 0], flat], axis=1, dtype=np.float32)


def gap_at_best_angle(a: Matrix, b: Matrix) -> Matrix:
    """Root mean square difference of standardised images at the best angle, mirrored or not, (n,).

    By the correlation theorem, at angles 2.8 degrees apart.

    Args:
        a: (n, channels * rings, angles), see `on_rings`.
        b: the same, image by image.
    """
    first, second = rfft(a, axis=-1), rfft(b, axis=-1)
    both = [(first * way).sum(axis=1) for way in (second.conj(), second)]
    most = np.max([irfft(product, FINE_ANGLES, axis=-1).max(axis=1) for product in both], axis=0)
    power = (a**2).sum(axis=(1, 2)) + (b**2).sum(axis=(1, 2))
    square = power / ANGLES - 2 * most * (FINE_ANGLES / ANGLES) / ANGLES
    gap: Matrix = np.sqrt(np.maximum(square, 0) * RINGS / a.shape[1]).astype(np.float32)
    return gap


def ring_weights() -> Matrix:
    """Share of each ring's length in all rings', (rings,)."""
    length = np.arange(1, RINGS + 1)
    weights: Matrix = (length / length.sum()).astype(np.float32)
    return weights


def places_at(
    height: int, width: int, zoom: NDArray[np.float64], down: NDArray[np.float64], across: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns at which images in these poses (n,) are sampled, (n, rings * angles), kept within the image."""
    side = min(height, width)
    radius = np.repeat(np.arange(1, RINGS + 1), ANGLES) / RINGS * REACH * side / 2
    angle = np.tile(np.arange(ANGLES) * 2 * np.pi / ANGLES, RINGS)
    rows = (height - 1) / 2 + (down * side / SIDE)[:, None] + np.sin(angle) * radius / zoom[:, None]
    columns = (width - 1) / 2 + (across * side / SIDE)[:, None] + np.cos(angle) * radius / zoom[:, None]
    return np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)


def sampled(planes: Matrix, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> Matrix:
    """Values of images (n, channels, height, width) between pixels, bilinear, (n, channels, places)."""
    n, _, height, width = planes.shape
    flat = planes.transpose(0, 2, 3, 1).reshape(n * height * width, -1)
    top, left = (np.clip(at.astype(np.int64), 0, max(size - 2, 0)) for at, size in ((rows, height), (columns, width)))
    lower, right = ((at - first)[..., None].astype(np.float32) for at, first in ((rows, top), (columns, left)))
    start = np.arange(n)[:, None] * height * width + top * width + left
    across, below = int(width > 1), width * int(height > 1)
    upper_row = flat[start] * (1 - right) + flat[start + across] * right
    lower_row = flat[start + below] * (1 - right) + flat[start + below + across] * right
    values: Matrix = (upper_row * (1 - lower) + lower_row * lower).transpose(0, 2, 1)
    return values


@lru_cache(maxsize=256)
def _sampler(height: int, width: int, pose: Pose) -> Matrix:
    """Weights of an image's pixels in its samples, (pixels, rings * angles): smoothed by a Gaussian."""
    down, across = (part[0] for part in places_at(height, width, *np.asarray(pose)[:, None]))
    spread = BLUR * min(height, width) / SIDE
    rows, columns = (
        np.exp(-((at[:, None] - np.arange(size)) ** 2) / (2 * spread**2))
        for at, size in ((down, height), (across, width))
    )
    rows, columns = (part / part.sum(axis=1, keepdims=True) for part in (rows, columns))
    weights = rows[:, :, None] * columns[:, None, :]
    return np.ascontiguousarray(weights.reshape(len(down), -1).T, dtype=np.float32)
