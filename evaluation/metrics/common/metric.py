"""`Metric`: definition of one metric of the scorecard."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cohortsmith.data.kinds import EXPRESSION
from cohortsmith.evaluation.core import Estimate, Finding, NotEvaluable, finite

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cohortsmith.evaluation.core import Direction, Group
    from cohortsmith.evaluation.spaces import Comparison


@dataclass(frozen=True)
class Metric:
    """A named measurement on a `Comparison`.

    Attributes:
        name: short snake_case name, the one `only=` takes.
        group: its part of the scorecard.
        direction: whether higher, lower or a target is better.
        bounds: smallest and largest value that can occur, None where unbounded.
        explanation: meaning of the value, one sentence.
        source: the paper that defines it.
        measure: called as measure(comparison, seed); raises `NotEvaluable` for too few patients.
        kinds: data kinds it is defined for.
    """

    name: str
    group: Group
    direction: Direction
    bounds: tuple[float | None, float | None]
    explanation: str
    source: str
    measure: Callable[[Comparison, int], Finding]
    kinds: Collection[str] = (EXPRESSION,)

    def compute(self, comparison: Comparison, seed: int = 0) -> Estimate:
        """Estimate of the metric; where it is not evaluable, its status gives the reason."""
        try:
            found = self.measure(comparison, seed)
            status = "ok" if math.isfinite(found.value) else "not evaluable: the statistic is undefined on these data"
        except NotEvaluable as reason:
            found = Finding(math.nan, None, None, None, None)
            status = f"not evaluable: {reason}"
        detail = {**found.detail, "interval": found.interval} if status == "ok" else dict(found.detail)
        low, high = (self._clip(found.low), self._clip(found.high)) if status == "ok" else (None, None)
        return Estimate(
            name=self.name,
            value=finite(found.value),
            low=low,
            high=high,
            reference=finite(found.reference),
            chance=finite(found.chance),
            direction=self.direction,
            status=status,
            detail=detail,
            group=self.group,
            explanation=self.explanation,
            source=self.source,
            bounds=self.bounds,
        )

    def _clip(self, limit: float | None) -> float | None:
        number = finite(limit)
        if number is None:
            return None
        smallest, largest = self.bounds
        number = number if smallest is None else max(number, smallest)
        return number if largest is None else min(number, largest)
