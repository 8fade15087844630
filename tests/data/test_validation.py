"""What does not fit its shape is one line: where, what was expected, what came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from cohortsmith.data import DataError
from cohortsmith.data.validation import UnreadableError, from_json, from_toml


@dataclass(frozen=True)
class Inner:
    cohort: str
    share: float = 0.5
    scale: Literal["linear", "log"] | None = None


@dataclass(frozen=True)
class Outer:
    data: dict[str, Inner]
    seed: int = 0
    part: Inner | None = None
    labelled: list[int | float | str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


WHOLE: dict[str, Any] = {"data": {"a": {"cohort": "x"}}}


def test_numbers_stay_what_they_are() -> None:
    built = from_toml(Outer, WHOLE | {"labelled": [1, 0.5, "full"], "part": {"cohort": "y", "share": 1}})
    assert [type(value) for value in built.labelled] == [int, float, str]
    assert built.part == Inner("y", 1.0)
    assert type(built.part.share) is float


@pytest.mark.parametrize(
    ("table", "line"),
    [
        (WHOLE | {"sed": 3}, "sed: unknown key; did you mean 'seed'?; known: data, seed, part, labelled, counts"),
        ({"dta": {}}, "dta: unknown key; did you mean 'data'?; known: data, seed, part, labelled, counts"),
        ({}, "data is missing; add a [data.NAME] table"),
        ({"data": {"a": {}}}, "[data.a] cohort is missing; add cohort = ..."),
        ({"data": 3}, "data: a [data.NAME] table was expected; got 3"),
        ({"data": {"a": []}}, "[data] a: a [data.a] table was expected; got []"),
        (WHOLE | {"part": "x"}, 'part: a [part] table was expected; got "x"'),
        (
            WHOLE | {"part": {"cohort": "x", "shares": 1}},
            "[part] shares: unknown key; did you mean 'share'?",
        ),
        (WHOLE | {"part": {"cohort": "x", "scale": "lg"}}, '[part] scale: one of linear, log was expected; got "lg"'),
        (WHOLE | {"seed": True}, "seed: a whole number was expected; got true"),
        (WHOLE | {"seed": 1.0}, "seed: a whole number was expected; got 1.0"),
        (WHOLE | {"labelled": [[1]]}, "labelled: a list, each a number or text was expected; got [[1]]"),
        (WHOLE | {"counts": {"A": "many"}}, '[counts] A: a whole number was expected; got "many"'),
        (WHOLE | {"counts": 3}, "counts: a table, each value a whole number was expected; got 3"),
    ],
)
def test_a_table_that_does_not_fit_is_one_line(table: dict[str, Any], line: str) -> None:
    with pytest.raises(DataError) as refusal:
        from_toml(Outer, table, where="plan.toml")
    assert str(refusal.value).startswith(f"plan.toml: {line}")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[]", "plan.json: a JSON object was expected; got a list; write it again"),
        ("null", "plan.json: a JSON object was expected; got null; write it again"),
        ('{"data": {"a": {}}}', "plan.json: data.a.cohort is missing; write it again"),
        ('{"data": {"a": {"cohort": 17.25}}}', "plan.json: data.a.cohort: text was expected; got a number; write it"),
        ('{"data": {}, "labelled": [1, {}]}', "plan.json: labelled.1: a number or text was expected; got an object"),
        ('{"data": {}, "seed": 1.5}', "plan.json: seed: a whole number was expected; got another number; write it"),
    ],
)
def test_json_that_does_not_fit_is_one_line_without_its_values(text: str, line: str) -> None:
    with pytest.raises(DataError) as refusal:
        from_json(Outer, text, where="plan.json", remedy="write it again")
    assert str(refusal.value).startswith(line)


def test_json_of_another_version_is_read_as_far_as_it_is_known() -> None:
    assert from_json(Outer, '{"data": {"a": {"cohort": "x", "new": 1}}, "more": []}', where="") == Outer(
        {"a": Inner("x")}
    )
    with pytest.raises(UnreadableError, match="plan.json: not readable as JSON"):
        from_json(Outer, '{"data"', where="plan.json")
