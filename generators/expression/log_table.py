"""Expression as a table of log2 values, with the library size of raw counts as one more column, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cohortsmith.data import from_log, log_expression
from cohortsmith.data.kinds import EXPRESSION, require_kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort, Scale

    Floats = NDArray[np.float32]


_RESOLVED, _NEAR = (
    2.0**17,
    0.05,
)  # float32 holds 24 bits: up to 2**17 steps, a step is distinguishable from its fractions


@dataclass(frozen=True)
class LogTable:
    """Conversion between a cohort's scale and the columns that models of expression learn.

    Attributes:
        scale: of the cohort.
        decimals: number of decimals its values are rounded to; None where they are not, or where float32 cannot show
            it. Generated values are rounded in the same way: unrounded ones would betray a synthetic patient.
    """

    scale: Scale
    decimals: int | None = None
    neighbours: ClassVar[bool] = False

    @classmethod
    def of(cls, cohort: Cohort) -> LogTable:
        """Table of an expression cohort.

        Raises:
            DataError: another data kind.
        """
        require_kind(cohort.kind, EXPRESSION, "expression was expected")
        return cls(cohort.scale, None if cohort.scale == "counts" else _decimals(cohort.x))

    def columns(self, cohort: Cohort) -> Floats:
        """Log2 values (n, genes), and for counts log2 of the library size as the last column."""
        values = log_expression(cohort)
        if self.scale != "counts":
            return values
        library = np.log2(np.maximum(cohort.x.sum(axis=1, keepdims=True, dtype=np.float64), 1.0))
        return np.concatenate([values, library.astype(np.float32)], axis=1)

    def back(self, columns: Floats) -> Floats:
        """Expression (n, genes) in the cohort's scale from columns."""
        if self.scale == "counts":
            return from_log(columns[:, :-1], "counts", np.exp2(columns[:, -1].astype(np.float64)))
        values = from_log(columns, self.scale)
        return values if self.decimals is None else np.round(values, self.decimals)


def _decimals(x: NDArray[np.floating]) -> int | None:
    """Fewest decimals, at most 3, that represent every value of `x`; None where float32 cannot show it."""
    largest = float(np.abs(x).max(initial=0))
    for decimals in range(4):
        steps = 10.0**decimals
        if largest * steps > _RESOLVED:
            return None
        if all(bool(np.all(np.abs(row * steps - np.rint(row * steps)) < _NEAR)) for row in x.astype(np.float64)):
            return decimals
    return None


def floors(columns: Floats, least: int = 5) -> Floats:
    """Lowest possible value (genes,): zero where nothing is negative, else a floor of at least `least` patients.

    Elsewhere there is no floor (minus infinity): the minimum of a single patient would be that patient's own value.
    """
    lowest = columns.min(axis=0)
    shared = (columns == lowest).sum(axis=0) >= least
    floor = np.where(shared, lowest, -np.inf)
    return np.asarray(np.maximum(floor, 0) if lowest.min() >= 0 else floor, dtype=np.float32)
