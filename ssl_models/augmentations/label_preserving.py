"""Label-preserving augmentations for fine-tuning, drawn independently for each patient and training step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cohortsmith.ssl_models.augmentations.noise import mask_per_patient, values_of_others

if TYPE_CHECKING:
    from cohortsmith.training import Batch

# From inputs (b, ...) and their batch, which provides the random numbers, to inputs of the same shape.
Augmentation = Callable[["Tensor", "Batch"], "Tensor"]

_PIXELS = 2
_GENES = 0.1  # share


def corrupted(x: Tensor, batch: Batch) -> Tensor:
    """Patients (b, genes) with a random tenth of their genes replaced by the values of other patients of the batch.

    As in Yoon et al. 2020, equations 1-3.
    """
    return torch.where(mask_per_patient(batch, x.shape[1], _GENES), values_of_others(batch, x), x)


def shift(x: Tensor, batch: Batch) -> Tensor:
    """Images (b, channels, height, width) shifted by up to two pixels independently; borders are repeated.

    Small shifts of a cell, an organ or a lesion preserve its class; flips need not (left and right kidney), so images
    are not flipped.
    """
    return shifted(x, batch.randint(2 * _PIXELS + 1, 2) - _PIXELS)


def shifted(x: Tensor, by: Tensor) -> Tensor:
    """Images (n, channels, height, width) shifted by `by` (n, 2) pixels, down and right; borders are repeated."""
    height, width = x.shape[2:]
    rows = (torch.arange(height, device=x.device) - by[:, :1]).clamp(0, height - 1)
    columns = (torch.arange(width, device=x.device) - by[:, 1:]).clamp(0, width - 1)
    images, channels = (torch.arange(size, device=x.device) for size in x.shape[:2])
    return x[images[:, None, None, None], channels[:, None, None], rows[:, None, :, None], columns[:, None, None, :]]
