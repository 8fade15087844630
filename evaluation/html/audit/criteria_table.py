"""The decision of an audit as HTML: criteria, the rules they answer to, and the limits with their sources."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from cohortsmith.evaluation.html import number
from cohortsmith.evaluation.html.audit.tables import table
from cohortsmith.evaluation.html.audit.wording import ADVICE, BLOCKED, BLOCKED_ADVICE, HEADLINES, RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.evaluation.privacy import Judged, Judgement, Policy

TONES = {"pass": "r-real", "fail": "r-far", "not evaluable": "r-partway"}
_LIMIT_AT = 50.0  # where a limit stands on its bar, per cent of the width
_NOTHING_AT = 10.0


def banner(judged: Judged, notes: Sequence[str]) -> str:
    """The decision in words, with what a reader of a pass must know, and under it what must be known first."""
    headline = BLOCKED if judged.blocked else HEADLINES[judged.outcome]
    advice = BLOCKED_ADVICE if judged.blocked else ADVICE[judged.outcome]
    counts = [(word, sum(j.outcome == word for j in judged.judgements)) for word in TONES]
    tail = ", ".join(f"{count} {word}" for word, count in counts if count)
    many = f"{len(judged.judgements)} criteria: {tail}."
    caveats = dict.fromkeys(j.measured.caveat for j in judged.judgements if j.measured.caveat)
    if caveats and judged.outcome == "pass":
        many += " Read with it: " + ". ".join(caveat[:1].upper() + caveat[1:] for caveat in caveats) + "."
    told = "".join(f'<p class="callout">{escape(note)}.</p>' for note in notes)
    return (
        f'<div class="verdict {TONES[judged.outcome]}" style="margin: 24px 0 12px">'
        f'<span class="kind">decision</span><strong style="font-size: 24px">{headline}</strong>'
        f"<p>{advice}</p><p>{escape(many)}</p></div>{told}"
    )


def criteria(judged: Judged) -> str:
    """Every criterion with its figure, its limit and its outcome."""
    columns = "".join(f'<col class="{name}">' for name in ("name", "value", "bar", "side", "reading"))
    heads = (
        '<th>Criterion</th><th class="n">Figure<br>95 % interval</th><th class="bar"><div class="ends">'
        "<span>no leak</span><span>limit</span><span></span></div></th>"
        '<th class="n">Limit</th><th>Outcome</th>'
    )
    rows = "".join(_criterion(judgement) for judgement in judged.judgements)
    top = f"<colgroup>{columns}</colgroup><thead><tr>{heads}</tr></thead>"
    return f'<table class="score">{top}<tbody>{rows}</tbody></table>'


def rules(judged: Judged) -> str:
    """Rules and conventions, the criteria that answer to them, and what those came to."""
    known = {judgement.criterion.name: judgement for judgement in judged.judgements}
    rows = []
    for rule, asks, names, how in RULES:
        answers = "".join(
            f'<div class="{TONES[known[n].outcome]}"><span class="badge">{escape(known[n].criterion.title)}: '
            f"{known[n].outcome}</span></div>"
            for n in names
            if n in known
        )
        rows.append(
            f"<tr><td><b>{escape(rule)}</b><br><small>{escape(asks)}</small></td>"
            f"<td>{answers or 'in the model card'}</td><td>{escape(how)}</td></tr>"
        )
    told = "Which criterion speaks to which rule; whether the rule is met is for a person to say."
    return (
        f'<p class="note">{told}</p><div class="scroll"><table><thead><tr><th>Rule or convention</th><th>Criteria</th>'
        f"<th>How</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def limits(policy: Policy) -> str:
    """The limits of a policy and their sources."""
    words = {"value": "the figure", "upper": "upper end of its interval", "lower": "lower end of its interval"}
    rows = []
    for c in policy.criteria:
        more = [f"blocks above {c.block:g}"] if c.block is not None else []
        more += [f"needs {c.least} unseen patients"] if c.least is not None else []
        rows.append([c.title, f"{words[c.rule]} at most {c.limit:g}" + "".join(f"; {part}" for part in more), c.source])
    return table(["Criterion", "Limit", "Source"], rows, numbers=False)


def _criterion(judgement: Judgement) -> str:
    criterion, found = judgement.criterion, judgement.measured
    note = "".join(
        f"<small>{escape(text[:1].upper() + text[1:])}. </small>" for text in (found.note, found.caveat) if text
    )
    name = f'<td class="name"><b>{escape(criterion.title)}</b><p>{escape(criterion.asks)}</p>{note}</td>'
    tone = TONES[judgement.outcome]
    outcome = "fail, blocks" if judgement.blocked else judgement.outcome
    badge = f'<td><span class="badge">{outcome}</span></td>'
    if found.value is None:
        why = judgement.words[:1].upper() + judgement.words[1:]
        return f'<tr class="{tone}">{name}<td class="why" colspan="3">{escape(why)}</td>{badge}</tr>'
    figure = f"{found.value:.0f}" if criterion.name == "artefacts" else number(found.value)
    ends = (
        ""
        if found.low is None or found.high is None or found.low == found.high
        else (f"<small>{number(found.low)} to {number(found.high)}</small>")
    )
    limit = f"{criterion.limit:g}"
    return (
        f'<tr class="{tone}">{name}<td class="n" data-label="Figure"><b>{figure}</b>{ends}</td>'
        f'<td class="bar">{_bar(judgement)}</td><td class="n" data-label="Limit">{limit}</td>{badge}</tr>'
    )


def _bar(judgement: Judgement) -> str:
    """Inline drawing of a figure on the way from no leak to the limit and beyond."""
    criterion, found = judgement.criterion, judgement.measured
    value = found.value or 0.0
    low, high = value if found.low is None else found.low, value if found.high is None else found.high
    reach = criterion.limit - found.nothing
    start = _NOTHING_AT if reach > 0 else _LIMIT_AT  # of copies, no leak is the limit itself
    unit = (_LIMIT_AT - _NOTHING_AT) / (reach if reach > 0 else max(abs(low), abs(high), 1e-9) * 1.2)

    def place(v: float) -> float:
        return start + unit * (v - found.nothing)

    def tick(kind: str, v: float) -> str:
        x = place(v)
        return f'<line class="{kind}" x1="{x:.1f}%" x2="{x:.1f}%" y1="4" y2="22"/>' if 0 <= x <= 100 else ""

    left, right = (min(100.0, max(0.0, place(end))) for end in (low, high))
    at = min(98.0, max(2.0, place(value)))
    mark = "dot" if at == place(value) else "beyond"
    block = tick("chance", criterion.block) if criterion.block is not None else ""
    words = f"{number(value)}, limit {criterion.limit:g}"
    return (
        f'<svg class="track" role="img" aria-label="{words}"><line class="rail" x1="0" x2="100%" y1="13" y2="13"/>'
        f'<line class="span" x1="{left:.1f}%" x2="{right:.1f}%" y1="13" y2="13"/>{block}{tick("real", criterion.limit)}'
        f'<circle class="{mark}" cx="{at:.1f}%" cy="13" r="4.5"/></svg>'
    )
