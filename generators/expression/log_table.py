"""Expression as a table of log2 values, with the library size of raw counts as one more column, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cohortsmith.data import from_log, log_expression, to_log
from cohortsmith.data.kinds import EXPRESSION, require_kind
from cohortsmith.data.value_laws import ValueLaw, bounds
from cohortsmith.generators.expression.monotone_curves import MIN_PATIENTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort, Scale

    Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LogTable:
    """Conversion between a cohort's scale and the columns that models of expression learn, and the law of its values.

    Generated values obey the law of train's: others would betray a synthetic patient at one look.

    Attributes:
        scale: of the cohort.
        decimals: number of decimals its values are rounded to; None where they are not, or float32 cannot show it.
        of_whole: whether every value is log2 of a whole number plus one; `decimals` is then of that logarithm.
        levels: the values that occur, where they are few: dosages, codes. Empty elsewhere.
        least, most: bounds of generated values, in the cohort's scale: train's where at least five patients share them
            or where nothing is negative (zero), else the mean of the five patients nearest to them.
    """

    scale: Scale
    decimals: int | None = None
    of_whole: bool = False
    levels: tuple[float, ...] = ()
    least: float | None = None
    most: float | None = None
    neighbours: ClassVar[bool] = False

    @classmethod
    def of(cls, cohort: Cohort) -> LogTable:
        """Table of an expression cohort.

        Raises:
            DataError: another data kind.
        """
        require_kind(cohort.kind, EXPRESSION, "expression was expected")
        x = cohort.x
        if cohort.scale == "counts":
            return cls(cohort.scale)
        law = ValueLaw.of(x, logarithms=cohort.scale == "log")
        least, most = bounds(x.min(axis=1), x.max(axis=1))
        if law.of_whole:  # on the grid, and within
            least, most = (float(np.log2(way(2.0**end - 1) + 1)) for way, end in ((np.ceil, least), (np.floor, most)))
        return cls(cohort.scale, law.decimals, law.of_whole, law.levels, least, most)

    def columns(self, cohort: Cohort) -> Floats:
        """Log2 values (n, genes), and for counts log2 of the library size as the last column."""
        values = log_expression(cohort)
        if self.scale != "counts":
            return values
        library = np.log2(np.maximum(cohort.x.sum(axis=1, keepdims=True, dtype=np.float64), 1.0))
        return np.concatenate([values, library.astype(np.float32)], axis=1)

    def limits(self) -> tuple[float, float]:
        """Least and largest log2 value that a generated patient can have."""
        if self.scale == "counts":
            return 0.0, float("inf")
        if self.least is None or self.most is None:
            return float("-inf"), float("inf")
        low, high = to_log(np.array([[self.least, self.most]], np.float32), self.scale)[0]
        return float(low), float(high)

    def back(self, columns: Floats) -> Floats:
        """Expression (n, genes) in the cohort's scale from columns."""
        if self.scale == "counts":
            return from_log(columns[:, :-1], "counts", np.exp2(columns[:, -1].astype(np.float64)))
        values = from_log(columns, self.scale)
        if self.least is not None:
            values = np.clip(values, self.least, self.most)
        return ValueLaw(self.decimals, self.of_whole, self.levels).obeyed(values)


def floors(columns: Floats, least: int = MIN_PATIENTS) -> Floats:
    """Lowest possible value (genes,): zero where nothing is negative, else a floor of at least `least` patients.

    Elsewhere there is no floor (minus infinity): the minimum of a single patient would be that patient's own value.
    """
    lowest = columns.min(axis=0)
    shared = (columns == lowest).sum(axis=0) >= least
    floor = np.where(shared, lowest, -np.inf)
    return np.asarray(np.maximum(floor, 0) if lowest.min() >= 0 else floor, dtype=np.float32)
