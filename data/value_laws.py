"""Laws that a table of values obeys: bounds, decimals, fixed values, log2 of whole numbers plus one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

PATIENTS = 5  # that share a bound, or whose mean is one
_NEAR = 0.1  # of a step: what float32 must tell apart
_MOST_DECIMALS = 6
_MOST_LEVELS = 16  # a table of at most so many different values has fixed levels
_MOST_COUNT = 2.0**14  # up to which log2(count + 1) and log2(count + 2) can be told apart in float32
_ULPS = 2e-6  # what float32 leaves open between 8 and 16


@dataclass(frozen=True)
class ValueLaw:
    """What every value of a table has in common: a generated value that breaks it betrays a synthetic patient.

    Attributes:
        decimals: number of decimals that values are rounded to; None where they are not, or float32 cannot show it.
        of_whole: whether every value is log2 of a whole number plus one; `decimals` is then of that logarithm.
        levels: the values that occur, where they are few and five patients have each: dosages, codes. Else empty.
    """

    decimals: int | None = None
    of_whole: bool = False
    levels: tuple[float, ...] = ()

    @classmethod
    def of(cls, x: NDArray[np.floating], logarithms: bool) -> ValueLaw:
        """Law of values (n, genes); only logarithms can be those of whole numbers."""
        of_whole, decimals = _of_whole(x) if logarithms else (False, None)
        if of_whole:
            return cls(decimals, True)
        return cls(_decimals(x), False, _levels(x))

    def obeyed(self, values: Floats) -> Floats:
        """Values (n, genes) moved to the nearest that obey it."""
        if self.of_whole:
            exact = np.log2(np.rint(np.exp2(np.maximum(values, 0).astype(np.float64)) - 1) + 1)
            values = exact.astype(np.float32)
        elif self.levels:
            values = _nearest(values, np.asarray(self.levels, np.float32))
        if self.decimals is not None:
            values = np.round(values.astype(np.float64), self.decimals).astype(np.float32)
        return values

    def broken(self, values: Floats) -> NDArray[np.bool_]:
        """Which of values (n, genes) do not obey it, up to the rounding of float32."""
        apart = np.abs(self.obeyed(values).astype(np.float64) - values)
        return np.asarray(apart > _ULPS * np.maximum(np.abs(values), 1))


def bounds(lowest: NDArray[np.floating], highest: NDArray[np.floating]) -> tuple[float, float]:
    """Bounds from each patient's lowest and highest value (n,): values that no single patient had alone.

    A bound that five patients share is kept, and so is zero where nothing is negative; else it is the mean of the five
    nearest to it.
    """
    low, high = np.sort(lowest)[:PATIENTS], np.sort(highest)[-PATIENTS:]
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
    if len(levels) < 2 or any(((x == level).any(axis=1)).sum() < PATIENTS for level in levels):
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
