"""Verdict on a scorecard by one stated rule: the position of each value between uninformed baseline and real data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cohortsmith.evaluation.core import Direction, Estimate, Group

Reading = Literal["as real", "close", "partway", "far"]
CLOSE, PARTWAY = 0.8, 0.4
PRIVACY_CLOSE, PRIVACY_PARTWAY = 0.9, 0.6  # an attack's AUC of at most 0.55, at most 0.7

RULE = (
    "Each metric is placed on a line from the uninformed baseline (chance, 0 %) to the real-vs-real reference (100 %). "
    "As real: its 95 % interval reaches the reference, or it is better. Otherwise close: at least 80 % of the way; "
    "partway: at least 40 %; far: less. Where chance is the best score, as for the AUC of a discriminator or an "
    "attack, or where chance scores better than real data, the line starts at the worst possible score. "
    "For privacy close begins at 90 % and partway at 60 % (an attack's AUC of 0.55 and 0.70); where the reference is "
    "exactly 0, as for copies, any excess is partway at best; and a larger distance from train than that of real "
    "patients counts as real. "
    "Fidelity and utility: as real if every metric is; close if 75 % are close or better and none is far; far "
    "if 50 % or more are; partway otherwise. Privacy is judged by its worst metric."
)

HEADLINES: dict[Group, dict[Reading, str]] = {
    "fidelity": {
        "as real": "Looks like the real cohort",
        "close": "Close to the real cohort",
        "partway": "Partly like the real cohort",
        "far": "Unlike the real cohort",
    },
    "utility": {
        "as real": "As useful as real data",
        "close": "Nearly as useful as real data",
        "partway": "Less useful than real data",
        "far": "Of little use in place of real data",
    },
    "privacy": {
        "as real": "No leak found",
        "close": "Slight re-identification risk",
        "partway": "Re-identification risk",
        "far": "High re-identification risk",
    },
}

ADVICE: dict[Group, dict[Reading, str]] = {
    "fidelity": {
        "as real": "No metric distinguishes the synthetic cohort from real patients at this sample size.",
        "close": "Metrics distinguish it from real patients by small margins.",
        "partway": "Part of the structure of real patients is reproduced, part is missing.",
        "far": "Most metrics distinguish it clearly from real patients: do not draw conclusions from it.",
    },
    "utility": {
        "as real": "Models trained on it do as well on real patients as models trained on real patients.",
        "close": "Models trained on it do almost as well on real patients as models trained on real patients.",
        "partway": "Models trained on it do worse on real patients than models trained on real patients.",
        "far": "Models trained on it hardly generalise to real patients.",
    },
    "privacy": {
        "as real": "These attacks cannot infer who was in the training data. Other attacks may; this is no guarantee.",
        "close": "An attack infers membership slightly better than chance: consider this before sharing.",
        "partway": "An attack infers membership of some training patients: do not share it in this form.",
        "far": "Training patients can be re-identified: do not share it.",
    },
}


@dataclass(frozen=True)
class Line:
    """The line from baseline to reference that an estimate is placed on.

    Attributes:
        start: uninformed baseline, or the worst score where the baseline scores as real data do.
        end: real-vs-real reference.
    """

    start: float
    end: float

    def place(self, value: float) -> float:
        """Position of `value`: 0 at `start`, 1 at `end`."""
        return (value - self.start) / (self.end - self.start)


def line_of(estimate: Estimate) -> Line | None:
    """Line of an estimate; None without a reference, or where nothing worse than the reference is known."""
    value, real, chance = estimate.value, estimate.reference, estimate.chance
    if value is None or real is None:
        return None
    direction = _direction(estimate)
    lower = direction == "lower" or (direction == "target" and value > real)
    if chance is not None and _chance_is_best(estimate):
        return Line(1.0, max(real, chance)) if max(real, chance) < 1 else None
    # A baseline about as good as the reference gives no scale: start from the worst score of a share or a distance.
    if chance is not None and abs(chance - real) > 0.1 * max(_size(estimate, real), 1e-9):
        if (chance > real) == lower:
            return Line(chance, real)
        if direction == "target":
            return Line(2 * real - chance, real)
    worst = 0.0 if not lower else 1.0 if 0 <= real < 1 and value <= 1 else None
    return None if worst is None or abs(worst - real) < 1e-9 else Line(worst, real)


def _size(estimate: Estimate, real: float) -> float:
    """Scale for small differences: the absolute reference, or for a percentage near 100 its distance from 100."""
    return min(abs(real), 100 - real) if estimate.bounds[1] == 100 else abs(real)


def _direction(estimate: Estimate) -> Direction:
    """Direction of a reading: in privacy only closeness to train counts against a cohort, never distance."""
    return "higher" if estimate.group == "privacy" and estimate.direction == "target" else estimate.direction


def _chance_is_best(estimate: Estimate) -> bool:
    """Whether chance is the best score: a discriminator or an attacker that can only guess."""
    return estimate.direction == "lower" and (estimate.group == "privacy" or estimate.chance == 0.5)


def read(estimate: Estimate) -> Reading | None:
    """Reading of an estimate against baseline and reference; None when it cannot be placed."""
    value, real = estimate.value, estimate.reference
    if value is None or real is None:
        return None
    low = value if estimate.low is None else min(estimate.low, value)
    high = value if estimate.high is None else max(estimate.high, value)
    aim = max(real, estimate.chance) if estimate.chance is not None and _chance_is_best(estimate) else real
    reaches = {"higher": high >= real, "lower": low <= aim, "target": low <= real <= high}
    if reaches[_direction(estimate)]:
        return "as real"
    line = line_of(estimate)
    if line is None:
        return None
    place = line.place(value)
    if estimate.group == "privacy":
        close = place >= PRIVACY_CLOSE and real != 0
        return "close" if close else "partway" if place >= PRIVACY_PARTWAY else "far"
    return "close" if place >= CLOSE else "partway" if place >= PARTWAY else "far"


@dataclass(frozen=True)
class Verdict:
    """Verdict on a group of metrics.

    Attributes:
        group: "fidelity", "utility" or "privacy".
        reading: the group's reading, None when nothing could be measured.
        headline: a few words.
        advice: one sentence on its meaning.
        weakest: the estimate with the lowest position on its line, None when all read as real.
        counts: number of estimates with each reading.
    """

    group: Group
    reading: Reading | None
    headline: str
    advice: str
    weakest: Estimate | None
    counts: dict[Reading, int]


def judge(estimates: Iterable[Estimate], group: Group) -> Verdict:
    """Verdict on one group of a scorecard, by `RULE`."""
    placed = [(e, found) for e in estimates if e.group == group and (found := read(e)) is not None]
    counts: dict[Reading, int] = {"as real": 0, "close": 0, "partway": 0, "far": 0}
    for _, found in placed:
        counts[found] += 1
    if not placed:
        return Verdict(group, None, "Not measured", "No metric of this group could be measured.", None, counts)
    total = len(placed)
    reading: Reading
    if counts["as real"] == total:
        reading = "as real"
    elif group == "privacy":
        reading = "far" if counts["far"] else "partway" if counts["partway"] else "close"
    elif counts["far"] * 2 >= total:
        reading = "far"
    elif not counts["far"] and (counts["as real"] + counts["close"]) * 4 >= total * 3:
        reading = "close"
    else:
        reading = "partway"
    short_of_real = [e for e, found in placed if found != "as real"]
    weakest = min(short_of_real, key=_place, default=None)
    return Verdict(group, reading, HEADLINES[group][reading], ADVICE[group][reading], weakest, counts)


def _place(estimate: Estimate) -> float:
    line = line_of(estimate)
    return 1.0 if line is None or estimate.value is None else line.place(estimate.value)
