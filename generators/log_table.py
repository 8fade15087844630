"""Expression as a table of log2 values, with the library size of raw counts as one more column, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data import DataError, from_log, log_expression

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data import Cohort, Scale

    Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LogTable:
    """The way between a cohort's scale and the columns that models of expression learn."""

    scale: Scale

    @classmethod
    def of(cls, cohort: Cohort) -> LogTable:
        """Table of an expression cohort.

        Raises:
            DataError: another data kind.
        """
        if cohort.kind != "expression":
            raise DataError(f"expression was expected, the cohort is of kind {cohort.kind!r}")
        return cls(cohort.scale)

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
        return from_log(columns, self.scale)


def floors(columns: Floats, least: int = 5) -> Floats:
    """Lowest value (genes,) that can exist: nought where nothing is negative, else a floor at least `least` share.

    Elsewhere there is no floor (minus infinity): a minimum that one patient has is that patient's own value.
    """
    lowest = columns.min(axis=0)
    shared = (columns == lowest).sum(axis=0) >= least
    floor = np.where(shared, lowest, -np.inf)
    return np.asarray(np.maximum(floor, 0) if lowest.min() >= 0 else floor, dtype=np.float32)
