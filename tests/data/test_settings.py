"""Settings of a part: read off dataclasses and constructors, refused when they cannot be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pytest

from cohortsmith.data import DataError
from cohortsmith.data.settings import Setting, checked, settings_of


@dataclass(frozen=True)
class Base:
    steps: int = 10
    rate: float = 0.1
    kept: ClassVar[int] = 3


@dataclass(frozen=True)
class Part(Base):
    patience: int = 0
    mode: Literal["fast", "slow"] = "fast"
    even: bool = False
    widths: tuple[int, ...] = (3, 2)
    factors: tuple[float, ...] = ()
    frozen: int | Literal["all"] = 0
    name: str = "none"
    worked_out: int = field(default=0, init=False)


class Network:
    def __init__(self, inputs: Unknown, *, width: int = 8, share: float = 0.5) -> None:  # type: ignore[name-defined]  # noqa: F821
        self.width = width


def test_settings_are_those_that_a_part_is_made_with() -> None:
    assert list(settings_of(Part)) == [
        "steps",
        "rate",
        "patience",
        "mode",
        "even",
        "widths",
        "factors",
        "frozen",
        "name",
    ]
    assert settings_of(Part)["steps"] == Setting(int, 10)
    assert settings_of(Network) == {"width": Setting(int, 8), "share": Setting(float, 0.5)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 1),
        ("patience", 0),
        ("rate", 2),
        ("mode", "slow"),
        ("even", True),
        ("widths", (4,)),
        ("factors", (1, 0.5)),
        ("frozen", "all"),
        ("frozen", 2),
        ("name", "shift"),
    ],
)
def test_values_that_can_be_pass(name: str, value: object) -> None:
    assert checked("part", Part, {name: value}) == {name: value}


def test_lists_become_tuples() -> None:
    assert checked("part", Part, {"widths": [5, 6]}) == {"widths": (5, 6)}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"stepz": 1}, "part has no setting 'stepz'; did you mean steps?"),
        ({"kept": 1}, "part has no setting 'kept'"),
        ({"worked_out": 1}, "part has no setting 'worked_out'"),
        ({"steps": 0}, "part: steps must be a whole number of at least 1; got 0"),
        ({"steps": True}, "part: steps must be a whole number of at least 1; got True"),
        ({"patience": -1}, "part: patience must be a whole number of at least 0; got -1"),
        ({"rate": "high"}, "part: rate must be a number of at least 0; got 'high'"),
        ({"rate": float("inf")}, "part: rate must be a number of at least 0; got inf"),
        ({"mode": "medium"}, "part: mode must be one of fast, slow; got 'medium'"),
        ({"even": 1}, "part: even must be true or false; got 1"),
        ({"widths": [4, 0]}, "part: widths must be a list, each a whole number of at least 1; got (4, 0)"),
        ({"widths": 4}, "part: widths must be a list"),
        ({"factors": ["x"]}, "part: factors must be a list, each a number"),
        ({"frozen": "most"}, "part: frozen must be a whole number of at least 0 or 'all'; got 'most'"),
        ({"name": 1}, "part: name must be text; got 1"),
    ],
)
def test_values_that_cannot_be_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError) as refusal:
        checked("part", Part, settings)
    assert str(refusal.value).startswith(words)
