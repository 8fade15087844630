"""What is said first of a grid of classifiers: whether virtual patients, self-supervision and fusion help."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from cohortsmith.evaluation.html import fill
from cohortsmith.evaluation.html.study.tables import TONES, points
from cohortsmith.evaluation.study import FUSED, HELPS, HURTS, POINTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from markupsafe import Markup

    from cohortsmith.evaluation.study import Gain, Results, StudyArm

RULE = (
    "Helps: the 95 % interval of the gain, Student's t over the seeds' paired differences, lies above zero. Hurts: it "
    "lies below. No evidence: it includes zero. Where several arms compete, the one that is best on validation "
    "patients is judged, on test patients, both by {metric}. The strongest supervised reference is the classifier "
    "without a pretext that is best on validation patients of the same data set and labels, by the metric that is "
    "stated. Of forty settings without any effect, one is expected to seem to help, and one to hurt."
)


class Question(NamedTuple):
    """What a card answers.

    Attributes:
        name: what is asked about.
        over: what it is compared with.
        asked: gains, one a setting.
        other: the same arms' gains in the other metric.
        strongest: the same arms' gains over the strongest reference, where that is not what is asked.
    """

    name: str
    over: str
    asked: Mapping[StudyArm, Gain]
    other: Mapping[StudyArm, Gain]
    strongest: Mapping[StudyArm, Gain]


def questions(results: Results) -> list[Question]:
    """Do virtual patients help, does self-supervision, does fusion: those the grid has arms for."""
    metric, other = results.metrics
    own, over = results.own[metric], results.over[metric]
    virtual = {arm: own[arm] for arm in results.chosen.values() if arm in own}
    alone = {arm: gain for arm, gain in over.items() if not arm.family and results.pretexts.get(arm.classifier)}
    fused = {arm: gain for arm, gain in alone.items() if results.pretexts[arm.classifier] == FUSED}
    taught = {arm: gain for arm, gain in alone.items() if arm not in fused}
    beside = {arm: over[arm] for arm in virtual if arm in over}
    asked = [
        Question("virtual patients", "the same classifier on real patients alone", virtual, results.own[other], beside),
        Question("self-supervision", "the strongest supervised reference", taught, results.over[other], {}),
        Question("fusion of classifiers", "the strongest supervised reference", fused, results.over[other], {}),
    ]
    return [question for question in asked if question.asked]


def cards(results: Results) -> Markup:
    """One card a question, in plain words."""
    found = [_card(question, *(POINTS[name] for name in results.metrics)) for question in questions(results)]
    return fill("study.html", "cards", found, RULE.format(metric=POINTS[results.metric]))


def _card(question: Question, metric: str, other: str) -> dict[str, Any]:
    gains, n = question.asked, len(question.asked)
    helps, hurts = counted(gains.values())
    settings = f"{n} setting{'' if n == 1 else 's'}"
    if helps and hurts:
        tone, headline = "r-partway", f"Helps in {helps}, hurts in {hurts} of {settings}"
    elif helps or hurts:
        many, word = (helps, "Helps") if helps else (hurts, "Hurts")
        tone, headline = TONES[word.lower()], f"{word} in {many} of {settings}"
    elif any(gain.low == gain.low for gain in gains.values()):
        tone, headline = "r-none", "No evidence that it helps or hurts"
    else:
        tone, headline = "r-none", "Not known: an interval needs two seeds"
    best = max(gains, key=lambda arm: (gains[arm].verdict == HELPS, _or_least(gains[arm].gain)))
    who = f"{best.classifier} on {best.task}" + (f", {best.patients()}" if best.family else "")
    about = f"Largest gain: {who}: {in_points(gains[best])} of {metric} over {question.over}"
    beside = question.other.get(best)
    about += f", {in_points(beside)} of {other}." if beside and beside.gain == beside.gain else "."
    more = f"{settings}, each a classifier on a data set with a number of labels: {_tally(gains.values())}."
    if question.strongest:
        more += f" Over the strongest supervised reference: {_tally(question.strongest.values())}."
    return {"tone": tone, "name": question.name, "headline": headline, "most": about, "counts": more}


def counted(gains: Iterable[Gain]) -> tuple[int, int]:
    """How many gains help, and how many hurt."""
    words = [gain.verdict for gain in gains]
    return words.count(HELPS), words.count(HURTS)


def _tally(gains: Iterable[Gain]) -> str:
    words = [gain.verdict for gain in gains]
    known = [word for word in dict.fromkeys([HELPS, HURTS, *words]) if word in words]
    return ", ".join(f"{word} in {words.count(word)}" for word in known)


def in_points(gain: Gain) -> str:
    """A gain with its interval, in points."""
    interval = f" ({points(gain.low)} to {points(gain.high)})" if gain.low == gain.low else ""
    return f"{points(gain.gain)} points{interval}"


def _or_least(value: float) -> float:
    return -math.inf if math.isnan(value) else value
