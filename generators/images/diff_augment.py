"""Differentiable augmentation (Zhao et al. 2020) of all images that a discriminator sees, real and generated.

A discriminator that never sees the same image twice cannot memorise the patients; since generated images are augmented
in the same way, and gradients pass through, the generator does not learn the augmentation itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

DRAWS = 4  # uniform numbers per image
_SHIFT = 1 / 8  # of a side, at most, either way
_HOLE = 1 / 2  # of a side


def augment(x: Tensor, uniform: Tensor, strength: float) -> Tensor:
    """Images (n, channels, side, side) shifted by whole pixels and with a square cut out, by uniform (n, 4) in [0, 1).

    What a shift uncovers repeats the edge; a hole is filled with zero, the average of the codes. `strength` scales
    both; 0 leaves the images as they are, 1 is the paper's.
    """
    side = x.shape[-1]
    most, hole = round(strength * side * _SHIFT), round(strength * side * _HOLE)
    at = torch.arange(side, device=x.device)
    down, right, top, left = uniform.T[:, :, None]
    if most:
        rows, columns = (_shifts(at, way, most).to(x.dtype) for way in (down, right))
        with torch.autocast(x.device.type, enabled=False):  # pixels are shifted, not rounded
            x = rows[:, None] @ x @ columns[:, None].mT
    if hole:
        # Centres are anywhere on the image, so a hole may extend beyond its edge.
        in_rows, in_columns = ((at - (way * side).long() + hole // 2).div(hole).floor() == 0 for way in (top, left))
        x = x * ~(in_rows[:, None, :, None] & in_columns[:, None, None, :])
    return x


def _shifts(at: Tensor, way: Tensor, most: int) -> Tensor:
    """Matrices (n, side, side) that shift columns by whole pixels from -most to most, by uniform `way` (n, 1)."""
    moved = at + (way * (2 * most + 1)).long() - most
    return moved.clamp(0, len(at) - 1)[..., None] == at
