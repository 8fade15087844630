"""Aggregation for plots of real patients that discloses no individual.

Every plotted quantity rests on bins of at least `MIN_PATIENTS` different patients (small-cell suppression, as
statistical offices apply to tables); smaller bins are merged or left out, never drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cohortsmith.data.disclosure import MIN_PATIENTS

Floats = NDArray[np.float64]
Subjects = NDArray[np.str_]

MINIMUM = MIN_PATIENTS
"""The same rule under the name that plots and pages use."""

_GRIDS = (24, 20, 16, 12, 10, 8, 7, 6, 5, 4, 3)
_REACH = 2.5  # bins span this many standard deviations either side of the class mean


def patients_per_bin(bins: NDArray[np.int64], subjects: Subjects, size: int) -> NDArray[np.int64]:
    """Different patients in each of `size` bins; `bins` (n,) with -1 for samples outside."""
    inside = bins >= 0
    codes = np.unique(subjects[inside], return_inverse=True)[1]
    pairs = np.unique(np.stack([bins[inside], codes]), axis=1)
    return np.bincount(pairs[0], minlength=size).astype(np.int64)


def merge_small_bins(patients: NDArray[np.int64], minimum: int = MIN_PATIENTS) -> list[int]:
    """Positions of the edges to keep so that every bin holds no patient or at least `minimum`.

    Args:
        patients: patients in each bin, (bins,).
        minimum: fewest patients of a bin that is not empty.

    Returns:
        Increasing edge positions between 0 and `len(patients)`; `[0, len(patients)]` when all merge into one.
    """
    kept, held = [0], 0
    shares: list[int] = []
    for position, count in enumerate(patients.tolist(), start=1):
        held += count
        if held == 0 or held >= minimum:
            kept.append(position)
            shares.append(held)
            held = 0
    if held:
        # The tail is too small alone: give it back to the last bin that has patients, with the empty ones between.
        while shares and shares[-1] == 0:
            shares.pop()
            kept.pop()
        if shares:
            shares.pop()
            kept.pop()
        kept.append(len(patients))
    return kept


def large_enough(members: NDArray[np.bool_], minimum: int = MIN_PATIENTS) -> NDArray[np.bool_]:
    """Categories that may be shown by themselves; the others are pooled into one.

    Empty categories are shown. Where the pool would hold fewer than `minimum` patients, who could then be found as the
    difference between all and those shown, the smallest category shown joins it (complementary suppression).

    Args:
        members: (patients, categories) membership; a patient may be in several or in none.
        minimum: fewest patients of a category, and of the pool, that are not empty.

    Returns:
        (categories,) whether each may be shown.
    """
    counts = members.sum(axis=0)
    shown: NDArray[np.bool_] = (counts == 0) | (counts >= minimum)
    while 0 < members[:, ~shown].any(axis=1).sum() < minimum and (shown & (counts > 0)).any():
        rest = np.flatnonzero(shown & (counts > 0))
        shown[rest[np.argmin(counts[rest])]] = False
    return shown


@dataclass(frozen=True)
class Histogram:
    """Densities of real and synthetic values over the same bins.

    Attributes:
        edges: (bins + 1,) bin borders, on a rounded grid so that no border is a patient's extreme value.
        real: (bins,) share of the real samples per unit of expression.
        synthetic: (bins,) the same for synthetic samples.
    """

    edges: Floats
    real: Floats
    synthetic: Floats


def histogram(real: Floats, synthetic: Floats, subjects: Subjects, bins: int = 32) -> Histogram | None:
    """Histogram of one gene in which no bin rests on fewer than `MIN_PATIENTS` patients; None when there are too few.

    Args:
        real: (n,) log expression of real samples.
        synthetic: (m,) log expression of synthetic samples.
        subjects: (n,) patient of each real sample.
        bins: bins aimed at, before merging.
    """
    if len(np.unique(subjects)) < MIN_PATIENTS or not len(synthetic):
        return None
    pooled = np.concatenate([np.quantile(real, [0.005, 0.995]), np.quantile(synthetic, [0.005, 0.995])])
    if np.ptp(pooled) < real.std():  # a point mass with a rare tail: show the tail too
        pooled = np.append(pooled, real.mean() + 5 * real.std())
    step = _nice_step((pooled.max() - pooled.min()) / bins)
    low, high = np.floor(pooled.min() / step) * step, (np.floor(pooled.max() / step) + 1) * step
    edges = np.linspace(low, high, round((high - low) / step) + 1)
    # Values beyond the shown range count in the outermost bins, so a lone extreme never opens a bin of its own.
    where = np.clip(np.searchsorted(edges, real, side="right") - 1, 0, len(edges) - 2).astype(np.int64)
    edges = edges[merge_small_bins(patients_per_bin(where, subjects, len(edges) - 1))]

    def share(values: Floats) -> Floats:
        return np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(values) / np.diff(edges)

    return Histogram(edges, share(real), share(synthetic))


def _nice_step(width: float) -> float:
    """Closest of 1, 2, 2.5, 5 times a power of ten."""
    if not width > 0:
        return 0.1
    power = 10.0 ** np.floor(np.log10(width))
    return float(min((1.0, 2.0, 2.5, 5.0, 10.0), key=lambda m: abs(m * power - width)) * power)


@dataclass(frozen=True)
class Density:
    """A class's region in a plane, drawn from counts of at least `MIN_PATIENTS` patients a cell.

    Attributes:
        x: (grid,) abscissae. y: (grid,) ordinates.
        height: (grid, grid) rows along y: log density, 0 on the contour that encloses 90 % of the class's samples.
        half: height of the contour that encloses the inner half.
        shown: share of the class's samples that lie in cells large enough to be counted.
    """

    x: Floats
    y: Floats
    height: Floats
    half: float
    shown: float


def density(points: Floats, subjects: Subjects, grid: int = 44) -> Density | None:
    """Smoothed density of `points` (n, 2) from suppressed cell counts; None when too few patients share cells.

    Cells are squares in the class's own whitened coordinates, as fine as possible while 75 % of the samples lie
    in a cell with at least `MIN_PATIENTS` patients; other cells are emptied before smoothing. Where patients lie too
    far apart to share cells, the Gaussian of their mean and covariance is drawn instead.
    """
    if len(np.unique(subjects)) < 2 * MIN_PATIENTS:
        return None
    centre = points.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(points.T))
    if not values.max() > 0:
        return None
    scale = np.sqrt(np.maximum(values, 1e-6 * values.max()))
    white = (points - centre) @ vectors / scale
    for cells in _GRIDS:
        counts, shown = _suppressed_counts(white, subjects, cells)
        if shown >= 0.75:
            break
    width = 2 * _REACH / cells
    middles = -_REACH + width * (np.arange(cells) + 0.5)
    half = (_REACH + 1.0) * np.sqrt((vectors**2) @ scale**2)
    x = np.linspace(centre[0] - half[0], centre[0] + half[0], grid)
    y = np.linspace(centre[1] - half[1], centre[1] + half[1], grid)
    plane = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    at = (plane - centre) @ vectors / scale
    sigma = 0.7 * width

    def smooth(at: Floats) -> Floats:
        if shown < 0.4:
            gaussian: Floats = -0.5 * np.square(at).sum(axis=1)
            return gaussian
        first, second = (np.exp(-0.5 * ((at[:, axis, None] - middles) / sigma) ** 2) for axis in (0, 1))
        total: Floats = np.einsum("pi,ij,pj->p", first, counts, second, optimize=True)
        return np.log(np.maximum(total, 1e-30))

    outer, half = np.quantile(smooth(white), [0.1, 0.5])
    height = np.clip(smooth(at) - outer, -1.5, None).reshape(grid, grid)
    return Density(x, y, height, float(half - outer), shown)


def _suppressed_counts(white: Floats, subjects: Subjects, cells: int) -> tuple[Floats, float]:
    """Counts (cells, cells) over the whitened square with small cells emptied, and the share of samples kept."""
    index = np.floor((white + _REACH) / (2 * _REACH) * cells).astype(np.int64)
    inside = ((index >= 0) & (index < cells)).all(axis=1)
    flat = np.where(inside, index[:, 0] * cells + index[:, 1], -1)
    enough = patients_per_bin(flat, subjects, cells * cells) >= MIN_PATIENTS
    counts = np.where(enough, np.bincount(flat[inside], minlength=cells * cells), 0).astype(np.float64)
    return counts.reshape(cells, cells), float(counts.sum() / len(white))
