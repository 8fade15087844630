"""Small images inside the page, and which of a cohort's images are shown.

A synthetic image that looks like a real patient's is that patient's image: it is not shown where real ones are not.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from cohortsmith.data.duplication import NEAR_IMAGES, look_alikes
from cohortsmith.evaluation.spaces import turned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.spaces import Comparison

    Pixels = NDArray[np.uint8]

MOST = 320  # images in one gallery, so that the page stays small
ROW = 16  # images that fill a row of the page
_SPARE = 2  # images looked at for each one shown, so that there are others where some look like a patient's


class Chosen(NamedTuple):
    """Synthetic images of one class to be shown.

    Attributes:
        rows: their rows in the synthetic cohort.
        alike: images passed over because they look like a real patient's.
    """

    rows: NDArray[np.int64]
    alike: int


def png(image: Pixels) -> bytes:
    """PNG of an image (height, width, channels) with 1 (grey), 3 (colour) or 4 channels (with transparency)."""
    file = BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(file, format="PNG")
    return file.getvalue()


def some_of(y: NDArray[np.int64], position: int, most: int, seed: int = 0) -> NDArray[np.int64]:
    """At most `most` rows of the class at `position`, drawn at random, the same for the same seed."""
    return np.random.default_rng([seed, position]).permutation(np.flatnonzero(y == position))[:most]


def presentable(comparison: Comparison, most: int) -> list[Chosen]:
    """For each class at most `most` synthetic images that do not look like a real patient's, drawn at random.

    Look-alikes are those of `duplication.image_likeness` in any orientation, of any class and of train or holdout.
    """

    def make() -> list[Chosen]:
        made = comparison.synthetic
        drawn = [some_of(made.y, c, _SPARE * most) for c in range(len(comparison.classes))]
        rows = np.concatenate(drawn)
        alike = rows[like_a_patient(comparison, made.x[rows])]
        known = [np.isin(mine, alike) for mine in drawn]
        return [Chosen(mine[~own][:most], int(own.sum())) for mine, own in zip(drawn, known, strict=True)]

    return comparison.memo(("presentable", most), make)


def like_a_patient(comparison: Comparison, x: Pixels) -> NDArray[np.bool_]:
    """Which of the images (n, height, width, channels) look like one of a real patient, turned or mirrored or not."""
    real = np.concatenate([comparison.train.x, comparison.holdout.x])
    found = np.zeros(len(x), dtype=bool)
    ways = np.concatenate(list(turned(x)))
    found[[query % len(x) for _, query in look_alikes(ways, real, NEAR_IMAGES)]] = True
    return found


def each_of(classes: int) -> int:
    """Images of a class in a gallery: whole rows, as many as a page can hold."""
    fits = max(1, MOST // max(1, classes))
    return fits if fits < ROW else min(3, fits // ROW) * ROW
