"""HTML of the scorecard: verdicts, the table with its inline bars, families side by side, and the words under them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, get_args

from cohortsmith.evaluation.core import Group, title_of
from cohortsmith.evaluation.scorecard import RULE, Reading, judge, line_of, read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cohortsmith.evaluation.core import Estimate

GROUPS: tuple[Group, ...] = get_args(Group)
_ABOUT: dict[Group, str] = {
    "fidelity": "Does the synthetic cohort look like real patients?",
    "utility": "Does what is learnt from it hold for real patients?",
    "privacy": "Does it give away who was in the training data?",
}
_TONES: dict[Reading | None, str] = {
    "as real": "r-real",
    "close": "r-close",
    "partway": "r-partway",
    "far": "r-far",
    None: "r-none",
}
_BETTER = {"higher": "higher is better", "lower": "lower is better", "target": "the nearer to real, the better"}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LEFT, _RIGHT = 8.0, 86.0  # where chance and real stand on every bar, per cent of its width


def number(value: float | None) -> str:
    """Three decimals, or two significant digits outside 0.001..1000, with a true minus sign and powers of ten."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if 0.001 <= abs(value) < 1000:
        return f"{value:.3f}".replace("-", "−")
    digits, _, power = f"{value:.2g}".partition("e")
    raised = str(int(power)).translate(_RAISED) if power else ""
    return digits.replace("-", "−") + (f"·10{raised}" if raised else "")


def verdicts(estimates: Sequence[Estimate]) -> str:
    """One card a group in plain words, and the rule behind them."""
    cards = []
    for group in GROUPS:
        verdict = judge(estimates, group)
        total = sum(verdict.counts.values())
        parts = [f"{count} {reading}" for reading, count in verdict.counts.items() if count]
        tail = f"{total} figure{'s' if total != 1 else ''}: {', '.join(parts)}." if total else ""
        if (weak := verdict.weakest) is not None:
            tail += f" Weakest: {title_of(weak.name)}, {number(weak.value)} where real data score "
            tail += f"{number(weak.reference)}."
        cards.append(
            f'<div class="verdict {_TONES[verdict.reading]} {group}"><span class="kind">{group}</span>'
            f"<strong>{verdict.headline}</strong><p>{verdict.advice}</p><p>{escape(tail)}</p></div>"
        )
    rule = f"<details><summary>How these words are chosen</summary><p>{RULE}</p></details>"
    return f'<div class="verdicts">{"".join(cards)}</div>{rule}'


def scorecard(estimates: Sequence[Estimate]) -> str:
    """Table of every figure, group by group; what could not be measured stands greyed with the reason."""
    key = (
        '<div class="key r-real">'
        '<span><svg viewBox="0 0 26 14"><line class="span" x1="2" x2="24" y1="7" y2="7" style="stroke: var(--muted); '
        'stroke-width: 7; opacity: .35"/><circle cx="13" cy="7" r="4" fill="var(--muted)"/></svg>'
        "value and its 95 % interval</span>"
        '<span><svg viewBox="0 0 26 14"><line x1="13" x2="13" y1="0" y2="14" stroke="var(--ink)" stroke-width="2"/>'
        "</svg>real against real, at the same sizes</span>"
        '<span><svg viewBox="0 0 26 14"><line x1="13" x2="13" y1="0" y2="14" stroke="var(--chance)" stroke-width="2" '
        'stroke-dasharray="3 2.5"/></svg>chance: what knows nothing scores</span></div>'
        '<p class="note">Every bar runs from chance (or the worst score) on the left to real data on the right, so '
        "further right is better whichever way the figure itself counts.</p>"
    )
    tables = [_table([e for e in estimates if e.group == group], group) for group in GROUPS]
    return key + "".join(tables)


def _table(estimates: Sequence[Estimate], group: Group) -> str:
    if not estimates:
        return ""
    columns = "".join(f'<col class="{name}">' for name in ("name", "value", "bar", "side", "side", "reading"))
    head = (
        '<th>Measure</th><th class="n">Value<br>95 % interval</th><th class="bar"><div class="ends"><span>worse</span>'
        '<span>real</span></div></th><th class="n">Real vs<br>real</th><th class="n">Chance</th><th>Reading</th>'
    )
    rows = "".join(_row(e) for e in estimates)
    return (
        f'<h3>{group.capitalize()} <span class="note" style="font-weight: 400">· {_ABOUT[group]}</span></h3>'
        f'<table class="score"><colgroup>{columns}</colgroup><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _row(estimate: Estimate) -> str:
    name = (
        f'<td class="name"><b>{escape(title_of(estimate.name))}</b><p>{escape(estimate.explanation)}</p>'
        f"<small>{_BETTER[estimate.direction].capitalize()} · {escape(estimate.source)}</small></td>"
    )
    if estimate.value is None:
        reason = escape(estimate.status.removeprefix("not evaluable: "))
        return f'<tr class="off">{name}<td class="why" colspan="5">Not evaluable: {reason}</td></tr>'
    reading = read(estimate)
    label = {"as real": "as real", "close": "close", "partway": "partway", "far": "far", None: "no scale"}[reading]
    return (
        f'<tr class="{_TONES[reading]}">{name}'
        f'<td class="n" data-label="Value"><b>{number(estimate.value)}</b>{_interval(estimate)}</td>'
        f'<td class="bar">{_bar(estimate)}</td>'
        f'<td class="n" data-label="Real vs real">{number(estimate.reference)}</td>'
        f'<td class="n" data-label="Chance">{number(estimate.chance)}</td>'
        f'<td><span class="badge">{label}</span></td></tr>'
    )


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"<small>{number(estimate.low)} to {number(estimate.high)}</small>"


def _bar(estimate: Estimate) -> str:
    """Inline drawing of an estimate on its line from chance to real; ends that leave the bar get an open arrow."""
    line = line_of(estimate)
    if line is None or estimate.value is None:
        return '<span class="note">no scale</span>'

    def place(value: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * line.place(value)

    def tick(kind: str, value: float) -> str:
        x = place(value)
        return f'<line class="{kind}" x1="{x:.1f}%" x2="{x:.1f}%" y1="4" y2="22"/>' if 0 <= x <= 100 else ""

    at = place(estimate.value)
    ends = sorted(place(v) for v in (estimate.low, estimate.high) if v is not None) or [at, at]
    left, right = (min(100.0, max(0.0, end)) for end in (ends[0], ends[-1]))
    shown = min(98.0, max(2.0, at))
    mark = "beyond" if shown != at else "dot"
    chance = "" if estimate.chance is None else tick("chance", estimate.chance)
    words = f"{number(estimate.value)} on a line from {number(line.start)} to {number(line.end)}"
    return (
        f'<svg class="track" role="img" aria-label="{words}"><line class="rail" x1="0" x2="100%" y1="13" y2="13"/>'
        f'<line class="span" x1="{left:.1f}%" x2="{right:.1f}%" y1="13" y2="13"/>{chance}'
        f'{tick("real", estimate.reference or 0.0)}<circle class="{mark}" cx="{shown:.1f}%" cy="13" r="4.5"/></svg>'
    )


def recall_bar(value: float | None, real: float | None) -> str:
    """Inline drawing of a share from 0 to 1 beside the share that real training data give."""
    if value is None:
        return ""
    tick = f'<line class="real" x1="{real:.1%}" x2="{real:.1%}" y1="4" y2="16"/>' if real is not None else ""
    return (
        f'<svg class="track share" role="img" aria-label="{number(value)}"><line class="rail" x1="0" x2="100%" y1="10" '
        f'y2="10"/><line class="span" x1="0" x2="{value:.1%}" y1="10" y2="10"/>{tick}'
        f'<circle class="dot" cx="{value:.1%}" cy="10" r="4"/></svg>'
    )


def side_by_side(
    cards: Mapping[str, Mapping[str, Estimate]],
    heads: Mapping[str, str],
    facts: Mapping[str, Mapping[str, object]],
) -> str:
    """Table with a row a figure and a column a family; the value nearest to real in each row is underlined.

    Args:
        cards: estimates by name, of each family.
        heads: HTML of each family's column head.
        facts: facts of each family, shown in rows of their own below the verdicts.
    """
    order = {name: e for card in cards.values() for name, e in card.items()}
    span = len(cards) + 2
    body = [
        "".join(
            [f"<td>{group.capitalize()}</td><td></td><td></td>", *(_verdict(card, group) for card in cards.values())]
        )
        for group in GROUPS
    ]
    rows = [f"<tr>{cells}</tr>" for cells in body]
    for fact in dict.fromkeys(key for known in facts.values() for key in known):
        cells = "".join(f'<td class="n">{escape(str(facts[name].get(fact, "–")))}</td>' for name in cards)
        rows.append(f"<tr><td>{escape(fact)}</td><td></td><td></td>{cells}</tr>")
    for group in GROUPS:
        names = [name for name, e in order.items() if e.group == group]
        if names:
            about = f'<tr class="group"><td>{group.capitalize()}</td><td colspan="{span}"></td></tr>'
            rows += [about, *(_family_row([card.get(name) for card in cards.values()], name) for name in names)]
    columns = "".join(f'<th class="n">{head}</th>' for head in heads.values())
    return (
        '<div class="scroll"><table class="grid"><thead><tr><th></th><th class="n">Real vs<br>real</th>'
        f'<th class="n">Chance</th>{columns}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _verdict(card: Mapping[str, Estimate], group: Group) -> str:
    verdict = judge(card.values(), group)
    word = verdict.reading or "not measured"
    return f'<td class="cell {group} {_TONES[verdict.reading]}"><span class="badge">{word}</span></td>'


def _family_row(estimates: Sequence[Estimate | None], name: str) -> str:
    known = [e for e in estimates if e is not None and e.value is not None]
    # Beyond real is no better than real, so every family that reaches it shares the first place.
    best = max((min(1.0, line.place(e.value or 0.0)) for e in known if (line := line_of(e))), default=None)
    cells = []
    for estimate in estimates:
        if estimate is None or estimate.value is None:
            reason = "not measured" if estimate is None else estimate.status
            cells.append(f'<td class="n off" title="{escape(reason)}">–</td>')
            continue
        line = line_of(estimate)
        first = line is not None and best is not None and line.place(estimate.value) >= best - 1e-12
        reading = read(estimate)
        cells.append(
            f'<td class="n cell {estimate.group} {_TONES[reading]}" title="{reading or ""}">'
            f'<b class="{"best" if first else ""}">{number(estimate.value)}</b>{_interval(estimate)}</td>'
        )
    shared = [f"{number(_mean([getattr(e, side) for e in known]))}" for side in ("reference", "chance")]
    sides = "".join(f'<td class="n">{text}</td>' for text in shared)
    return f"<tr><td>{escape(title_of(name))}</td>{sides}{''.join(cells)}</tr>"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def words(estimates: Sequence[Estimate]) -> str:
    """What every column and every figure means."""
    general = {
        "Value and interval": "The figure for this synthetic cohort, and the range in which it would fall in 95 of 100 "
        "repetitions of the measurement.",
        "Real vs real": "What real patients score against other real patients at the same sizes: no synthetic cohort "
        "should be expected to do better, and one that does may have copied.",
        "Chance": "What a cohort or a guess that knows nothing scores; for distances, patients whose genes are drawn "
        "independently of one another, or images of noise.",
        "Reading": RULE,
        "Train, holdout": "The generator saw train only. Every figure is read against holdout, real patients it never "
        "saw, because figures against train reward copying.",
    }
    own = {title_of(e.name): f"{e.explanation} Source: {e.source}." for e in estimates}
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in (general | own).items())
    return f'<dl class="words">{items}</dl>'
