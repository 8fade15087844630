"""Small cohorts of images with known faults, and image models without a network, for the tests of the metrics."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from cohortsmith.data import simulate
from cohortsmith.evaluation import ImageModels
from cohortsmith.evaluation.core.pixel_scale import tiles

if TYPE_CHECKING:
    from cohortsmith.data.cohort import Cohort

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
HIDDEN = 24


@cache
def cells(n: int, seed: int) -> Cohort:
    """Stained blood cells of three classes, 3 % of them on slides of a blue stain."""
    return simulate("simulated-cells", n, seed, classes=3)


def _coarse(x: Images) -> NDArray[np.float32]:
    return tiles(x, 4).reshape(len(x), -1) / np.float32(128) - 1


def _hidden(x: Images, seed: int) -> NDArray[np.float32]:
    pixels = _coarse(x)
    weights = np.random.default_rng(seed).standard_normal((pixels.shape[1], HIDDEN)) / np.sqrt(pixels.shape[1])
    hidden: NDArray[np.float32] = np.tanh(2 * pixels @ weights).astype(np.float32)
    return hidden


@dataclass(frozen=True)
class Glance:
    """Logistic regression on coarse pixels behind random features."""

    model: Any
    seed: int
    classes: int

    def predict_proba(self, x: Images) -> NDArray[np.float64]:
        found = np.zeros((len(x), self.classes))
        found[:, self.model.classes_] = self.model.predict_proba(_hidden(x, self.seed))
        return found

    def embed(self, x: Images) -> NDArray[np.float32]:
        return _hidden(x, self.seed)


def _learn(x: Images, y: Labels, classes: int, seed: int) -> Glance:
    return Glance(LogisticRegression(C=100, max_iter=300).fit(_hidden(x, seed), y), seed, classes)


def image_models() -> ImageModels:
    """A random projection as the fixed network, logistic regression behind another as the one that learns."""
    return ImageModels(lambda x: _hidden(x, 12345), hashlib.sha256(b"12345").hexdigest(), _learn)


def bootstrap(train: Cohort, n: int, seed: int) -> Cohort:
    return train.take(np.random.default_rng(seed).integers(0, len(train), n))


def shuffled(source: Cohort, seed: int) -> Cohort:
    """Good images, labels at random."""
    return replace(source, y=np.random.default_rng(seed).permutation(source.y))


def collapsed(source: Cohort, each: int, seed: int) -> Cohort:
    """Every class repeats a few of its images with a little noise."""
    rng = np.random.default_rng(seed)
    rows = np.empty(len(source), dtype=np.int64)
    for c in range(len(source.classes)):
        mine = np.flatnonzero(source.y == c)
        rows[mine] = rng.choice(mine[:each], len(mine))
    noise = rng.normal(0, 2, source.x.shape)
    return replace(source, x=np.clip(np.rint(source.x[rows] + noise), 0, 255).astype(np.uint8))


def grey(source: Cohort) -> Cohort:
    """Every pixel at the mean of its channel over all images."""
    return replace(source, x=np.broadcast_to(source.x.mean(axis=(0, 1, 2)), source.x.shape).astype(np.uint8))


def in_green(source: Cohort) -> Cohort:
    """The green channel alone, as grey images."""
    return replace(source, x=source.x[..., 1:2], features=("28x28x1",))


def blurred(source: Cohort) -> Cohort:
    """Detail below four pixels smoothed away."""
    x: NDArray[np.float32] = source.x.astype(np.float32)
    for axis in (1, 2):
        x = ((np.roll(x, 1, axis) + 2 * x + np.roll(x, -1, axis)) / 4).astype(np.float32)
    return replace(source, x=np.rint(x).astype(np.uint8))
