"""Augmentations: patients changed in ways that leave their class, drawn anew for each in each training step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cohortsmith.ssl_models.augmentations.noise import mask_each, values_of_others

if TYPE_CHECKING:
    from cohortsmith.training import Batch

# Of the inputs (b, ...) of a batch, which also has the random numbers; the shape stays.
Augmentation = Callable[["Tensor", "Batch"], "Tensor"]

_PIXELS = 2
_GENES = 0.1  # share


def corrupted(x: Tensor, batch: Batch) -> Tensor:
    """Patients (b, genes) with a tenth of their genes, each on its own, at another patient's value of the gene.

    The other is of the same batch (Yoon et al. 2020, equations 1-3).
    """
    return torch.where(mask_each(batch, x.shape[1], _GENES), values_of_others(batch, x), x)


def shift(x: Tensor, batch: Batch) -> Tensor:
    """Images (b, channels, height, width) moved by up to two pixels, each on its own; borders are repeated.

    A cell, an organ or a lesion that stands a little off keeps its class; one that is mirrored need not (a left and a
    right kidney), so images are not flipped.
    """
    return shifted(x, batch.randint(2 * _PIXELS + 1, 2) - _PIXELS)


def shifted(x: Tensor, by: Tensor) -> Tensor:
    """Images (n, channels, height, width) moved by `by` (n, 2) pixels, down and right; borders are repeated."""
    height, width = x.shape[2:]
    rows = (torch.arange(height, device=x.device) - by[:, :1]).clamp(0, height - 1)
    columns = (torch.arange(width, device=x.device) - by[:, 1:]).clamp(0, width - 1)
    images, channels = (torch.arange(size, device=x.device) for size in x.shape[:2])
    return x[images[:, None, None, None], channels[:, None, None], rows[:, None, :, None], columns[:, None, None, :]]
