"""`Registration`: which image of a cohort another one is an altered copy of, and how far apart the two then are.

A copy detector names candidates in a grid of zooms and shifts; each is then registered by a search for the zoom, shift,
turn and mirror image at which it differs least, brightness and contrast of each channel being removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from cohortsmith.evaluation.spaces.copy_detection import BETWEEN_POSES, POSES, SPACING, CopyDetector
from cohortsmith.evaluation.spaces.polar_images import (
    BLUR,
    SIDE,
    gap_at_best_angle,
    places_at,
    reduced,
    sampled,
    standardised_rings,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Images, Matrix

MOST = 5000  # images of the cohort that are searched; of a larger one, a random draw
CANDIDATES = 2
ROUNDS = 3
STEPS = np.asarray([0.06, SPACING / 2, SPACING / 2])  # of the first round: zoom (log) and shifts; halved in each
BLOCK = 256
PAIRS = 2000


class Registered(NamedTuple):
    """Nearest images after registration.

    Attributes:
        distance: (n,) root mean square difference of standardised pixels, 0 for a copy, about 1.4 for unrelated images.
        at: (n,) row of the cohort that was searched.
    """

    distance: Matrix
    at: NDArray[np.int64]


class Registration:
    """Search for the image of a cohort that each image is an altered copy of.

    Args:
        x: images that are searched, uint8 (n, height, width, channels); of more than 5,000, a random draw.
        rng: random generator.
    """

    def __init__(self, x: Images, rng: np.random.Generator) -> None:
        self.rows = np.sort(rng.permutation(len(x))[:MOST])
        x = x[self.rows]
        self._detector = CopyDetector(x, rng, BETWEEN_POSES)
        self._views = self._detector.views(x)
        self._smooth = _smoothed(x)

    def nearest(self, x: Images) -> Registered:
        """Distance of each image to the nearest one of the cohort after registration, and its row."""
        at, pose = self._candidates(self._detector(x))
        smooth = _smoothed(x)
        distance = np.empty(at.shape, dtype=np.float32)
        for start in range(0, len(x), PAIRS // CANDIDATES):
            part = slice(start, start + PAIRS // CANDIDATES)
            own = np.repeat(smooth[part], at.shape[1], axis=0)
            gap = _registered(own, self._smooth[at[part].ravel()], pose[part].reshape(-1, 3))
            distance[part] = gap.reshape(-1, at.shape[1])
        best, each = distance.argmin(axis=1), np.arange(len(x))
        return Registered(distance[each, best], self.rows[at[each, best]])

    def _candidates(self, points: Matrix) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Nearest images of the cohort, (n, candidates), and the poses in which they are, (n, candidates, 3)."""
        images = len(self.rows)
        known = np.einsum("ij,ij->i", self._views, self._views).reshape(len(POSES), images)
        views = self._views.reshape(len(POSES), images, -1)
        count = min(CANDIDATES, images)
        at, pose = np.empty((len(points), count), dtype=np.int64), np.empty((len(points), count), dtype=np.int64)
        for start in range(0, len(points), BLOCK):
            part = slice(start, start + BLOCK)
            least = np.full((len(points[part]), images), np.inf, np.float32)
            where = np.zeros(least.shape, dtype=np.int16)
            for number in range(len(POSES)):
                square = known[number] - 2 * (points[part] @ views[number].T)
                nearer = square < least
                where[nearer] = number
                np.minimum(least, square, out=least)
            at[part] = np.argpartition(least, count - 1, axis=1)[:, :count]
            pose[part] = np.take_along_axis(where, at[part], axis=1)
        return at, np.asarray(POSES)[pose]


def _smoothed(x: Images) -> Matrix:
    """Planes of images, smoothed as much as the samples of `on_rings`."""
    planes = reduced(x)
    spread = BLUR * min(planes.shape[2:]) / SIDE
    smooth: Matrix = gaussian_filter(planes, (0, 0, spread, spread), mode="nearest")
    return smooth


def _registered(a: Matrix, b: Matrix, pose: NDArray[np.float64]) -> Matrix:
    """Smallest difference of each pair of images, (n,), near poses of the second ones.

    Args:
        a: smooth planes, (n, channels, height, width).
        b: the same, pair by pair.
        pose: (n, 3) zoom, down and across of `b` to begin with.
    """
    first = _rings(a, np.tile([0.0, 0.0, 0.0], (len(a), 1)))
    best = np.column_stack([np.log(pose[:, 0]), pose[:, 1:]])
    gap = gap_at_best_angle(first, _rings(b, best))
    for halvings in range(ROUNDS):
        for way in range(3):
            for sign in (1, -1):
                tried = best.copy()
                tried[:, way] += sign * STEPS[way] / 2**halvings
                now = gap_at_best_angle(first, _rings(b, tried))
                nearer = now < gap
                gap[nearer], best[nearer] = now[nearer], tried[nearer]
    return gap


def _rings(planes: Matrix, pose: NDArray[np.float64]) -> Matrix:
    """Images standardised on rings, each in a pose of its own: (n, 3) log zoom, down and across."""
    down, across = places_at(planes.shape[2], planes.shape[3], np.exp(pose[:, 0]), pose[:, 1], pose[:, 2])
    return standardised_rings(sampled(planes, down, across))
