"""The most suspicious pairs of images: a synthetic one and the train image it comes nearest to, beside the holdout.

In pixels, however turned or mirrored, and as a fixed network sees them. A small distance alone says little: plain
images lie close together. So each is read against the distances of new real images to train, and pairs nearer than
nearly all of those are the ones a person should look at. The pairs are data; to draw them is to show patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cohortsmith.data.duplication import standardised
from cohortsmith.evaluation.core import NotEvaluable, distances, tiles
from cohortsmith.evaluation.metrics.images import LEAST, NULL, TRAIN_LIMIT
from cohortsmith.evaluation.spaces import TILE, ImageView, turned

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Images, Matrix
    from cohortsmith.evaluation.spaces import Comparison

Space = Literal["pixel", "embedding"]

LIMIT = 5000  # synthetic images looked at, and as many of the holdout
_BLOCK = 2048  # images whose distances to train are held at a time: 160 MB


@dataclass(frozen=True)
class Pair:
    """A synthetic image and the train image nearest to it.

    Attributes:
        space: "pixel" (tiles of 4 x 4, in eight orientations) or "embedding" (a fixed network).
        synthetic: row in the synthetic cohort.
        train: row in train.
        turned: which of the orientations of `images.turned` brings the synthetic image nearest; 0 is as
            it stands, as always in an embedding.
        distance: between the two in that space.
        as_near: share of new real images that come this near to train, counting this one: its p-value.
        correlation: of the two images' pixels in that orientation, 1 for a copy whatever its brightness and contrast.
    """

    space: Space
    synthetic: int
    train: int
    turned: int
    distance: float
    as_near: float
    correlation: float

    @property
    def suspicious(self) -> bool:
        """Whether at most 1 % of new real images come as near to train."""
        return self.as_near <= NULL

    def to_json(self) -> dict[str, Any]:
        """The figures, without the row of train: it would point at a patient."""
        parts = ("space", "synthetic", "turned", "distance", "as_near", "correlation", "suspicious")
        return {name: getattr(self, name) for name in parts}


@dataclass(frozen=True)
class CopyPairs:
    """What was found in one space.

    Attributes:
        space: where distances were taken.
        pairs: the most suspicious ones, nearest first; a train image stands in one pair only.
        n: synthetic images looked at.
        n_holdout: new real images they are read against.
        suspicious: synthetic images that come nearer to train than the nearest 1 % of new real images do.
        expected: how many would by chance.
    """

    space: Space
    pairs: tuple[Pair, ...]
    n: int
    n_holdout: int
    suspicious: int
    expected: float

    def to_json(self) -> dict[str, Any]:
        """Plain dict; no train image is named."""
        own = {name: getattr(self, name) for name in ("space", "n", "n_holdout", "suspicious", "expected")}
        return own | {"pairs": [pair.to_json() for pair in self.pairs]}


def copy_pairs(comparison: Comparison, seed: int, *, most: int = 8) -> tuple[CopyPairs, ...]:
    """The `most` most suspicious pairs in pixels, and in what the fixed network sees where there is one.

    Args:
        comparison: of images.
        seed: of the draw, where a cohort is larger than can be looked at: 5,000 synthetic, 20,000 train images.
        most: pairs a space.

    Raises:
        NotEvaluable: no images, or fewer than 100 new real ones to read distances against.
    """
    c = comparison
    if not c.train.about.pictured:
        raise NotEvaluable("pairs are looked for among images")
    view = c.seen_as(ImageView)
    c.require("a comparison of distances")
    if len(c.holdout) < LEAST:
        raise NotEvaluable(
            f"distances are read against new real images, of which {LEAST} are needed; the holdout has {len(c.holdout)}"
        )
    rng = np.random.default_rng([seed, 67])
    made, real, train = (
        _some(len(side), limit, rng)
        for side, limit in ((c.synthetic, LIMIT), (c.holdout, LIMIT), (c.train, TRAIN_LIMIT))
    )
    known = _flat(c.train.x[train])
    found = [_pairs(c, "pixel", made, real, train, lambda x: _nearest_turned(x, known), most)]
    if c.image_models is not None:
        seen = view.fixed_train[train]
        found.append(_pairs(c, "embedding", made, real, train, lambda x: _nearest(view.fixed_features(x), seen), most))
    return tuple(found)


def pictures(comparison: Comparison, pair: Pair) -> tuple[Images, Images]:
    """The synthetic image, turned as it comes nearest, and the real one: (height, width, channels) each.

    The second is a patient's image, and of a suspicious pair the first may as well be.
    """
    made = comparison.synthetic.x[pair.synthetic : pair.synthetic + 1]
    return list(turned(made))[pair.turned][0], comparison.train.x[pair.train]


def _pairs(
    c: Comparison,
    space: Space,
    made: NDArray[np.int64],
    real: NDArray[np.int64],
    train: NDArray[np.int64],
    near: Callable[[Images], tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]],
    most: int,
) -> CopyPairs:
    distance, at, way = near(c.synthetic.x[made])
    null = np.sort(near(c.holdout.x[real])[0])
    as_near = (np.searchsorted(null, distance, side="right") + 1) / (len(null) + 1)
    chosen: list[int] = []
    for i in np.argsort(distance, kind="stable").tolist():
        if len(chosen) == most:
            break
        if at[i] not in at[chosen]:
            chosen.append(i)
    pairs = []
    for i in chosen:
        rows = int(made[i]), int(train[at[i]]), int(way[i])
        pairs.append(Pair(space, *rows, float(distance[i]), float(as_near[i]), _correlation(c, *rows)))
    return CopyPairs(
        space,
        tuple(pairs),
        n=len(made),
        n_holdout=len(real),
        suspicious=int((as_near <= NULL).sum()),
        expected=len(made) * int(NULL * (len(null) + 1)) / (len(null) + 1),
    )


def _nearest(x: Matrix, train: Matrix) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Distance (n,) of rows of x to the nearest of train, which one that is, and 0 for its orientation."""
    at = np.empty(len(x), dtype=np.int64)
    distance = np.empty(len(x), dtype=np.float32)
    for start in range(0, len(x), _BLOCK):
        block = distances(x[start : start + _BLOCK], train)
        rows = slice(start, start + len(block))
        at[rows] = block.argmin(axis=1)
        distance[rows] = block.min(axis=1)
    return distance, at, np.zeros(len(x), dtype=np.int64)


def _nearest_turned(x: Images, train: Matrix) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """The same for images in all orientations, and which orientation is nearest; the first of equals."""
    found = [_nearest(_flat(way), train) for way in turned(x)]
    distance = np.stack([d for d, _, _ in found])
    way, rows = distance.argmin(axis=0), np.arange(len(x))
    return distance[way, rows], np.stack([at for _, at, _ in found])[way, rows], way.astype(np.int64)


def _correlation(c: Comparison, synthetic: int, train: int, way: int) -> float:
    made = list(turned(c.synthetic.x[synthetic : synthetic + 1]))[way]
    return float((standardised(made) @ standardised(c.train.x[train : train + 1]).T).item())


def _flat(x: Images) -> Matrix:
    return tiles(x, TILE).reshape(len(x), -1)


def _some(n: int, limit: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.arange(n) if n <= limit else np.sort(rng.choice(n, limit, replace=False))
