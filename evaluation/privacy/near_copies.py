"""Near copies: synthetic samples nearer to train than nearly all unseen real ones, as a share and as pairs of images.

Pairs of images are compared in pixels, in any orientation and registered, and by a fixed feature extractor. A small
distance alone says little, since plain images lie close together: it is compared with the distances of the holdout to
train, and pairs nearer than 99 % of those are for a person to inspect. Pairs are indices and figures; drawing them
shows patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cohortsmith.data.duplication import standardised
from cohortsmith.data.kinds import EXPRESSION, IMAGE
from cohortsmith.evaluation.core import (
    LARGE_SAMPLES_PER_SIDE,
    MIN_FOR_1_PERCENT,
    SAMPLES_PER_SIDE,
    Finding,
    NotEvaluable,
    distances,
    nearest,
    tiles,
)
from cohortsmith.evaluation.metrics.common import Metric
from cohortsmith.evaluation.metrics.images import NULL, TRAIN_SAMPLES, near_copies_registered, share_within
from cohortsmith.evaluation.privacy.attack_settings import COPY_PAIRS_STREAM
from cohortsmith.evaluation.privacy.nearness_ratio import nearness_ratio
from cohortsmith.evaluation.spaces import TILE, ImageView, turned

if TYPE_CHECKING:
    from collections.abc import Callable

    from cohortsmith.evaluation.core import Images, Matrix
    from cohortsmith.evaluation.spaces import Comparison

CopySpace = Literal["pixel", "embedding", "registered"]
Near = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]
"""Distance of each image to the nearest of train, its row among those searched, and the orientation."""

_BLOCK = 2048  # images whose distances to train are in memory at a time: 160 MB


@dataclass(frozen=True)
class Pair:
    """A synthetic image and the train image nearest to it.

    Attributes:
        space: "pixel" (tiles of 4 x 4, in eight orientations), "embedding" (a fixed network) or "registered" (pixels
            after registration, standardised).
        synthetic: row in the synthetic cohort.
        train: row in train.
        turned: index of the orientation of `cohortsmith.evaluation.spaces.turned` at the smallest distance; 0 is the
            image as it is, as always in an embedding and after registration.
        distance: between the two in that space.
        as_near: share of unseen real images as near to train, counting this one: a p-value.
        correlation: of the two images' pixels in that orientation, or as registered; 1 for a copy whatever its
            brightness and contrast.
    """

    space: CopySpace
    synthetic: int
    train: int
    turned: int
    distance: float
    as_near: float
    correlation: float

    @property
    def suspicious(self) -> bool:
        """Whether at most 1 % of unseen real images are as near to train."""
        return self.as_near <= NULL

    def to_json(self) -> dict[str, Any]:
        """The figures, without the row of train, which would identify a patient."""
        parts = ("space", "synthetic", "turned", "distance", "as_near", "correlation", "suspicious")
        return {name: getattr(self, name) for name in parts}


@dataclass(frozen=True)
class CopyPairs:
    """Near copies among images in one space.

    Attributes:
        space: space of the distances.
        pairs: the most suspicious ones, nearest first; a train image is in one pair only.
        n: synthetic images compared.
        n_holdout: unseen real images compared.
        suspicious: synthetic images nearer to train than the nearest 1 % of unseen real images.
        expected: number expected by chance.
    """

    space: CopySpace
    pairs: tuple[Pair, ...]
    n: int
    n_holdout: int
    suspicious: int
    expected: float

    def to_json(self) -> dict[str, Any]:
        """Plain dict; no train image is identified."""
        own = {name: getattr(self, name) for name in ("space", "n", "n_holdout", "suspicious", "expected")}
        return own | {"pairs": [pair.to_json() for pair in self.pairs]}


def near_copies(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic profiles nearer to a train record than the holdout's 1 % quantile of that distance.

    By construction, 1 in 100 unseen real samples is as near: the data-copying test of Meehan et al. (2020) at one
    quantile. Classes are drawn in the holdout's proportions, since some are denser than others. Reference: one half of
    the holdout against the quantile of the other.

    Raises:
        NotEvaluable: fewer than 100 holdout samples, or fewer than 20 per cohort.
    """
    draw = comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)
    if len(draw) < MIN_FOR_1_PERCENT:
        raise NotEvaluable(
            f"the nearest 1 % of the holdout needs at least {MIN_FOR_1_PERCENT} samples per cohort, "
            f"there are {len(draw)}"
        )
    real, made = (nearest(side, comparison.z_train)[:, 0] for side in (draw.real, draw.synthetic))
    half, rest = real[: len(real) // 2], real[len(real) // 2 :]
    return Finding(
        *share_within(made, real),
        reference=(share_within(half, rest).value + share_within(rest, half).value) / 2,
        chance=NULL,
        interval="Wilson, at the effective sample size of both cohorts",
        detail={"n": len(draw), "median": float(np.median(made)), "median_reference": float(np.median(real))},
    )


def copy_pairs(comparison: Comparison, seed: int, *, most: int = 8) -> tuple[CopyPairs, ...]:
    """The `most` most suspicious pairs in pixels, in an embedding if there is a feature extractor, and as registered.

    Args:
        comparison: of images.
        seed: of the draw from cohorts of more than 5,000 synthetic or holdout, or 20,000 train images.
        most: pairs per space.

    Raises:
        NotEvaluable: not images, or fewer than 100 unseen real ones to compare with.
    """
    c = comparison
    if not c.train.about.pictured:
        raise NotEvaluable("near-copy pairs exist for images only")
    view = c.seen_as(ImageView)
    c.require("a comparison of distances")
    if len(c.holdout) < MIN_FOR_1_PERCENT:
        raise NotEvaluable(
            f"distances are compared with those of at least {MIN_FOR_1_PERCENT} unseen real images; "
            f"the holdout has {len(c.holdout)}"
        )
    rng = np.random.default_rng([seed, COPY_PAIRS_STREAM])
    made, real, train = (
        _some(len(side), limit, rng)
        for side, limit in (
            (c.synthetic, LARGE_SAMPLES_PER_SIDE),
            (c.holdout, LARGE_SAMPLES_PER_SIDE),
            (c.train, TRAIN_SAMPLES),
        )
    )
    known = _flat(c.train.x[train])
    found = [_pairs(c, "pixel", made, real, train, lambda x: _nearest_turned(x, known), most)]
    if c.image_models is not None:
        seen = view.fixed_train[train]
        found.append(_pairs(c, "embedding", made, real, train, lambda x: _nearest(view.fixed_features(x), seen), most))
    made, real = (rows[_some(len(rows), SAMPLES_PER_SIDE, rng)] for rows in (made, real))
    search = view.registration(seed)

    def registered(x: Images) -> Near:
        near = search.nearest(x)
        return near.distance, near.at, np.zeros(len(x), dtype=np.int64)

    found.append(_pairs(c, "registered", made, real, np.arange(len(c.train)), registered, most))
    return tuple(found)


def pictures(comparison: Comparison, pair: Pair) -> tuple[Images, Images]:
    """The synthetic image, in its nearest orientation, and the real one: (height, width, channels) each.

    The second is a patient's image; in a suspicious pair the first may be one too.
    """
    made = comparison.synthetic.x[pair.synthetic : pair.synthetic + 1]
    return list(turned(made))[pair.turned][0], comparison.train.x[pair.train]


def _pairs(
    c: Comparison,
    space: CopySpace,
    made: NDArray[np.int64],
    real: NDArray[np.int64],
    train: NDArray[np.int64],
    near: Callable[[Images], Near],
    most: int,
) -> CopyPairs:
    distance, at, turn = near(c.synthetic.x[made])
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
        rows = int(made[i]), int(train[at[i]]), int(turn[i])
        alike = 1 - float(distance[i]) ** 2 / 2 if space == "registered" else _correlation(c, *rows)
        pairs.append(Pair(space, *rows, float(distance[i]), float(as_near[i]), alike))
    return CopyPairs(
        space,
        tuple(pairs),
        n=len(made),
        n_holdout=len(real),
        suspicious=int((as_near <= NULL).sum()),
        expected=len(made) * int(NULL * (len(null) + 1)) / (len(null) + 1),
    )


def _nearest(x: Matrix, train: Matrix) -> Near:
    """Distance (n,) of rows of x to the nearest of train, its index, and 0 for the orientation."""
    at = np.empty(len(x), dtype=np.int64)
    distance = np.empty(len(x), dtype=np.float32)
    for start in range(0, len(x), _BLOCK):
        block = distances(x[start : start + _BLOCK], train)
        rows = slice(start, start + len(block))
        at[rows] = block.argmin(axis=1)
        distance[rows] = block.min(axis=1)
    return distance, at, np.zeros(len(x), dtype=np.int64)


def _nearest_turned(x: Images, train: Matrix) -> Near:
    """The same for images in all orientations, and the nearest orientation; the first if tied."""
    found = [_nearest(_flat(view), train) for view in turned(x)]
    distance = np.stack([d for d, _, _ in found])
    turn, rows = distance.argmin(axis=0), np.arange(len(x))
    return distance[turn, rows], np.stack([at for _, at, _ in found])[turn, rows], turn.astype(np.int64)


def _correlation(c: Comparison, synthetic: int, train: int, turn: int) -> float:
    made = list(turned(c.synthetic.x[synthetic : synthetic + 1]))[turn]
    return float((standardised(made) @ standardised(c.train.x[train : train + 1]).T).item())


def _flat(x: Images) -> Matrix:
    return tiles(x, TILE).reshape(len(x), -1)


def _some(n: int, limit: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.arange(n) if n <= limit else np.sort(rng.choice(n, limit, replace=False))


NEAR_COPIES: tuple[Metric, ...] = (
    Metric(
        name="near_copies",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic patients nearer to a train patient than all but the nearest 1 % of unseen real "
        "patients.",
        source="Meehan et al. 2020, A non-parametric test to detect data-copying, AISTATS",
        measure=near_copies,
    ),
    Metric(
        name="near_copies_ratio",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic records in excess that are far nearer to one train patient than to any other, "
        "compared with the same at unseen patients.",
        source="Lowe 2004, Int. J. Computer Vision 60:91; Meehan et al. 2020, AISTATS",
        measure=nearness_ratio,
        kinds=(EXPRESSION, IMAGE),
    ),
    Metric(
        name="near_copies_registered",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic images nearer to a train image than 99 % of unseen real images are, after "
        "turning, mirroring, zooming, shifting and recolouring them to fit: 0.01 when nothing is copied.",
        source="Meehan et al. 2020, A non-parametric test to detect data-copying, AISTATS",
        measure=near_copies_registered,
        kinds=(IMAGE,),
    ),
)
