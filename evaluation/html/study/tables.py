"""Tables of a grid of classifiers, in HTML; every name that comes with the data is escaped."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

from cohortsmith.evaluation.html import css_colour
from cohortsmith.evaluation.plots import class_style
from cohortsmith.evaluation.study import HELPS, HURTS, LOWER, METRICS, POINTS, Task, real

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cohortsmith.evaluation.study import Arm, Gain, Results

TONES = {HELPS: "r-real", HURTS: "r-far"}
_MANY = 3  # tasks from which on there is an overview, and long tables are folded up
_FOLDED = 24  # rows of a section that stay unfolded
_MOST = 30  # arms of one classifier and task above which only those that validation chooses are shown
_HEADS = ("Accuracy, %", "Mean of<br>classes, %", "Macro-F1, %", "AUC", "Brier", "Cross-<br>entropy")
_SHORT = {"accuracy": "Accuracy", "mean_class_accuracy": "Mean of classes"}
_SHARES = METRICS[:3]  # told in per cent


def points(share: float) -> str:
    """A difference of shares in percentage points, always with its sign."""
    return "–" if math.isnan(share) else f"{100 * share:+.1f}".replace("-", "−")


def verdict_table(results: Results) -> str:
    """The arms that validation chooses, and their gains in both metrics, the one they are judged by first."""
    groups = {}
    for task in results.tasks:
        rows = []
        for name in results.classifiers:
            arms = (real(task, name), results.chosen.get((task, name)))
            rows += [_verdict_row(results, arm) for arm in arms if arm in results.means]
        groups[task] = rows
    virtual = bool(results.families)
    sides = ["real only", "the strongest"] if virtual else ["the strongest"]
    first, second = (_SHORT[name] for name in results.metrics)
    gained = [f"{what} over<br>{side}" for what in (first, second) for side in sides]
    heads = [f"{first}, %<br>{second.lower()}", *gained]
    note = (
        '<p class="note">Gains in percentage points on test patients, under each its 95 % interval over seeds. '
        + ("Of the arms with virtual patients, the one that is best on validation patients. " if virtual else "")
        + "The strongest: the strongest supervised reference.</p>"
    )
    return note + tables(groups, virtual, heads)


def overview_table(results: Results) -> str:
    """Gain over the strongest reference, classifiers in rows and labels in columns; "" for few tasks."""
    labels = list(dict.fromkeys(task.labelled for task in results.tasks))
    if len(results.tasks) < _MANY or not results.strongest:
        return ""
    heads = "".join(f'<th class="n">{escape(label)}</th>' for label in labels)
    body = []
    for data in dict.fromkeys(task.data for task in results.tasks):
        body.append(_group(data, len(labels)))
        tasks = [Task(data, label) for label in labels]
        for name in results.classifiers:
            lines: dict[str, list[Arm | None]] = {"": [real(task, name) for task in tasks]}
            if any((task, name) in results.chosen for task in tasks):
                lines["<small>with virtual patients</small>"] = [results.chosen.get((t, name)) for t in tasks]
            for what, arms in lines.items():
                cells = "".join(_short_cell(results, arm) for arm in arms)
                body.append(f"<tr><td>{_named(results, name)}{what}</td>{cells}</tr>")
    return (
        f'<p class="note">Gain in {POINTS[results.metric]} over the strongest supervised reference by number of '
        "labelled patients, in percentage points, and its 95 % interval over seeds; tinted where that leaves out "
        "zero.</p>"
        f'<div class="scroll"><table class="grid"><thead><tr><th></th>{heads}</tr></thead><tbody>{"".join(body)}'
        "</tbody></table></div><h3>Each number of labels</h3>"
    )


def _short_cell(results: Results, arm: Arm | None) -> str:
    gain = results.over[results.metric].get(arm) if arm else None
    if gain is None or math.isnan(gain.gain):
        is_it = arm is not None and results.strongest.get(arm.task) == arm
        return f'<td class="n off">{"<small>strongest</small>" if is_it else "–"}</td>'
    tone = f" cell {TONES[gain.verdict]}" if gain.verdict in TONES else ""
    interval = "" if math.isnan(gain.low) else f"<small>{points(gain.low)} to {points(gain.high)}</small>"
    return f'<td class="n{tone}" title="{escape(gain.verdict)}"><b>{points(gain.gain)}</b>{interval}</td>'


def _verdict_row(results: Results, arm: Arm) -> str:
    figures = results.means[arm]
    first, second = (percent(figures[name]) for name in results.metrics)
    cells = [f'<td class="n"><b>{first}</b><small>{second}</small></td>']
    for name in results.metrics:
        if results.families:
            cells.append(_gain_cell(results.own[name].get(arm), ""))
        is_it = results.strongest.get(arm.task) == arm
        cells.append(_gain_cell(results.over[name].get(arm), "it is the strongest" if is_it else ""))
    return _row(results, arm, cells)


def _gain_cell(gain: Gain | None, otherwise: str) -> str:
    if gain is None or math.isnan(gain.gain):
        return f'<td class="n off">{f"<small>{otherwise}</small>" if otherwise else "–"}</td>'
    interval = "" if math.isnan(gain.low) else f"<small>{points(gain.low)} to {points(gain.high)}</small>"
    tone = TONES.get(gain.verdict, "r-none")
    return (
        f'<td class="n cell {tone}"><b>{points(gain.gain)}</b>{interval}'
        f'<small><span class="badge">{escape(gain.verdict)}</span></small></td>'
    )


def arms_table(results: Results) -> str:
    """Every figure of every arm; of many, those whose ratio validation chooses."""
    groups: dict[Task, list[str]] = {}
    thinned = False
    kept = set(results.best_over(["ratio"]))
    for task in results.tasks:
        arms = [arm for arm in results.means if arm.task == task]
        if len(arms) > _MOST and (fewer := [arm for arm in arms if not arm.family or arm in kept]) != arms:
            arms, thinned = fewer, True
        best = _best_of(results, arms)
        groups[task] = [_row(results, arm, [_figure(results, arm, name, best) for name in METRICS]) for arm in arms]
    seeds = sorted(set(results.seeds.values()))
    many = "1 seed" if seeds == [1] else f"{' to '.join(str(n) for n in dict.fromkeys((seeds[0], seeds[-1])))} seeds"
    note = f"Mean on test patients over {many}, and standard deviation; underlined: the best of each column."
    note += " Of each family and role only the ratio that validation chooses; the others are drawn above." * thinned
    return f'<p class="note">{note}</p>' + tables(groups, bool(results.families), _HEADS)


def _best_of(results: Results, arms: Sequence[Arm]) -> dict[str, float]:
    values = {name: [results.means[arm][name][0] for arm in arms] for name in METRICS}
    sides: dict[str, Any] = {name: min if name in LOWER else max for name in METRICS}
    known = {name: [v for v in own if v == v] for name, own in values.items()}
    return {name: sides[name](own) for name, own in known.items() if own}


def _figure(results: Results, arm: Arm, name: str, best: Mapping[str, float]) -> str:
    mean, spread = results.means[arm][name]
    times = 100.0 if name in _SHARES else 1.0
    digits = 1 if name in _SHARES else 3
    if math.isnan(mean):
        return '<td class="n off">–</td>'
    mark = ' class="best"' if mean == best.get(name) else ""
    under = "" if math.isnan(spread) else f"<small>± {times * spread:.{digits}f}</small>"
    return f'<td class="n"><b{mark}>{times * mean:.{digits}f}</b>{under}</td>'


def training_table(results: Results) -> str:
    """What training took: gradient steps, epochs, seconds, parameters of the arms on real patients alone."""
    kinds = ("steps", "epochs", "seconds", "seconds_an_epoch", "parameters")
    groups = {}
    for task in results.tasks:
        arms = [arm for arm in results.means if arm.task == task and not arm.family]
        groups[task] = [
            _row(results, arm, [_cost(results.means[arm].get(kind), kind) for kind in kinds], plain=True)
            for arm in arms
            if any((results.means[arm].get(kind) or (math.nan,))[0] > 0 for kind in kinds)
        ]
    groups = {task: rows for task, rows in groups.items() if rows}
    if not groups:
        return ""
    heads = ("Gradient<br>steps", "Epochs", "Seconds", "Seconds<br>an epoch", "Parameters")
    note = "Training with labels, mean over seeds; within a classifier and a number of labels every arm takes the same "
    return f'<p class="note">{note}number of steps. Arms on real patients alone.</p>' + tables(groups, False, heads)


def _cost(pair: tuple[float, float] | None, kind: str) -> str:
    value = math.nan if pair is None else pair[0]
    text = "–" if math.isnan(value) else f"{value:,.0f}" if value >= 100 or kind in ("steps", "parameters") else ""
    return f'<td class="n">{text or f"{value:.3g}"}</td>'


def published_table(results: Results, published: Mapping[str, Any]) -> str:
    """Published figures beside ours, with the margin over the same reference in each.

    Args:
        results: ours.
        published: `source` and `note`, plain text; `over`, the classifier that margins are over; `rows`: dicts with
            `data`, `labelled`, `classifier`, `accuracy` and `mean_class_accuracy` as shares.
    """
    theirs = {(row["data"], row["labelled"], row["classifier"]): row for row in published["rows"]}
    tasks = [task for task in results.tasks if any(key[:2] == task for key in theirs)]
    if not tasks:
        return ""
    source, over = escape(str(published["source"])), str(published["over"])
    heads = "".join(f'<th class="n">{escape(str(t))}<br>{source}</th><th class="n"><br>here</th>' for t in tasks)
    names = [name for name in dict.fromkeys(key[2] for key in theirs) if name in results.classifiers]
    margins = results.over_named(over) if over in results.classifiers else {}
    body = []
    for metric in results.metrics:
        body.append(_group(f"{POINTS[metric].capitalize()}, %", 2 * len(tasks)))
        for name in names:
            cells = []
            for task in tasks:
                row, reference = theirs.get((*task, name)), theirs.get((*task, over))
                margin = row[metric] - reference[metric] if row and reference and name != over else math.nan
                cells.append(_published_cell(row and row[metric], margin, ""))
                arm = real(task, name)
                gain = margins.get(metric, {}).get(arm)
                mean = results.means[arm][metric][0] if arm in results.means else None
                tone = TONES.get(gain.verdict, "") if gain else ""
                cells.append(_published_cell(mean, gain.gain if gain else math.nan, tone))
            body.append(f"<tr><td>{_named(results, name)}</td>{''.join(cells)}</tr>")
    note = (
        f"{escape(str(published['note']))} Under each figure its margin over {escape(over)} of the "
        "same column, tinted where its 95 % interval over seeds leaves out zero."
    )
    return (
        f'<p class="note">{note}</p><div class="scroll"><table class="grid"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _published_cell(share: float | None, margin: float, tone: str) -> str:
    if share is None:
        return '<td class="n off">–</td>'
    under = "" if math.isnan(margin) else f"<small>{points(margin)}</small>"
    return f'<td class="n{f" cell {tone}" if tone else ""}"><b>{100 * share:.1f}</b>{under}</td>'


def percent(pair: tuple[float, float]) -> str:
    """A share in per cent, with its deviation over seeds where there is one."""
    mean, spread = pair
    return f"{100 * mean:.1f}" + ("" if math.isnan(spread) else f" ± {100 * spread:.1f}")


def tables(groups: Mapping[Task, Sequence[str]], virtual: bool, heads: Sequence[str]) -> str:
    """A table with a group of rows a task; many rows are folded up, a fold a task."""
    first = "<th>Classifier</th>" + ("<th style='text-align: left'>Virtual patients</th>" if virtual else "")
    head = first + "".join(f'<th class="n">{text}</th>' for text in heads)
    span = len(heads) + virtual

    def table(tasks: Sequence[Task]) -> str:
        named = len(tasks) > 1
        body = "".join(_group(str(task), span) * named + "".join(groups[task]) for task in tasks)
        return (
            f'<div class="scroll"><table class="grid" style="color: var(--ink)"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )

    if len(groups) < _MANY or sum(map(len, groups.values())) <= _FOLDED:
        return table(list(groups))
    return "".join(f"<details><summary>{escape(str(task))}</summary>{table([task])}</details>" for task in groups)


def _group(name: str, span: int) -> str:
    return f'<tr class="group"><td>{escape(name)}</td><td colspan="{span}"></td></tr>'


def _row(results: Results, arm: Arm, cells: Sequence[str], plain: bool = False) -> str:
    with_virtual = f"<td style='text-align: left'>{escape(arm.patients())}</td>"
    between = with_virtual if results.families and not plain else ""
    return f"<tr><td>{_named(results, arm.classifier)}</td>{between}{''.join(cells)}</tr>"


def _named(results: Results, classifier: str) -> str:
    colour, _, glyph = class_style(results.classifiers.index(classifier))
    return f'<span class="swatch" style="color: {css_colour(colour)}">{glyph}</span>{escape(classifier)}'
