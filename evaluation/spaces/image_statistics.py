"""Interpretable statistics of an image: colours, brightness of the background, and power by spatial frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Images, Matrix

LIGHT = 90  # percentile of each channel that is taken as the background of the slide
ROUNDING = 1 / 12  # power of the rounding to whole grey levels at every frequency: the noise floor
_LUMA = np.asarray([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
_CHANNELS = {1: ("grey",), 3: ("red", "green", "blue")}


def colour_names(channels: int) -> tuple[str, ...]:
    """Names of the columns of `image_colours`."""
    each = [f"{what} of {name}" for what in ("mean", "sd", "light") for name in _CHANNELS[channels]]
    return (*each, "contrast", *(("saturation",) if channels == 3 else ()))


def image_colours(x: Images) -> Matrix:
    """Colour statistics of images x (n, height, width, channels), (n, statistics), named by `colour_names`.

    Mean, standard deviation and 90th percentile (the empty slide behind a cell) of each channel; contrast, the range
    from the 5th to the 95th percentile of the luminance; saturation, the mean of (max - min) / max. Grey levels of 255,
    saturation 0..1.
    """
    n, channels = len(x), x.shape[-1]
    pixels = x.reshape(n, -1, channels).astype(np.float32)
    grey = pixels @ _LUMA if channels == 3 else pixels[..., 0]
    low, high = np.percentile(grey, [5, 95], axis=1)
    traits = [
        pixels.mean(axis=1),
        pixels.std(axis=1),
        np.percentile(pixels, LIGHT, axis=1),
        (high - low)[:, None],
    ]
    if channels == 3:
        most = pixels.max(axis=2)
        traits.append(((most - pixels.min(axis=2)) / np.maximum(most, 1)).mean(axis=1, keepdims=True))
    return np.hstack(traits).astype(np.float32)


def radial_power(x: Images) -> Matrix:
    """Power of images x (n, height, width, channels) by spatial frequency, (n, frequencies), averaged over channels.

    Column f - 1: mean over all waves of f periods per image, rounded, in any direction, of |F|^2 / (height * width), up
    to half the side; at least `ROUNDING`. The mean of a channel is excluded.
    """
    height, width = x.shape[1:3]
    most = min(height, width) // 2
    spectrum = fft.fft2(x.astype(np.float32), axes=(1, 2))
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=3) / (height * width)
    ring = _rings(height, width)
    inside = (ring >= 1) & (ring <= most)
    member = (ring[inside][:, None] == np.arange(1, most + 1)).astype(np.float32)
    found: Matrix = np.maximum(power[:, inside] @ (member / member.sum(axis=0)), np.float32(ROUNDING))
    return found.astype(np.float32)


def image_traits(x: Images) -> Matrix:
    """Colour statistics and the logarithm of the power at each frequency, (n, statistics)."""
    return np.hstack([image_colours(x), np.log(radial_power(x))])


def trait_names(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Names of the columns of `image_traits` for images of shape (height, width, channels)."""
    waves = tuple(f"power at {f} periods" for f in range(1, min(shape[:2]) // 2 + 1))
    return (*colour_names(shape[2]), *waves)


def _rings(height: int, width: int) -> NDArray[np.int64]:
    """Periods per image, rounded, of each coefficient of a Fourier transform, (height, width)."""
    down, across = np.fft.fftfreq(height) * height, np.fft.fftfreq(width) * width
    ring: NDArray[np.int64] = np.rint(np.hypot(down[:, None], across)).astype(np.int64)
    return ring
