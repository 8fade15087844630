"""The real images nearest to one synthetic image, for pages that may show patients, and their distances."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.evaluation.core import MIN_PER_SIDE, distances
from cohortsmith.evaluation.metrics.images.near_copies import tile_rows
from cohortsmith.evaluation.spaces import turned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison


class Neighbour(NamedTuple):
    """A real image near a synthetic one.

    Attributes:
        row: row in its cohort.
        distance: root mean square over tiles of 4 x 4 pixels, in grey levels, in the closest orientation.
        turned: number of that orientation of the synthetic image, in the order of `spaces.turned`.
    """

    row: int
    distance: float
    turned: int


def neighbours(comparison: Comparison, row: int, k: int = 4) -> dict[str, list[Neighbour]]:
    """The `k` images of train and of holdout nearest to the synthetic image at `row`, nearest first."""
    views = np.concatenate([tile_rows(view) for view in turned(comparison.synthetic.x[row : row + 1])])
    found = {}
    for side in ("train", "holdout"):
        gap = distances(views, _known(comparison, side)) / np.sqrt(views.shape[1])
        best, orientation = gap.min(axis=0), gap.argmin(axis=0)
        order = np.argsort(best, kind="stable")[:k]
        found[side] = [Neighbour(int(i), float(best[i]), int(orientation[i])) for i in order]
    return found


def nearer_than(comparison: Comparison, distance: float) -> float | None:
    """Share of holdout images (at most 500) at least as close to train as `distance`; None with fewer than 20."""

    def make() -> NDArray[np.float32]:
        held = comparison.holdout.x
        kept = np.random.default_rng(0).permutation(len(held))[:500]
        train = _known(comparison, "train")
        gaps = [distances(tile_rows(view), train).min(axis=1) for view in turned(held[kept])]
        return np.asarray(np.min(gaps, axis=0) / np.sqrt(train.shape[1]), dtype=np.float32)

    if len(comparison.holdout) < MIN_PER_SIDE:
        return None
    null: NDArray[np.float32] = comparison.memo(("holdout to train, tiles",), make)
    return float((null <= distance).mean())


def _known(comparison: Comparison, side: str) -> Matrix:
    return comparison.memo(("tiles of 4", side), lambda: tile_rows(getattr(comparison, side).x))
