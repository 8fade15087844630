"""Expression as a table of log2 values, with the library size of raw counts as one more column, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cohortsmith.data import from_log, log_expression, to_log
from cohortsmith.data.kinds import EXPRESSION, require_kind
from cohortsmith.generators.expression.monotone_curves import MIN_PATIENTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort, Scale

    Floats = NDArray[np.float32]


_NEAR = 0.1  # of a step: what float32 must tell apart
_MOST_DECIMALS = 6
_MOST_LEVELS = 16  # a table of at most so many different values has fixed levels
_MOST_COUNT = 2.0**14  # up to which log2(count + 1) and log2(count + 2) can be told apart in float32
_ULPS = 2e-6  # what float32 leaves open between 8 and 16


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
        of_whole, decimals = _of_whole(x) if cohort.scale == "log" else (False, None)
        levels = () if of_whole else _levels(x)
        if not of_whole:
            decimals = _decimals(x)
        least, most = bounds(x.min(axis=1), x.max(axis=1))
        if of_whole:  # on the grid, and within
            least, most = (float(np.log2(way(2.0**end - 1) + 1)) for way, end in ((np.ceil, least), (np.floor, most)))
        return cls(cohort.scale, decimals, of_whole, levels, least, most)

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
        if self.of_whole:
            exact = np.log2(np.rint(np.exp2(np.maximum(values, 0).astype(np.float64)) - 1) + 1)
            values = exact.astype(np.float32)
        elif self.levels:
            values = _nearest(values, np.asarray(self.levels, np.float32))
        if self.decimals is not None:
            values = np.round(values.astype(np.float64), self.decimals).astype(np.float32)
        return values


def bounds(lowest: NDArray[np.floating], highest: NDArray[np.floating]) -> tuple[float, float]:
    """Bounds from each patient's lowest and highest value (n,): values that no single patient had alone.

    A bound that five patients share is kept, and so is zero where nothing is negative; else it is the mean of the five
    nearest to it.
    """
    low, high = np.sort(lowest)[:MIN_PATIENTS], np.sort(highest)[-MIN_PATIENTS:]
    least = float(low[0]) if low[-1] == low[0] else float(low.mean(dtype=np.float64))
    most = float(high[-1]) if high[0] == high[-1] else float(high.mean(dtype=np.float64))
    return (max(least, 0.0) if low[0] >= 0 else least), most


def _levels(x: NDArray[np.floating]) -> tuple[float, ...]:
    """The values of a table, where they are few and at least five patients have each."""
    found: set[float] = set()
    for row in x:
        found.update(np.unique(row).tolist())
        if len(found) > _MOST_LEVELS:
            return ()
    levels = sorted(found)
    if len(levels) < 2 or any(((x == level).any(axis=1)).sum() < MIN_PATIENTS for level in levels):
        return ()
    return tuple(levels)


def _nearest(values: Floats, levels: Floats) -> Floats:
    middle = (levels[1:] + levels[:-1]) / 2
    return np.asarray(levels[np.searchsorted(middle, values)], np.float32)


def _of_whole(x: NDArray[np.floating]) -> tuple[bool, int | None]:
    """Whether every value is log2 of a whole number plus one, and to how many decimals it was rounded (None: not).

    Most values must be small enough for neighbouring whole numbers to be told apart, or it could be so by chance.
    """
    some = x[: min(len(x), 50)].astype(np.float64)
    if x.min() < 0 or x.max() > np.log2(_MOST_COUNT) or np.unique(some).size <= _MOST_LEVELS:
        return False, None
    if np.array_equal(some, np.rint(some)):
        return False, None
    for decimals in (None, *range(_MOST_DECIMALS, 1, -1)):
        step = _ULPS if decimals is None else 10.0**-decimals
        told_apart = np.exp2(-some) / np.log(2) > 2 * step
        if told_apart.mean() >= 0.5 and all(_is_log_of_whole(row.astype(np.float64), decimals) for row in x):
            return True, decimals
    return False, None


def _is_log_of_whole(row: NDArray[np.float64], decimals: int | None) -> bool:
    exact = np.log2(np.rint(np.exp2(row) - 1) + 1)
    if decimals is not None:
        exact = np.round(exact, decimals)
    return bool(np.all(np.abs(exact - row) <= _ULPS * np.maximum(row, 1) / 8))


def _decimals(x: NDArray[np.floating]) -> int | None:
    """Fewest decimals, at most 6, to which every value of `x` is rounded; None where float32 cannot show it."""
    some = np.abs(x[: min(len(x), 50)]).astype(np.float32)
    for decimals in range(_MOST_DECIMALS + 1):
        if np.mean(np.spacing(some) * 10.0**decimals < _NEAR) < 0.5:
            return None
        if all(np.array_equal(np.round(row.astype(np.float64), decimals).astype(np.float32), row) for row in x):
            return decimals
    return None


def floors(columns: Floats, least: int = MIN_PATIENTS) -> Floats:
    """Lowest possible value (genes,): zero where nothing is negative, else a floor of at least `least` patients.

    Elsewhere there is no floor (minus infinity): the minimum of a single patient would be that patient's own value.
    """
    lowest = columns.min(axis=0)
    shared = (columns == lowest).sum(axis=0) >= least
    floor = np.where(shared, lowest, -np.inf)
    return np.asarray(np.maximum(floor, 0) if lowest.min() >= 0 else floor, dtype=np.float32)
