"""Monotone curves through averages of patients: from genes to normal scores and back.

A curve is a sequence of knots. Each knot is the mean of at least `MIN_PATIENTS` neighbouring patients, so that a saved
model holds no patient's own value and no exact extreme; beyond the outer knots a curve continues as a straight line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MIN_PATIENTS = 5
Z_LIMIT = 4.5  # normal scores stay within; one patient in 150 000 lies beyond


def knot_means(ordered: NDArray[np.floating], knots: int) -> Floats:
    """Means of `knots` equal runs of sorted rows, (knots, ...) from (n, ...)."""
    starts = np.arange(knots) * len(ordered) // knots
    sizes = np.diff(np.append(starts, len(ordered)))
    sums = np.add.reduceat(ordered, starts, axis=0, dtype=np.float64)
    return np.asarray(sums / sizes.reshape(-1, *[1] * (ordered.ndim - 1)), dtype=np.float32)


def follow(values: Floats, start: Floats, end: Floats, slopes: tuple[float, float] | None = None) -> Floats:
    """Map values along the curve from knots `start` (k,) to knots `end` (k,), both ascending.

    Beyond the outer knots the line continues with the given slopes (low end, high end), or those of the outer segments.
    """
    if len(start) == 1:
        return np.asarray(values + (end[0] - start[0]), dtype=np.float32)
    low, high = slopes or (_slope(start[:2], end[:2]), _slope(start[-2:], end[-2:]))
    mapped = np.interp(values, start, end)
    mapped += np.minimum(values - start[0], 0) * low + np.maximum(values - start[-1], 0) * high
    return mapped.astype(np.float32)


def ascending(knots: Floats) -> Floats:
    """Knots made strictly ascending along the first axis, so that a curve through ties can be inverted."""
    steps = np.arange(len(knots), dtype=np.float32).reshape(-1, *[1] * (knots.ndim - 1))
    return np.asarray(np.maximum.accumulate(knots, axis=0) + 1e-5 * steps, dtype=np.float32)


def _slope(start: Floats, end: Floats) -> float:
    return float((end[1] - end[0]) / max(start[1] - start[0], 1e-6))
