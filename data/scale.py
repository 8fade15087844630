"""Scales of gene expression: raw counts, linear intensities, log2 values, and conversion between them.

Models and metrics work on log2 values (`to_log`); output is written in the original scale (`from_log`).
Counts become log2(CPM + 1), CPM being counts per million of the sample's own total (Law et al. 2014, voom, without
its offset of one half so that a zero stays a zero). Linear values become sign(x) log2(1 + |x|): background-corrected
microarrays hold negatives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from cohortsmith.data.cohort import Cohort, Scale
from cohortsmith.data.errors import DataError
from cohortsmith.data.kinds import EXPRESSION, require_kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

MILLION = 1e6
LOG_LIMIT = 40.0  # no measurement reaches 2**40; values within +-40 are log2 values
COUNTS_LIMIT = 30.0  # integers up to this may as well be rounded log2 values or codes
_BLOCK = 1 << 22  # values converted at a time: limits float64 workspace to 32 MB


def detect_scale(x: NDArray[Any]) -> Scale:
    """Most likely scale of the values of `x` (samples, genes).

    Non-negative whole numbers beyond 30 are counts; values that all lie within +-40 are log2 values; the rest is
    linear. Small counts (no gene above 30) cannot be distinguished from log2 values: state the scale then.
    """
    if x.size == 0:
        return "log"
    low, high = float(x.min()), float(x.max())
    if low >= 0 and high > COUNTS_LIMIT and all(bool(np.all(b == np.rint(b))) for b in _blocks(x)):
        return "counts"
    return "log" if -LOG_LIMIT <= low and high <= LOG_LIMIT else "linear"


def to_log(x: NDArray[Any], scale: Scale) -> NDArray[np.float32]:
    """Log2 values, float32 of the shape of `x` (samples, genes).

    Counts need complete rows: the library size of a sample is the sum over its row. A sample without any count
    stays zero.

    Raises:
        DataError: unknown scale, or negative counts.
    """
    _check(scale)
    if scale == "log":
        return x.astype(np.float32)
    out = np.empty(x.shape, dtype=np.float32)
    for start, block in _row_blocks(x):
        wide = block.astype(np.float64)
        if scale == "counts":
            if wide.min(initial=0) < 0:
                raise DataError("counts must not be negative; state the scale of these values as linear or log")
            wide *= MILLION / np.maximum(wide.sum(axis=1, keepdims=True), 1.0)
            value = np.log2(wide + 1)
        else:
            value = np.copysign(np.log1p(np.abs(wide)) / np.log(2), wide)
        out[start : start + len(block)] = value
    return out


def from_log(z: NDArray[Any], scale: Scale, library_size: NDArray[Any] | float | None = None) -> NDArray[np.float32]:
    """Values in `scale` from log2 values `z` (samples, genes): the inverse of `to_log`, float32.

    Args:
        z: log2 values, (samples, genes).
        scale: target scale.
        library_size: for counts, total counts of each sample, (samples,) or one number; one million by default.

    Returns:
        Valid values: counts are non-negative integers, and each row sums to its library size up to rounding
        (an empty row stays zero).

    Raises:
        DataError: unknown scale.
    """
    _check(scale)
    if scale == "log":
        return z.astype(np.float32)
    out = np.empty(z.shape, dtype=np.float32)
    sizes = np.broadcast_to(np.asarray(MILLION if library_size is None else library_size, dtype=np.float64), len(z))
    for start, block in _row_blocks(z):
        wide = block.astype(np.float64)
        if scale == "counts":
            value = np.expm1(np.maximum(wide, 0) * np.log(2))
            total = value.sum(axis=1, keepdims=True)
            size = sizes[start : start + len(block), None]
            value = np.rint(np.divide(value * size, total, out=np.zeros_like(value), where=total > 0))
        else:
            value = np.copysign(np.expm1(np.abs(wide) * np.log(2)), wide)
        out[start : start + len(block)] = value
    return out


def log_expression(cohort: Cohort) -> NDArray[np.float32]:
    """Log2 values of an expression cohort, float32 (samples, genes).

    Raises:
        DataError: the cohort is not of expression data.
    """
    require_kind(cohort.kind, EXPRESSION, "log2 values need an expression cohort")
    return to_log(cohort.x, cohort.scale)


def numbers_of(cohort: Cohort) -> NDArray[np.float32]:
    """Measurements in which distances are taken, float32 (samples, values): log2 values where there is a scale."""
    if cohort.about.scaled:
        return to_log(cohort.x, cohort.scale)
    return cohort.x.reshape(len(cohort), -1).astype(np.float32)


def _check(scale: str) -> None:
    if scale not in get_args(Scale):
        raise DataError(f"scale must be one of {', '.join(get_args(Scale))}; got {scale!r}")


def _row_blocks(x: NDArray[Any]) -> list[tuple[int, NDArray[Any]]]:
    rows = max(1, _BLOCK // max(1, x.shape[1]))
    return [(start, x[start : start + rows]) for start in range(0, len(x), rows)]


def _blocks(x: NDArray[Any]) -> list[NDArray[Any]]:
    return [block for _, block in _row_blocks(x)]
