"""`Estimate`: one figure of the scorecard, and `Metric`: how it is measured and how to read it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cohortsmith.evaluation.core.finding import Finding, NotEvaluable, finite, jsonable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cohortsmith.data.cohort import Kind
    from cohortsmith.evaluation.core.comparison import Comparison

Direction = Literal["higher", "lower", "target"]
Group = Literal["fidelity", "utility", "privacy"]


@dataclass(frozen=True)
class Estimate:
    """One line of the scorecard.

    Attributes:
        name: short name, as in `Metric.name`.
        value: the figure, None when not evaluable.
        low: lower end of the 95 % interval, None when there is none.
        high: upper end of the 95 % interval, None when there is none.
        reference: what real data score against real data on this metric at the same sizes.
        chance: what something that knows nothing scores: 0.5 for an AUC, the majority class for an accuracy, for a
            distance a cohort whose genes, columns of the alignment or pixels are drawn independently of each other, and
            for base frequencies and variants substitutions at random places.
        direction: "higher" or "lower" is better, or "target": the nearer to `reference` the better.
        status: "ok" or "not evaluable: reason".
        detail: tables behind the figure, fit for JSON; `interval` says how the interval was made.
        group: "fidelity", "utility" or "privacy".
        explanation: what the number means, one sentence.
        source: the paper that defines it.
        bounds: smallest and largest value that can occur, None where unbounded.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    reference: float | None
    chance: float | None
    direction: Direction
    status: str
    detail: Mapping[str, Any]
    group: Group
    explanation: str
    source: str
    bounds: tuple[float | None, float | None] = (None, None)

    @property
    def ok(self) -> bool:
        """Whether there is a figure."""
        return self.status == "ok"

    def to_json(self) -> dict[str, Any]:
        """Plain dict without NaN or infinity: those become None."""
        keys = ("name", "value", "low", "high", "reference", "chance", "direction", "status", "group")
        out: dict[str, Any] = {key: jsonable(getattr(self, key)) for key in keys}
        return out | {"explanation": self.explanation, "source": self.source, "detail": jsonable(self.detail)}


@dataclass(frozen=True)
class Metric:
    """A named measurement on a `Comparison`.

    Attributes:
        name: short snake_case name, the one `only=` takes.
        group: which part of the scorecard it belongs to.
        direction: which way is better.
        bounds: smallest and largest value that can occur, None where unbounded.
        explanation: what the number means, one sentence.
        source: the paper that defines it.
        measure: called as measure(comparison, seed); raises `NotEvaluable` when patients are too few.
        kinds: data kinds it is defined for.
    """

    name: str
    group: Group
    direction: Direction
    bounds: tuple[float | None, float | None]
    explanation: str
    source: str
    measure: Callable[[Comparison, int], Finding]
    kinds: tuple[Kind, ...] = ("expression",)

    def compute(self, comparison: Comparison, seed: int = 0) -> Estimate:
        """Measure, or say why it cannot be measured."""
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
