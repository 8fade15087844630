"""`Finding`: what a measurement found; `NotEvaluable`: why there is none; and both as plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class NotEvaluable(Exception):
    """Too few patients for a figure that would mean something; the message is the reason."""


@dataclass(frozen=True)
class Finding:
    """What a measurement found, before it is put beside the metric's name and meaning.

    Attributes:
        value: the figure itself.
        low: lower end of its 95 % interval.
        high: upper end of its 95 % interval.
        reference: the same figure for real data against real data at the same sizes.
        chance: the same figure for something that knows nothing.
        interval: how the interval was made, in a few words.
        detail: tables behind the figure (per class, worst genes, sizes used), fit for JSON.
    """

    value: float
    low: float | None
    high: float | None
    reference: float | None
    chance: float | None
    interval: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def finite(value: float | None) -> float | None:
    """A number, or None where it is none, NaN or infinite."""
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
