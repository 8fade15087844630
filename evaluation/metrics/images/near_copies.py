"""Near-copies of train's images: synthetic ones nearer to train than all but the nearest hundredth of new real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from cohortsmith.evaluation.core import Finding, Interval, NotEvaluable, nearest, tiles, wilson
from cohortsmith.evaluation.spaces import TILE, ImageView, turned

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Images, Matrix
    from cohortsmith.evaluation.spaces import Comparison

T = TypeVar("T", bound=np.generic)

LIMIT = 2000
TRAIN_LIMIT = 20000
NULL = 0.01
LEAST = 100  # samples of the holdout that have a nearest hundredth


def near_copies_pixel(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic images nearer to train, however turned or mirrored, than the holdout's 1 % quantile.

    Pixels are means of tiles of 4 x 4. New real images, by construction, come this near in 1 of 100.
    """
    train = _some(_flat(comparison.train.x), TRAIN_LIMIT, seed)

    def near(x: Images) -> NDArray[np.float32]:
        ways = np.concatenate([_flat(way) for way in turned(x)])
        found: NDArray[np.float32] = nearest(ways, train).reshape(-1, len(x)).min(axis=0)
        return found

    return _finding(comparison, seed, near, "tiles of 4 x 4 pixels, in eight orientations")


def near_copies_fixed(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic images nearer to train, as the fixed network sees them, than the holdout's 1 % quantile."""
    view = comparison.seen_as(ImageView)
    train = _some(view.fixed_train, TRAIN_LIMIT, seed)
    return _finding(comparison, seed, lambda x: nearest(view.fixed_features(x), train)[:, 0], "a fixed network")


def share_within(near: NDArray[Any], real: NDArray[Any]) -> Interval:
    """Share of distances `near` (n,) that are at most the 1 % quantile of `real` (m,).

    The quantile is the k-th smallest with k nearest to (m + 1) / 100: a new real sample comes that near with
    probability k / (m + 1). Wilson's interval with n m / (n + m) samples, since the quantile is uncertain too.
    """
    k = max(1, round(NULL * (len(real) + 1)))
    value = float((near <= np.sort(real)[k - 1]).mean())
    size = len(near) * len(real) / (len(near) + len(real))
    return wilson(value * size, size)


def _finding(comparison: Comparison, seed: int, near: Callable[[Images], NDArray[np.float32]], space: str) -> Finding:
    comparison.require("a comparison of distances")
    if len(comparison.holdout) < LEAST:
        raise NotEvaluable(
            f"the nearest 1 % of the holdout needs at least {LEAST} samples, it has {len(comparison.holdout)}"
        )
    rows = comparison.draw(LIMIT, seed).rows  # classes alike: some stand closer together than others
    real_y, made_y = comparison.holdout.y[rows.real], comparison.synthetic.y[rows.synthetic]
    real, made = near(comparison.holdout.x[rows.real]), near(comparison.synthetic.x[rows.synthetic])
    value = share_within(made, real)
    order = np.random.default_rng([seed, 66]).permutation(len(real))
    half, rest = real[order[: len(real) // 2]], real[order[len(real) // 2 :]]
    return Finding(
        *value,
        reference=(share_within(half, rest).value + share_within(rest, half).value) / 2,
        chance=NULL,
        interval="Wilson, of as many samples as both cohorts are worth",
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


def _flat(x: Images) -> Matrix:
    return tiles(x, TILE).reshape(len(x), -1)


def _some(x: NDArray[T], limit: int, seed: int) -> NDArray[T]:
    if len(x) <= limit:
        return x
    return x[np.random.default_rng([seed, 65]).choice(len(x), limit, replace=False)]
