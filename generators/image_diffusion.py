"""The diffusion's settings for images."""

from __future__ import annotations

from dataclasses import dataclass

from generators.diffusion import DiffusionFamily


@dataclass(frozen=True)
class ImageDiffusionFamily(DiffusionFamily):
    """EDM on pixels with a small U-Net.

    More noise than on expression, in training and at the sampler's start: neighbouring pixels agree, so that it takes
    much of it to hide what a picture is of (Hoogeboom et al. 2023, "simple diffusion", section 3.1).
    """

    steps: int = 10_000
    batch_size: int = 64
    ema_decay: float = 0.999
    width: int = 64
    depth: int = 2
    validation: float = 0.0
    patience: int = 0
    p_mean: float = -0.4
    sigma_max: float = 40.0
