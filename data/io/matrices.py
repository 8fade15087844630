"""Arrays for the values of a table, in memory shared by the process that reads and the one that asked."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PACE = 10_000_000  # bytes of a file, and of its values, that must be read each second

_shared: BinaryIO | None = None


def share(file: BinaryIO) -> None:
    """From here on `matrix` takes the memory of this file: the process was started to read for another."""
    global _shared
    _shared = file


def matrix(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Zeros for the values of a table."""
    size = 4 * shape[0] * shape[1]
    if _shared is None or not size:
        return np.zeros(shape, dtype=np.float32)
    _allow(size)
    _shared.truncate(size)
    return shared_values(_shared, shape)


def shared_values(file: BinaryIO, shape: tuple[int, int]) -> NDArray[np.float32]:
    """The array in the memory of a file, without a copy."""
    size = 4 * shape[0] * shape[1]
    if not size:
        return np.zeros(shape, dtype=np.float32)
    return np.frombuffer(mmap.mmap(file.fileno(), size), dtype=np.float32).reshape(shape)


def _allow(size: int) -> None:
    """Widen the limit of time for values of so many bytes."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_CPU, (min(soft + size // PACE, hard), hard))
