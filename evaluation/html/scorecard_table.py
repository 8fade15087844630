"""HTML of the scorecard: verdicts, the table with its inline bars, families side by side, and the words under them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from cohortsmith.evaluation.core import Group, number, title_of
from cohortsmith.evaluation.html.environment import fill
from cohortsmith.evaluation.scorecard import RULE, Reading, judge, line_of, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from markupsafe import Markup

    from cohortsmith.evaluation.core import Estimate

GROUPS: tuple[Group, ...] = get_args(Group)
_TEMPLATE = "scorecard.html"
_ABOUT: dict[Group, str] = {
    "fidelity": "Does the synthetic cohort look like real patients?",
    "utility": "Do models trained on it hold for real patients?",
    "privacy": "Does it reveal who was in the training data?",
}
_TONES: dict[Reading | None, str] = {
    "as real": "r-real",
    "close": "r-close",
    "partway": "r-partway",
    "far": "r-far",
    None: "r-none",
}
BETTER = {"higher": "Higher is better", "lower": "Lower is better", "target": "The nearer to real, the better"}
_LEFT, _RIGHT = 8.0, 86.0  # where chance and real stand on every bar, per cent of its width


class Track(NamedTuple):
    """Inline drawing of a value and its interval on a line; places in per cent of the width.

    Attributes:
        label: what it shows, for a screen reader.
        left, right: ends of the interval.
        at: the value.
        mark: "dot", or "beyond" where the value lies outside the drawing.
        ticks: class and place of marks that the value is read against.
    """

    label: str
    left: float
    right: float
    at: float
    mark: str
    ticks: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, label: str, interval: tuple[float, float], at: float, ticks: Iterable[tuple[str, float]]) -> Track:
        """The drawing, cut at its ends; a value beyond them gets an open mark."""
        left, right = (min(100.0, max(0.0, end)) for end in interval)
        shown = min(98.0, max(2.0, at))
        kept = tuple((kind, x) for kind, x in ticks if 0 <= x <= 100)
        return cls(label, left, right, shown, "dot" if shown == at else "beyond", kept)


def verdicts(estimates: Sequence[Estimate]) -> Markup:
    """One card a group in plain words, and the rule behind them."""
    cards = []
    for group in GROUPS:
        verdict = judge(estimates, group)
        total = sum(verdict.counts.values())
        parts = [f"{count} {reading}" for reading, count in verdict.counts.items() if count]
        tail = f"{total} metric{'s' if total != 1 else ''}: {', '.join(parts)}." if total else ""
        if (weak := verdict.weakest) is not None:
            tail += f" Weakest: {title_of(weak.name)}, {number(weak.value)} where real data score "
            tail += f"{number(weak.reference)}."
        cards.append((_TONES[verdict.reading], group, verdict, tail))
    return fill(_TEMPLATE, "verdicts", cards, RULE)


def scorecard(estimates: Sequence[Estimate]) -> Markup:
    """Table of every metric, group by group; what could not be measured stands greyed with the reason."""
    tables = [(group, _ABOUT[group], [_row(e) for e in estimates if e.group == group]) for group in GROUPS]
    return fill(_TEMPLATE, "scorecard", [table for table in tables if table[2]])


def _row(estimate: Estimate) -> dict[str, Any]:
    reading = read(estimate) if estimate.value is not None else None
    return {
        "estimate": estimate,
        "better": BETTER[estimate.direction],
        "tone": _TONES[reading],
        "reading": reading or "no scale",
        "reason": estimate.status.removeprefix("not evaluable: "),
        "track": _track(estimate),
    }


def _track(estimate: Estimate) -> Track | None:
    """An estimate on its line from chance to real."""
    line = line_of(estimate)
    if line is None or estimate.value is None:
        return None

    def place(value: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * line.place(value)

    at = place(estimate.value)
    ends = sorted(place(v) for v in (estimate.low, estimate.high) if v is not None) or [at, at]
    ticks = [] if estimate.chance is None else [("chance", place(estimate.chance))]
    ticks.append(("real", place(estimate.reference or 0.0)))
    label = f"{number(estimate.value)} on a line from {number(line.start)} to {number(line.end)}"
    return Track.of(label, (ends[0], ends[-1]), at, ticks)


def side_by_side(
    cards: Mapping[str, Mapping[str, Estimate]],
    facts: Mapping[str, Mapping[str, object]] | None = None,
    links: Mapping[str, str] | None = None,
) -> Markup:
    """Table with one row per metric and one column per family; the value nearest to real in each row is underlined.

    Args:
        cards: estimates by name, of each family.
        facts: facts of each family, shown in rows of their own below the verdicts.
        links: addresses of the families' own reports, of those that have one.
    """
    facts, links = facts or {}, links or {}
    order = {name: e for card in cards.values() for name, e in card.items()}
    judged = []
    for group in GROUPS:
        readings = [judge(card.values(), group).reading for card in cards.values()]
        judged.append((group, [(_TONES[reading], reading or "not measured") for reading in readings]))
    lines = [
        (fact, [facts.get(name, {}).get(fact, "–") for name in cards])
        for fact in dict.fromkeys(key for known in facts.values() for key in known)
    ]
    groups = []
    for group in GROUPS:
        names = [name for name, e in order.items() if e.group == group]
        if names:
            groups.append((group, [_family_row([card.get(name) for card in cards.values()], name) for name in names]))
    return fill(_TEMPLATE, "side_by_side", list(cards), links, judged, lines, groups)


def _family_row(estimates: Sequence[Estimate | None], name: str) -> dict[str, Any]:
    known = [e for e in estimates if e is not None and e.value is not None]
    # Beyond real is no better than real, so every family that reaches it shares the first place.
    best = max((min(1.0, line.place(e.value or 0.0)) for e in known if (line := line_of(e))), default=None)
    cells: list[dict[str, Any]] = []
    for estimate in estimates:
        if estimate is None or estimate.value is None:
            cells.append({"estimate": None, "reason": "not measured" if estimate is None else estimate.status})
            continue
        line = line_of(estimate)
        first = line is not None and best is not None and line.place(estimate.value) >= best - 1e-12
        reading = read(estimate)
        cells.append({"estimate": estimate, "tone": _TONES[reading], "reading": reading or "", "best": first})
    sides = [_mean([getattr(e, side) for e in known]) for side in ("reference", "chance")]
    return {"name": name, "sides": sides, "cells": cells}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def words(estimates: Sequence[Estimate]) -> Markup:
    """What every column and every metric means."""
    general = {
        "Value and interval": "The value for this synthetic cohort, and its 95 % confidence interval.",
        "Real vs real": "The score of real patients against other real patients at the same sizes: no synthetic cohort "
        "should be expected to do better, and one that does may have copied.",
        "Chance": "The score of an uninformed baseline: guessing; for distances, patients whose genes are drawn "
        "independently of one another, or images of noise.",
        "Reading": RULE,
        "Train, holdout": "The generator saw train only. Every metric is read against holdout, real patients it never "
        "saw, because metrics against train reward copying.",
    }
    own = {title_of(e.name): f"{e.explanation} Source: {e.source}." for e in estimates}
    return fill(_TEMPLATE, "words", general | own)
