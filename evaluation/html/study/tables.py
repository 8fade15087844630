"""Tables of a grid of classifiers, in HTML."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from cohortsmith.evaluation.html import fill
from cohortsmith.evaluation.study import HELPS, HURTS, LOWER, METRICS, POINTS, StudyTask, real

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cohortsmith.evaluation.study import Gain, Results, StudyArm

TONES = {HELPS: "r-real", HURTS: "r-far"}
_TEMPLATE = "study.html"
_MANY = 3  # tasks from which on there is an overview, and long tables are folded up
_FOLDED = 24  # rows of a section that stay unfolded
_MOST = 30  # arms of one classifier and task above which only those that validation chooses are shown
_HEADS = ("Accuracy, %", "Mean class|accuracy, %", "Macro-F1, %", "AUC", "Brier", "Cross-|entropy")
_COSTS = {"steps": "Gradient|steps", "epochs": "Epochs", "seconds": "Seconds"}
_COSTS |= {"seconds_an_epoch": "Seconds|per epoch", "parameters": "Parameters"}
_SHORT = {"accuracy": "Accuracy", "mean_class_accuracy": "Mean class accuracy"}
_SHARES = METRICS[:3]  # shown in per cent


class Cell(NamedTuple):
    """A cell of a table; all of it is plain text.

    Attributes:
        text: the value; "" where there is none.
        under: smaller, under it; alone where there is no value.
        verdict: in words.
        tone: class of its tint; "" for none.
        best: whether it is the best of its column.
        badge: whether the verdict stands in the cell, and not only in its tooltip.
        plain: whether the value is not set in bold.
    """

    text: str = ""
    under: str = ""
    verdict: str = ""
    tone: str = ""
    best: bool = False
    badge: bool = False
    plain: bool = False


class TableRow(NamedTuple):
    """A row of a table.

    Attributes:
        position: of the classifier, for its colour.
        classifier: its name.
        patients: the virtual patients it trained on; None where the table does not say.
        cells: from left to right.
        more: a remark on the classifier.
    """

    position: int
    classifier: str
    patients: str | None
    cells: list[Cell]
    more: str = ""


def points(share: float) -> str:
    """A difference of shares in percentage points, always with its sign."""
    return "–" if math.isnan(share) else f"{100 * share:+.1f}".replace("-", "−")


def verdict_table(results: Results) -> Markup:
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
    gained = [f"{what} over|{side}" for what in (first, second) for side in sides]
    return fill(_TEMPLATE, "verdict_note", virtual) + _tables(
        groups, virtual, [f"{first}, %|{second.lower()}", *gained]
    )


def overview_table(results: Results) -> Markup:
    """Gain over the strongest reference, classifiers in rows and labels in columns; "" for few tasks."""
    labels = list(dict.fromkeys(task.labelled for task in results.tasks))
    if len(results.tasks) < _MANY or not results.strongest:
        return Markup()
    groups = []
    for data in dict.fromkeys(task.data for task in results.tasks):
        tasks, rows = [StudyTask(data, label) for label in labels], []
        for position, name in enumerate(results.classifiers):
            lines: dict[str, list[StudyArm | None]] = {"": [real(task, name) for task in tasks]}
            if any((task, name) in results.chosen for task in tasks):
                lines["with virtual patients"] = [results.chosen.get((t, name)) for t in tasks]
            for more, arms in lines.items():
                rows.append(TableRow(position, name, None, [_short_cell(results, arm) for arm in arms], more))
        groups.append((data, rows))
    return fill(_TEMPLATE, "overview", POINTS[results.metric], labels, groups)


def _short_cell(results: Results, arm: StudyArm | None) -> Cell:
    gain = results.over[results.metric].get(arm) if arm else None
    if gain is None or math.isnan(gain.gain):
        return Cell(under="strongest" if arm is not None and results.strongest.get(arm.task) == arm else "")
    return Cell(points(gain.gain), _interval(gain), gain.verdict, TONES.get(gain.verdict, ""))


def _verdict_row(results: Results, arm: StudyArm) -> TableRow:
    first, second = (percent(results.means[arm][name]) for name in results.metrics)
    cells = [Cell(first, second)]
    for name in results.metrics:
        if results.families:
            cells.append(_gain_cell(results.own[name].get(arm), ""))
        is_it = results.strongest.get(arm.task) == arm
        cells.append(_gain_cell(results.over[name].get(arm), "it is the strongest" if is_it else ""))
    return _row(results, arm, cells)


def _gain_cell(gain: Gain | None, otherwise: str) -> Cell:
    if gain is None or math.isnan(gain.gain):
        return Cell(under=otherwise)
    return Cell(points(gain.gain), _interval(gain), gain.verdict, TONES.get(gain.verdict, "r-none"), badge=True)


def _interval(gain: Gain) -> str:
    return "" if math.isnan(gain.low) else f"{points(gain.low)} to {points(gain.high)}"


def arms_table(results: Results) -> Markup:
    """Every metric of every arm; of many, those whose ratio validation chooses."""
    groups: dict[StudyTask, list[TableRow]] = {}
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
    return fill("macros.html", "note", note) + _tables(groups, bool(results.families), _HEADS)


def _best_of(results: Results, arms: Sequence[StudyArm]) -> dict[str, float]:
    values = {name: [results.means[arm][name][0] for arm in arms] for name in METRICS}
    sides: dict[str, Any] = {name: min if name in LOWER else max for name in METRICS}
    known = {name: [v for v in own if v == v] for name, own in values.items()}
    return {name: sides[name](own) for name, own in known.items() if own}


def _figure(results: Results, arm: StudyArm, name: str, best: Mapping[str, float]) -> Cell:
    mean, spread = results.means[arm][name]
    times = 100.0 if name in _SHARES else 1.0
    digits = 1 if name in _SHARES else 3
    if math.isnan(mean):
        return Cell()
    under = "" if math.isnan(spread) else f"± {times * spread:.{digits}f}"
    return Cell(f"{times * mean:.{digits}f}", under, best=mean == best.get(name))


def training_table(results: Results) -> Markup:
    """Training cost: gradient steps, epochs, seconds, parameters of the arms on real patients alone."""
    groups = {}
    for task in results.tasks:
        arms = [arm for arm in results.means if arm.task == task and not arm.family]
        groups[task] = [
            _row(results, arm, [_cost(results.means[arm].get(kind), kind) for kind in _COSTS], plain=True)
            for arm in arms
            if any((results.means[arm].get(kind) or (math.nan,))[0] > 0 for kind in _COSTS)
        ]
    groups = {task: rows for task, rows in groups.items() if rows}
    if not groups:
        return Markup()
    note = (
        "Supervised training, mean over seeds; within a classifier and a number of labels every arm takes the same "
        "number of steps. Arms on real patients alone."
    )
    return fill("macros.html", "note", note) + _tables(groups, False, list(_COSTS.values()))


def _cost(pair: tuple[float, float] | None, kind: str) -> Cell:
    value = math.nan if pair is None else pair[0]
    whole = value >= 100 or kind in ("steps", "parameters")
    return Cell("–" if math.isnan(value) else f"{value:,.0f}" if whole else f"{value:.3g}", plain=True)


def published_table(results: Results, published: Mapping[str, Any]) -> Markup:
    """Published results beside ours, with the margin over the same reference in each.

    Args:
        results: ours.
        published: `source` and `note`, plain text; `over`, the classifier that margins are over; `rows`: dicts with
            `data`, `labelled`, `classifier`, `accuracy` and `mean_class_accuracy` as shares.
    """
    theirs = {(row["data"], row["labelled"], row["classifier"]): row for row in published["rows"]}
    tasks = [task for task in results.tasks if any(key[:2] == task for key in theirs)]
    if not tasks:
        return Markup()
    over = str(published["over"])
    names = [name for name in dict.fromkeys(key[2] for key in theirs) if name in results.classifiers]
    margins = results.over_named(over) if over in results.classifiers else {}
    groups = []
    for metric in results.metrics:
        rows = []
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
            rows.append(TableRow(results.classifiers.index(name), name, None, cells))
        groups.append((f"{POINTS[metric].capitalize()}, %", rows))
    return fill(_TEMPLATE, "published", published["note"], published["source"], over, [str(t) for t in tasks], groups)


def _published_cell(share: float | None, margin: float, tone: str) -> Cell:
    if share is None:
        return Cell()
    return Cell(f"{100 * share:.1f}", "" if math.isnan(margin) else points(margin), tone=tone)


def percent(pair: tuple[float, float]) -> str:
    """A share in per cent, with its deviation over seeds where there is one."""
    mean, spread = pair
    return f"{100 * mean:.1f}" + ("" if math.isnan(spread) else f" ± {100 * spread:.1f}")


def _row(results: Results, arm: StudyArm, cells: list[Cell], plain: bool = False) -> TableRow:
    patients = arm.patients() if results.families and not plain else None
    return TableRow(results.classifiers.index(arm.classifier), arm.classifier, patients, cells)


def _tables(groups: Mapping[StudyTask, Sequence[TableRow]], virtual: bool, heads: Sequence[str]) -> Markup:
    """A table with a group of rows a task; many rows are folded up, a fold a task."""
    folded = len(groups) >= _MANY and sum(map(len, groups.values())) > _FOLDED
    return fill(_TEMPLATE, "tables", [(str(task), rows) for task, rows in groups.items()], virtual, heads, folded)
