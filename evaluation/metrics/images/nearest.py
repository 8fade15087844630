"""The real images nearest to one synthetic image: for a page that may show patients; distances for any page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.evaluation.core import distances, tiles
from cohortsmith.evaluation.spaces import TILE, turned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Images, Matrix
    from cohortsmith.evaluation.spaces import Comparison


class Neighbour(NamedTuple):
    """A real image near a synthetic one.

    Attributes:
        row: in its cohort.
        distance: root mean square over tiles of 4 x 4 pixels, in grey levels, in the orientation that comes nearest.
        turned: which of the orientations of `images.turned` brings the synthetic image there.
    """

    row: int
    distance: float
    turned: int


def neighbours(comparison: Comparison, row: int, k: int = 4) -> dict[str, list[Neighbour]]:
    """The `k` images of train and of holdout nearest to the synthetic image at `row`, nearest first."""
    ways = np.concatenate([_flat(way) for way in turned(comparison.synthetic.x[row : row + 1])])
    found = {}
    for side in ("train", "holdout"):
        gap = distances(ways, _known(comparison, side)) / np.sqrt(ways.shape[1])
        best, way = gap.min(axis=0), gap.argmin(axis=0)
        order = np.argsort(best, kind="stable")[:k]
        found[side] = [Neighbour(int(i), float(best[i]), int(way[i])) for i in order]
    return found


def nearer_than(comparison: Comparison, distance: float) -> float | None:
    """Share of holdout images (at most 500) that come as near to train as `distance`; None with fewer than 20."""

    def make() -> NDArray[np.float32]:
        held = comparison.holdout.x
        kept = np.random.default_rng(0).permutation(len(held))[:500]
        train = _known(comparison, "train")
        gaps = [distances(_flat(way), train).min(axis=1) for way in turned(held[kept])]
        return np.asarray(np.min(gaps, axis=0) / np.sqrt(train.shape[1]), dtype=np.float32)

    if len(comparison.holdout) < 20:
        return None
    null: NDArray[np.float32] = comparison.memo(("holdout to train, tiles",), make)
    return float((null <= distance).mean())


def _known(comparison: Comparison, side: str) -> Matrix:
    return comparison.memo(("tiles of 4", side), lambda: _flat(getattr(comparison, side).x))


def _flat(x: Images) -> Matrix:
    return tiles(x, TILE).reshape(len(x), -1)
