"""Near-copies of train's images: synthetic ones closer to train than the 1 % quantile of unseen real images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from cohortsmith.evaluation.core import (
    MIN_FOR_1_PERCENT,
    SAMPLES_PER_SIDE,
    Finding,
    Interval,
    NotEvaluable,
    Stream,
    nearest,
    tiles,
    wilson,
)
from cohortsmith.evaluation.spaces import TILE, ImageView, turned

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Images, Matrix
    from cohortsmith.evaluation.spaces import Comparison

T = TypeVar("T", bound=np.generic)

TRAIN_SAMPLES = 20000
NULL = 0.01


def near_copies_pixel(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic images closer to train, in any orientation, than the holdout's 1 % quantile.

    Pixels are means of tiles of 4 x 4. By construction 1 % of unseen real images are that close.
    """
    train = _sampled(tile_rows(comparison.train.x), TRAIN_SAMPLES, seed)

    def near(x: Images) -> NDArray[np.float32]:
        views = np.concatenate([tile_rows(view) for view in turned(x)])
        found: NDArray[np.float32] = nearest(views, train).reshape(-1, len(x)).min(axis=0)
        return found

    return _finding(comparison, seed, near, "tiles of 4 x 4 pixels, in eight orientations")


def near_copies_fixed(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic images closer to train, on features of the fixed network, than the holdout's 1 % quantile."""
    view = comparison.seen_as(ImageView)
    train = _sampled(view.fixed_train, TRAIN_SAMPLES, seed)
    return _finding(
        comparison, seed, lambda x: nearest(view.fixed_features(x), train)[:, 0], "features of a fixed network"
    )


def near_copies_registered(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic images closer to train after registration than the holdout's 1 % quantile.

    Registration searches turns, mirror images, zooms, shifts, and brightness and contrast of each channel. Of a train
    cohort of more than 5,000 images, a random draw of them is searched.
    """
    registration = comparison.seen_as(ImageView).registration(seed)
    return _finding(comparison, seed, lambda x: registration.nearest(x).distance, "pixels after registration")


def share_within(near: NDArray[Any], real: NDArray[Any]) -> Interval:
    """Share of distances `near` (n,) that are at most the 1 % quantile of `real` (m,).

    The quantile is the k-th smallest with k nearest to (m + 1) / 100: a new real sample is that close with
    probability k / (m + 1). Wilson's interval with n m / (n + m) samples, since the quantile is uncertain too.
    """
    k = max(1, round(NULL * (len(real) + 1)))
    value = float((near <= np.sort(real)[k - 1]).mean())
    size = len(near) * len(real) / (len(near) + len(real))
    return wilson(value * size, size)


def _finding(comparison: Comparison, seed: int, near: Callable[[Images], NDArray[np.float32]], space: str) -> Finding:
    comparison.require("a comparison of distances")
    if len(comparison.holdout) < MIN_FOR_1_PERCENT:
        raise NotEvaluable(
            f"the nearest 1 % of the holdout needs at least {MIN_FOR_1_PERCENT} samples, it has "
            f"{len(comparison.holdout)}"
        )
    rows = comparison.draw(SAMPLES_PER_SIDE, seed).rows  # equal class proportions: some classes are denser than others
    real_y, made_y = comparison.holdout.y[rows.real], comparison.synthetic.y[rows.synthetic]
    real, made = near(comparison.holdout.x[rows.real]), near(comparison.synthetic.x[rows.synthetic])
    value = share_within(made, real)
    order = np.random.default_rng([seed, Stream.NEAR_COPIES_HALVES]).permutation(len(real))
    half, rest = real[order[: len(real) // 2]], real[order[len(real) // 2 :]]
    return Finding(
        *value,
        reference=(share_within(half, rest).value + share_within(rest, half).value) / 2,
        chance=NULL,
        interval="Wilson, with the effective sample size of both cohorts",
        detail={
            "n_synthetic": len(made),
            "n_holdout": len(real),
            "space": space,
            "median": float(np.median(made)),
            "median_reference": float(np.median(real)),
            "by_class": [
                {
                    "class": name,
                    "n": int((made_y == c).sum()),
                    "value": _share_near(made[made_y == c], real),
                    "reference": _share_near(real[real_y == c], real),
                }
                for c, name in enumerate(comparison.classes)
            ],
        },
    )


def _share_near(near: NDArray[Any], real: NDArray[Any]) -> float | None:
    return share_within(near, real).value if len(near) else None


def tile_rows(x: Images) -> Matrix:
    """Means of tiles of 4 x 4 pixels as rows, (n, tiles * channels)."""
    return tiles(x, TILE).reshape(len(x), -1)


def _sampled(x: NDArray[T], limit: int, seed: int) -> NDArray[T]:
    if len(x) <= limit:
        return x
    return x[np.random.default_rng([seed, Stream.NEAR_COPIES_TRAIN]).choice(len(x), limit, replace=False)]
