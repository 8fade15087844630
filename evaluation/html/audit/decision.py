"""The decision of an audit as HTML: criteria, the rules they answer to, and the limits with their sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cohortsmith.evaluation.core import number
from cohortsmith.evaluation.html import Track, fill
from cohortsmith.evaluation.html.audit.wording import RULES, advice, headline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from cohortsmith.evaluation.privacy import Judged, Judgement, Policy

_TEMPLATE = "audit.html"
_TONES = {"pass": "r-real", "fail": "r-far", "not evaluable": "r-partway"}
_LIMIT_AT = 50.0  # where a limit stands on its bar, per cent of the width
_NO_LEAK_AT = 10.0


def banner(judged: Judged, notes: Sequence[str]) -> Markup:
    """The decision in words, with what a reader of a pass must know, and under it what must be known first."""
    counts = [(word, sum(j.outcome == word for j in judged.judgements)) for word in _TONES]
    tail = ", ".join(f"{count} {word}" for word, count in counts if count)
    many = f"{len(judged.judgements)} criteria: {tail}."
    caveats = dict.fromkeys(j.measured.caveat for j in judged.judgements if j.measured.caveat)
    if caveats and judged.outcome == "pass":
        many += " Caveats: " + ". ".join(_sentence(caveat) for caveat in caveats) + "."
    tone = _TONES["not evaluable" if judged.loosened else judged.outcome]
    return fill(_TEMPLATE, "banner", tone, headline(judged), advice(judged), many, [_sentence(text) for text in notes])


def criteria(judged: Judged) -> Markup:
    """Every criterion with its value, its limit and its outcome."""
    return fill(_TEMPLATE, "criteria", [_criterion(judgement) for judgement in judged.judgements])


def _tone(judgement: Judgement) -> str:
    """Colour of an outcome; a pass by a limit laxer than the default's is never green."""
    return _TONES["not evaluable" if judgement.loosened else judgement.outcome]


def _criterion(judgement: Judgement) -> dict[str, Any]:
    criterion, found = judgement.criterion, judgement.measured
    return {
        "criterion": criterion,
        "notes": [_sentence(text) for text in (found.note, found.caveat) if text],
        "tone": _tone(judgement),
        "outcome": "fail, blocks" if judgement.blocked else judgement.outcome,
        "why": _sentence(judgement.words),
        "value": f"{found.value:.0f}" if criterion.name == "artefacts" and found.value else number(found.value),
        "ends": (None, None) if found.low == found.high else (found.low, found.high),
        "limit": f"{criterion.limit:g}",
        "track": None if found.value is None else _track(judgement, found.value),
    }


def _track(judgement: Judgement, value: float) -> Track:
    """A value on the line from no leak to the limit and beyond."""
    criterion, found = judgement.criterion, judgement.measured
    low, high = value if found.low is None else found.low, value if found.high is None else found.high
    reach = criterion.limit - found.nothing
    start = _NO_LEAK_AT if reach > 0 else _LIMIT_AT  # of copies, no leak is the limit itself
    unit = (_LIMIT_AT - _NO_LEAK_AT) / (reach if reach > 0 else max(abs(low), abs(high), 1e-9) * 1.2)

    def place(v: float) -> float:
        return start + unit * (v - found.nothing)

    ticks = [] if criterion.block is None else [("chance", place(criterion.block))]
    ticks.append(("real", place(criterion.limit)))
    label = f"{number(value)}, limit {criterion.limit:g}"
    return Track.of(label, (place(low), place(high)), place(value), ticks)


def rules(judged: Judged) -> Markup:
    """Rules and conventions, the criteria that answer to them, and what those came to."""
    known = {judgement.criterion.name: judgement for judgement in judged.judgements}
    rows = []
    for rule, asks, names, how in RULES:
        answers = [(_tone(known[n]), known[n].criterion.title, known[n].outcome) for n in names if n in known]
        rows.append((rule, asks, answers, how))
    return fill(_TEMPLATE, "rules", rows)


def limits(policy: Policy) -> Markup:
    """The limits of a policy and their sources."""
    words = {"value": "the value", "upper": "upper end of its interval", "lower": "lower end of its interval"}
    rows = []
    for c in policy.criteria:
        more = [f"blocks above {c.block:g}"] if c.block is not None else []
        more += [f"needs {c.least} unseen patients"] if c.least is not None else []
        rows.append([c.title, f"{words[c.rule]} at most {c.limit:g}" + "".join(f"; {part}" for part in more), c.source])
    return fill("macros.html", "table", ["Criterion", "Limit", "Source"], rows, False)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
