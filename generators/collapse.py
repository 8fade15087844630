"""Mode collapse: a generator that makes few different patients, those that the discriminator accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.floating[Any]]

MOST = 500  # patients of a class that are compared
_LEAST = 10  # patients of a class, of either side
_SPREAD = 0.5  # of the real patients' total spread
_DIFFERENT = 0.35  # of the number of different real patients
_FEW = 6.5  # different patients that ten or more real ones never are
_COVERED = 0.25  # of the real patients
_HALF_COVERED = 0.5  # the same, where generated patients are also far nearer to each other than real ones
_CLOSER = 0.35  # of the median distance of a real patient to the nearest
_NEAR = 0.5  # of the median distance of a real patient to the nearest: two as near are one patient
_NEIGHBOURS = 5


def collapse_alarms(
    generated: Codes,
    real: Codes,
    generated_y: NDArray[np.int64],
    real_y: NDArray[np.int64],
    classes: Sequence[str],
) -> list[str]:
    """A line for each class whose generated patients are too alike: in spread, in number, or far from most real ones.

    Different patients are counted as the inverse of the chance that two of them are one (Simpson 1949). Coverage is the
    share of real patients with a generated one among their five nearest (Naeem et al. 2020, equation 4), or which lie
    as near to a generated one as its own five nearest (recall of Kynkaanniemi et al. 2019), whichever is larger: noise
    beside real patients lowers the first alone, and is no collapse. Coverage, and distances to the nearest, are taken
    with equally many patients on both sides.

    Args:
        generated: codes (n, ...) of generated patients.
        real: codes (m, ...) of real ones.
        generated_y: classes (n,) of the former.
        real_y: classes (m,) of the latter.
        classes: names.
    """
    alarms = []
    spread = diversity(generated, real, generated_y, real_y, classes)
    rng = np.random.default_rng(0)
    for label, name in enumerate(classes):
        sides = [_some(x, np.flatnonzero(y == label), rng) for x, y in ((generated, generated_y), (real, real_y))]
        size = min(map(len, sides))
        if size < _LEAST:
            continue
        between, apart = (_apart(side) for side in sides)
        different, expected = _different(between, apart), _different(apart, apart)
        between, apart = (distances[:size, :size] for distances in (between, apart))
        covered = _covered(between, apart, cdist(sides[1][:size], sides[0][:size]))
        real_nearest = float(np.median(apart.min(axis=1)))
        closer = float(np.median(between.min(axis=1))) / real_nearest if real_nearest > 0 else 1.0
        few = _FEW if expected >= _LEAST and real_nearest > 0 else 0.0
        reason = ""
        if different < max(_DIFFERENT * min(expected, len(between)), few):
            reason = f"are about {different:.0f} different ones among {len(sides[0])}, of real patients {expected:.0f}"
        elif spread[name] < _SPREAD:
            reason = f"are {spread[name]:.2f} times as diverse as real ones"
        elif covered < _COVERED or (covered < _HALF_COVERED and closer < _CLOSER):
            reason = f"lie near {covered:.0%} of the real ones only"
        if reason:
            alarms.append(f"mode collapse: generated patients of class {name!r} {reason}")
    return alarms


def diversity(
    generated: Codes,
    real: Codes,
    generated_y: NDArray[np.int64],
    real_y: NDArray[np.int64],
    classes: Sequence[str],
) -> dict[str, float]:
    """Spread (root of the total variance) of each class's generated codes over that of its real ones.

    Arguments are those of `collapse_alarms`.
    """
    return {
        name: _spread(generated[generated_y == label]) / max(_spread(real[real_y == label]), 1e-9)
        for label, name in enumerate(classes)
        if (generated_y == label).any() and (real_y == label).any()
    }


def _some(x: Codes, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    chosen = rng.permutation(rows)[:MOST]
    return np.asarray(x[chosen].reshape(len(chosen), int(np.prod(x.shape[1:]))), np.float64)


def _apart(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances (n, n) to the others; infinite to oneself."""
    apart: NDArray[np.float64] = cdist(x, x)
    np.fill_diagonal(apart, np.inf)
    return apart


def _different(apart: NDArray[np.float64], real: NDArray[np.float64]) -> float:
    """Number of different patients by their distances (n, n) and those of real ones; at most as many as there are."""
    n, radius = len(apart), _NEAR * float(np.median(real.min(axis=1)))
    chance = (apart <= radius).sum() / (n * (n - 1))
    return min(1 / max(float(chance), 1e-12), float(n))


def _covered(between: NDArray[np.float64], apart: NDArray[np.float64], cross: NDArray[np.float64]) -> float:
    """Share of real patients covered, by distances among generated and real ones, and from real to generated."""
    near_real, near_made = (np.partition(own, _NEIGHBOURS - 1, axis=1)[:, _NEIGHBOURS - 1] for own in (apart, between))
    coverage = (cross <= near_real[:, None]).any(axis=1).mean()
    recall = (cross <= near_made).any(axis=1).mean()
    return float(max(coverage, recall))


def _spread(codes: Codes) -> float:
    return float(np.sqrt(codes.reshape(len(codes), -1).var(axis=0).sum()))
