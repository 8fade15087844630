"""Diffusion on images: its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cohortsmith.generators.objectives import DiffusionFamily


@dataclass(frozen=True)
class ImageDiffusionFamily(DiffusionFamily):
    """EDM on pixels with a small U-Net.

    More noise than on expression, in training and at the sampler's start: neighbouring pixels are correlated, so that
    more noise is needed to hide the content of an image (Hoogeboom et al. 2023, "simple diffusion", section 3.1).
    Twelve calls of DPM-Solver++ gave the same figures as Heun's nineteen, and a little guidance between two noise
    levels made classes recognisable without loss of diversity.
    """

    steps: int = 15_000
    epochs: int = 150
    minutes: float = 20.0
    batch_size: int = 64
    ema_decay: float = 0.999
    width: int = 64
    depth: int = 2
    validation: float = 0.0
    validate_every: int = 100
    patience: int = 0
    p_mean: float = -0.4
    solver: Literal["heun", "dpm"] = "dpm"
    sampling_steps: int = 12
    guidance: float = 1.3
    guided_below: float = 6.0
    guided_above: float = 0.3
    sigma_max: float = 40.0
