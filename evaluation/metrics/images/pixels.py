"""Pixels, colours and power spectra: metrics of images without feature extractors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial.distance import jensenshannon

from cohortsmith.evaluation.core import (
    GROUPS,
    JACKKNIFE_INTERVAL,
    SAMPLES_PER_SIDE,
    Finding,
    group_of,
    jackknife,
    leave_group_out,
)
from cohortsmith.evaluation.metrics.common import wasserstein_by_column
from cohortsmith.evaluation.spaces import ImageView, colour_names, image_colours, radial_power

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Images, Matrix
    from cohortsmith.evaluation.spaces import Comparison

    Counts = NDArray[np.int32]

LEVELS = 256
BIN = 16  # grey levels per bin of the divergence


class Histograms(NamedTuple):
    """Histograms of the grey levels of each pixel and channel, (groups, pixels * channels, 256) per side."""

    real: Counts
    synthetic: Counts
    reference: Counts
    structureless: Counts


def pixel_wasserstein(comparison: Comparison, seed: int) -> Finding:
    """Wasserstein-1 distance of the grey levels at each pixel and channel, averaged over them; of 255 grey levels.

    The area between both cumulative distributions, which for whole levels is a sum.
    """

    def distance(a: Counts, b: Counts) -> NDArray[np.float64]:
        n = a.sum(axis=1)[0]
        found: NDArray[np.float64] = np.abs(np.cumsum(a - b, axis=1)).sum(axis=1) / n
        return found

    return _finding(comparison, seed, distance)


def pixel_js(comparison: Comparison, seed: int) -> Finding:
    """Mean over pixels and channels of the Jensen-Shannon divergence (base 2) of their grey levels, in 16 bins."""

    def divergence(a: Counts, b: Counts) -> NDArray[np.float64]:
        first, second = (side.reshape(len(side), -1, BIN).sum(axis=2) for side in (a, b))
        found: NDArray[np.float64] = np.square(jensenshannon(first, second, base=2, axis=1))
        return found

    return _finding(comparison, seed, divergence)


def _finding(comparison: Comparison, seed: int, distance: Callable[[Counts, Counts], NDArray[np.float64]]) -> Finding:
    by_group = _histograms(comparison, seed)
    real, synthetic, reference, structureless = (side.sum(axis=0) for side in by_group)
    value, known = distance(real, synthetic), distance(real, reference)
    left_out = [
        float(distance(real - by_group.real[g], synthetic - by_group.synthetic[g]).mean()) for g in range(GROUPS)
    ]
    height, width, channels = comparison.train.x.shape[1:]

    def by_channel(x: NDArray[np.float64]) -> list[float]:
        means: list[float] = x.reshape(-1, channels).mean(axis=0).tolist()
        return means

    return Finding(
        *jackknife(float(value.mean()), left_out),
        reference=float(known.mean()),
        chance=float(distance(real, structureless).mean()),
        interval=JACKKNIFE_INTERVAL,
        detail={
            "n": len(comparison.draw(SAMPLES_PER_SIDE, seed)),
            "by_channel": {"value": by_channel(value), "reference": by_channel(known)},
            "by_pixel": value.reshape(height, width, channels).mean(axis=2).round(4),
        },
    )


def _histograms(comparison: Comparison, seed: int) -> Histograms:
    def make() -> Histograms:
        c, draw = comparison, comparison.draw(SAMPLES_PER_SIDE, seed)
        noise = c.seen_as(ImageView).structureless_images(len(draw), seed)
        real, made, known = (
            c.holdout.x[draw.rows.real],
            c.synthetic.x[draw.rows.synthetic],
            c.train.x[draw.rows.reference],
        )
        return Histograms(_counts(real), _counts(made), _counts(known), _counts(noise))

    return comparison.memo(("histograms of pixels", seed), make)


def _counts(x: Images) -> Counts:
    """Histogram of each pixel and channel in each group of images, (groups, pixels * channels, 256)."""
    n, columns = len(x), x[0].size
    out = np.empty((GROUPS, columns, LEVELS), dtype=np.int32)
    at = np.arange(columns) * LEVELS
    group = group_of(n)
    for g in range(GROUPS):
        cells = (x[group == g].reshape(-1, columns).astype(np.int64) + at).ravel()
        out[g] = np.bincount(cells, minlength=columns * LEVELS).reshape(columns, LEVELS)
    return out


def colour_wasserstein(comparison: Comparison, seed: int) -> Finding:
    """Wasserstein-1 distance of each colour statistic of an image (`image_colours`), averaged over statistics.

    Unit: standard deviations over the holdout.
    """
    draw = comparison.seen_as(ImageView).feature_draw(SAMPLES_PER_SIDE, seed, image_colours)
    spread = np.maximum(draw.real.std(axis=0), np.float32(1e-3))
    real, synthetic, reference, structureless = (
        np.asarray(side / spread, dtype=np.float32)
        for side in (draw.real, draw.synthetic, draw.reference, draw.structureless)
    )
    value, left_out = wasserstein_by_column(real, synthetic)
    known, _ = wasserstein_by_column(real, reference)
    chance, _ = wasserstein_by_column(real, structureless)
    names = colour_names(comparison.train.x.shape[3])
    return Finding(
        *jackknife(float(value.mean()), left_out.mean(axis=1).tolist()),
        reference=float(known.mean()),
        chance=float(chance.mean()),
        interval=JACKKNIFE_INTERVAL,
        detail={
            "n": len(draw),
            "by_trait": [
                {"trait": name, "value": float(a), "reference": float(b)}
                for name, a, b in zip(names, value, known, strict=True)
            ],
        },
    )


def power_spectrum(comparison: Comparison, seed: int) -> Finding:
    """Difference of the mean power at each spatial frequency in decibels, averaged over 1 to half a side's periods.

    |10 log10 of the ratio of powers|, radially averaged (`radial_power`); Durall et al. (2020). Blurred
    images lack power at high frequencies, noisy ones have too much.
    """
    draw = comparison.seen_as(ImageView).feature_draw(SAMPLES_PER_SIDE, seed, radial_power)

    def decibels(a: Matrix, b: Matrix) -> NDArray[np.float64]:
        found: NDArray[np.float64] = 10 * np.log10(b.mean(axis=0, dtype=np.float64) / a.mean(axis=0, dtype=np.float64))
        return found

    def difference(a: Matrix, b: Matrix) -> float:
        return float(np.abs(decibels(a, b)).mean())

    left_out = leave_group_out(len(draw), lambda keep: difference(draw.real[keep], draw.synthetic[keep]))
    return Finding(
        *jackknife(difference(draw.real, draw.synthetic), left_out),
        reference=difference(draw.real, draw.reference),
        chance=difference(draw.real, draw.structureless),
        interval=JACKKNIFE_INTERVAL,
        detail={
            "n": len(draw),
            "by_frequency": {
                "value": decibels(draw.real, draw.synthetic).round(3),
                "reference": decibels(draw.real, draw.reference).round(3),
            },
        },
    )
