"""`Finding`: the result of a measurement; `NotEvaluable`: why there is none; and conversion to plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class NotEvaluable(Exception):
    """A metric cannot be computed, for example on too few patients; the message is the reason."""


@dataclass(frozen=True)
class Finding:
    """Result of a measurement, before the metric's name and explanation are added.

    Attributes:
        value: the statistic.
        low: lower end of its 95 % interval.
        high: upper end of its 95 % interval.
        reference: the same for real data against real data at the same sample sizes.
        chance: the same for an uninformed baseline.
        interval: method of the interval.
        detail: supporting tables (per class, worst genes, sample sizes), serialisable as JSON.
    """

    value: float
    low: float | None
    high: float | None
    reference: float | None
    chance: float | None
    interval: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def finite(value: float | None) -> float | None:
    """The value as a float; None for None, NaN and infinity."""
    return None if value is None or not math.isfinite(value) else float(value)


def jsonable(value: Any) -> Any:
    """Plain lists, dicts and numbers; NaN and infinity become None."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy arrays and scalars
        return jsonable(value.tolist())
    if isinstance(value, float):
        return finite(value)
    return value
