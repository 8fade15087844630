"""`Draw`: equally large random draws of each side of a comparison, and how rows of each class are picked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core.pixel_scale import Matrix


class Rows(NamedTuple):
    """Rows of the holdout, the synthetic cohort and train, (n,) each."""

    real: NDArray[np.int64]
    synthetic: NDArray[np.int64]
    reference: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Draw:
    """Equally large random draws of each side, rows in random order, as profiles.

    Attributes:
        real: (n, d) from the holdout.
        synthetic: (n, d) from the synthetic cohort, classes in the holdout's proportions as far as it has them.
        reference: (n, d) from train: real data in place of the synthetic cohort.
        structureless: (n, d) drawn column by column without structure, see `KindView.structureless`.
        real_y: (n,) classes of `real`.
        synthetic_y: (n,) classes of `synthetic`.
        reference_y: (n,) classes of `reference`.
        fitting_rows: rows of train outside `reference`, at least a third: networks and components are fitted on these,
            so that `reference` is unseen data for them, as the holdout is.
        rows: row numbers of `real`, `synthetic` and `reference` in their cohorts, (n,) each.
    """

    real: Matrix
    synthetic: Matrix
    reference: Matrix
    structureless: Matrix
    real_y: NDArray[np.int64]
    synthetic_y: NDArray[np.int64]
    reference_y: NDArray[np.int64]
    fitting_rows: NDArray[np.int64]
    rows: Rows

    def __len__(self) -> int:
        return len(self.real)

    def mapped(self, change: Callable[[Matrix, str], Matrix]) -> Draw:
        """The same samples in another space: `change(x, side)` for each side."""
        return replace(
            self,
            real=change(self.real, "real"),
            synthetic=change(self.synthetic, "synthetic"),
            reference=change(self.reference, "reference"),
            structureless=change(self.structureless, "structureless"),
        )


def pick(y: NDArray[np.int64], quota: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows with `quota[c]` samples of each class c, in random order; a shortfall is filled from other classes.

    Args:
        y: (n,) classes.
        quota: (classes,) number of samples of each.
        rng: random generator.
    """
    order = rng.permutation(len(y))
    rank = np.empty(len(y), dtype=np.int64)
    for c in range(len(quota)):
        mine = order[y[order] == c]
        rank[mine] = np.arange(len(mine))
    taken = rank < quota[y]
    chosen = order[taken[order]]
    spare = order[~taken[order]][: int(quota.sum()) - len(chosen)]
    return rng.permutation(np.concatenate([chosen, spare]))


def proportional(share: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """How many of `n` each class gets at the given shares, (classes,), by largest remainder."""
    exact = share * n
    quota = np.floor(exact).astype(np.int64)
    quota[np.argsort(quota - exact, kind="stable")[: n - int(quota.sum())]] += 1
    return quota
