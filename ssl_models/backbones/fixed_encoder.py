"""`FixedEncoder`: an untrained convolutional network whose random weights are identical on every machine."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from cohortsmith.ssl_models.inputs import channels_first

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

# Results obtained with this encoder are comparable only for the same digest.
DIGEST = "c00fb438d067111e7f43b2b9484b37f166e2df4f3344123914dd27f55e42c6c1"

N_FEATURES = 64
_SEED = 1
_STRIDES = (1, 2, 2)
_WIDTHS = (3, 32, 64, 128)
_POOLED = 2  # means over a 2 x 2 grid: coarse location matters, the exact pixel does not
_BATCH = 512
# Mean and standard deviation of the positive part of a standard normal variable.
_MEAN, _SPREAD = 1 / math.sqrt(2 * math.pi), math.sqrt(0.5 - 0.5 / math.pi)


class FixedEncoder:
    """Maps images to 64 features by a random convolutional network (Naeem et al. 2020, section 3.2).

    A network trained on members of a cohort treats them differently from others, and one trained on photographs is
    poorly suited to cells; an untrained network has no such bias. Three 3 x 3 convolutions (28, 14 and 7
    pixels per side), means over a 2 x 2 grid, one projection. Weights are uniform with variance 1/inputs; rectified
    values are normalised to about mean 0 and variance 1, otherwise brightness would dominate all features.

    The weights come from raw output of NumPy's PCG64, whose stream is guaranteed across versions and platforms, by
    arithmetic that rounds identically everywhere.

    Attributes:
        digest: SHA-256 of the weights as little-endian float32, in the order of the layers.
    """

    def __init__(self) -> None:
        last = (N_FEATURES, _WIDTHS[-1] * _POOLED**2)
        shapes = [(wide, narrow, 3, 3) for narrow, wide in zip(_WIDTHS, _WIDTHS[1:], strict=False)]
        weights = _draw([*shapes, last])
        self.digest = hashlib.sha256(b"".join(w.astype("<f4").tobytes() for w in weights)).hexdigest()
        self._kernels = [torch.from_numpy(w) for w in weights[:-1]]
        self._projection = torch.from_numpy(weights[-1])

    @torch.no_grad()
    def __call__(self, x: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (n, 64) of images uint8 (n, height, width, channels); grey ones count as three equal channels.

        Raises:
            DataError: not such images.
        """
        images = channels_first(x)
        parts = [self._features(images[start : start + _BATCH]) for start in range(0, len(images), _BATCH)]
        return torch.cat(parts).numpy() if parts else np.empty((0, N_FEATURES), np.float32)

    def _features(self, images: Tensor) -> Tensor:
        values = (images.float() - 127.5) / 64
        values = values.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        for kernel, stride in zip(self._kernels, _STRIDES, strict=True):
            values = (F.relu(F.conv2d(values, kernel, stride=stride, padding=1)) - _MEAN) / _SPREAD
        return F.adaptive_avg_pool2d(values, _POOLED).flatten(1) @ self._projection.T


def _draw(shapes: list[tuple[int, ...]]) -> list[NDArray[np.float32]]:
    """Weights (out, in, ...) of each shape, uniform with mean 0 and variance 1/inputs."""
    sizes = [math.prod(shape) for shape in shapes]
    words = np.random.PCG64(_SEED).random_raw(sum(sizes))
    uniform = (words >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0  # 53 bits, in [-1, 1): variance 1/3
    parts = np.split(uniform, np.cumsum(sizes)[:-1])
    scales = [math.sqrt(3.0 / math.prod(shape[1:])) for shape in shapes]
    return [
        (part * scale).astype(np.float32).reshape(shape)
        for part, scale, shape in zip(parts, scales, shapes, strict=True)
    ]
