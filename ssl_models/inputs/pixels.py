"""Images in the layout of networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from cohortsmith.data import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

_LEAST = 8  # pixels per side: networks halve it twice


def channels_first(x: NDArray[np.uint8]) -> Tensor:
    """Images (n, height, width, channels) as uint8 (n, channels, height, width).

    Raises:
        DataError: another shape, another type, or neither 1 nor 3 channels.
    """
    if x.dtype != np.uint8 or x.ndim != 4 or x.shape[3] not in (1, 3) or min(x.shape[1:3]) < _LEAST:
        raise DataError(
            f"expected uint8 images (n, height, width, 1 or 3) of at least {_LEAST} pixels per side; got {x.dtype} "
            f"of shape {x.shape}"
        )
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
