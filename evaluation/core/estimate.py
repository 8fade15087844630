"""`Estimate`: one figure of the scorecard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cohortsmith.evaluation.core.finding import jsonable

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        reference: real-vs-real reference, the score of real data against real data at the same sample sizes.
        chance: uninformed baseline: 0.5 for an AUC, the majority class for an accuracy; for a distance, a cohort whose
            genes, alignment columns or pixels are drawn independently of each other; for base frequencies and variants,
            substitutions at random positions.
        direction: "higher" or "lower" is better, or "target": the closer to `reference` the better.
        status: "ok" or "not evaluable: reason".
        detail: supporting tables, serialisable as JSON; `interval` names the method of the interval.
        group: "fidelity", "utility" or "privacy".
        explanation: meaning of the value, one sentence.
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
