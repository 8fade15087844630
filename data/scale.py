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
_ENOUGH = 100  # values, below which two cohorts may differ in kind by chance
_APART = 1.5  # ratio of sample totals beyond which whole numbers are no rounded linear values
_CENTRED, _LEVEL = 0.2, 0.1  # share of negative values and spread of the genes' means, of train's, after centring
_GENES, _ALIKE, _STRETCHED = 20, 0.99, 1.25  # genes, correlation of their means, and ratio: log2 to ln is 0.69
_BLOCK = 1 << 22  # values converted at a time: limits float64 workspace to 32 MB
_CACHED = 1 << 16  # values looked at at a time: they stay in the processor's cache


def detect_scale(x: NDArray[Any]) -> Scale:
    """Most likely scale of the values of `x` (samples, genes).

    Non-negative whole numbers beyond 30 are counts; values that all lie within +-40 are log2 values; the rest is
    linear. Small counts (no gene above 30) cannot be distinguished from log2 values: state the scale then.
    """
    if x.size == 0:
        return "log"
    low, high = float(x.min()), float(x.max())
    if low >= 0 and high > COUNTS_LIMIT and _whole(x):
        return "counts"
    return "log" if -LOG_LIMIT <= low and high <= LOG_LIMIT else "linear"


def contradiction(x: NDArray[Any], scale: Scale) -> str:
    """Why values `x` (samples, genes) cannot be on a scale, in words; "" where they can be."""
    if x.size == 0:
        return ""
    if scale == "counts" and float(x.min()) < 0:
        return "there are negative values, which counts never are"
    if scale == "counts" and not _whole(x):
        share = float(np.mean([np.mean(b != np.rint(b)) for b in _blocks(x)]))
        return f"{max(share, 0.001):.1%} of the values have fractions"
    if scale == "log" and max(-float(x.min()), float(x.max())) > LOG_LIMIT:
        return f"there are values beyond {LOG_LIMIT:g}, which no logarithm reaches"
    return ""


def deciding_columns(x: NDArray[Any], scale: Scale) -> tuple[Scale, list[int]] | None:
    """The few columns of `x` (samples, genes) but for which another scale had been detected, and that scale.

    None where the scale rests on most of the columns.
    """
    few = max(3, x.shape[1] // 20)
    if scale == "counts" or not x.size or x.shape[1] < 3:
        return None
    odd: list[NDArray[np.bool_]] = []
    if scale == "linear":
        odd.append(np.maximum(-x.min(axis=0), x.max(axis=0)) > LOG_LIMIT)
    head = x[:20]
    if ((head < 0) | (head != np.rint(head))).any(axis=0).sum() <= few:
        odd.append(np.logical_or.reduce([((b < 0) | (b != np.rint(b))).any(axis=0) for b in _blocks(x)]))
    for columns in odd:
        if 0 < columns.sum() <= few and 2 * columns.sum() < len(columns):
            rest = detect_scale(x[:, ~columns])
            if rest != scale:
                return rest, np.flatnonzero(columns).tolist()
    return None


def require_same_scale(train: Cohort, cohort: Cohort, name: str) -> None:
    """Refuse a cohort whose values are on another scale than train's, whatever both are said to be on.

    Raises:
        DataError: the line names both scales, and what in the values says so.
    """
    if not train.about.scaled:
        return
    if train.scale != cohort.scale:
        raise DataError(
            f"{name} is on scale {cohort.scale}, train on scale {train.scale}: give both on one scale, or state the "
            "scale that all have (--scale, scale=)"
        )
    why = contradiction(cohort.x, train.scale) or _unlike(train, cohort)
    if why:
        own = detect_scale(cohort.x)
        seems = f"on scale {own}" if own != train.scale else "on another scale"
        raise DataError(
            f"{name} seems to be {seems}, train is on scale {train.scale}: in {name} {why}; give both on one scale"
        )


def _unlike(train: Cohort, cohort: Cohort) -> str:
    """What in the values says that a cohort is on another scale than train; "" where nothing does."""
    real, x = train.x, cohort.x
    if train.scale == "counts" or real.size == 0 or x.size < _ENOUGH:
        return ""
    whole = float(x.min()) < float(x.max()) and _whole(x) and not _whole(real)
    if train.scale == "linear":
        largest = [float(np.median(np.abs(side).max(axis=1))) for side in (real, x)]
        if largest[0] > LOG_LIMIT >= float(np.abs(x).max()):
            return f"no value is beyond {LOG_LIMIT:g}, as in logarithms"
        sizes = [float(np.median(side.sum(axis=1, dtype=np.float64))) for side in (real, x)]
        apart = min(sizes) <= 0 or max(sizes) / min(sizes) > _APART
        return "all values are whole numbers, as counts are" if whole and apart else ""
    return "all values are whole numbers, as counts are" if whole else ""


def require_same_units(train: Cohort, cohort: Cohort, name: str) -> None:
    """Refuse log values that were centred, or have another base than train's.

    For files alone: a model may well make such values, and is judged for them.

    Raises:
        DataError: what in the values says so.
    """
    if train.about.scaled and train.scale == "log" and (why := _restated(train, cohort)):
        raise DataError(
            f"{name} seems to be on another scale, train is on scale log: in {name} {why}; give both on one scale"
        )


def _restated(train: Cohort, cohort: Cohort) -> str:
    """What in the values says that log values are in other units than train's; "" where nothing does."""
    real, x = train.x, cohort.x
    if train.features != cohort.features or len(train.features) < _GENES or not len(real) or not len(x):
        return ""
    means = [side.mean(axis=0, dtype=np.float64) for side in (real, x)]
    spread = [float(mean.std()) for mean in means]
    below = float(np.mean(x < 0)) if float(real.min()) >= 0 else 0.0
    if below > _CENTRED and spread[1] < _LEVEL * spread[0]:
        return f"{below:.0%} of the values are negative, as after centring each gene, in train none"
    if min(spread) > 0 and np.corrcoef(*means)[0, 1] > _ALIKE:
        slope = float(np.polyfit(means[0], means[1], 1)[0])
        if not 1 / _STRETCHED < slope < _STRETCHED:
            return f"the genes' means are {slope:.2f} times train's, as with another base of the logarithm"
    return ""


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


def _whole(x: NDArray[Any]) -> bool:
    """Whether all values are whole numbers; missing ones are not asked."""
    for block in _blocks(x, _CACHED):
        whole = block == np.rint(block)
        if not whole.all() and not (whole | np.isnan(block)).all():
            return False
    return True


def _row_blocks(x: NDArray[Any], values: int = _BLOCK) -> list[tuple[int, NDArray[Any]]]:
    rows = max(1, values // max(1, x.shape[1]))
    return [(start, x[start : start + rows]) for start in range(0, len(x), rows)]


def _blocks(x: NDArray[Any], values: int = _BLOCK) -> list[NDArray[Any]]:
    return [block for _, block in _row_blocks(x, values)]
