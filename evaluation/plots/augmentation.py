"""Figures of the gains of a grid's arms by number of virtual patients and by class; and confusion matrices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cohortsmith.evaluation.core import MINIMUM
from cohortsmith.evaluation.plots.classifier_curves import bars, marked
from cohortsmith.evaluation.plots.panels import (
    INK,
    MUTED,
    Gallery,
    Panel,
    Trace,
    axis,
    class_style,
    layout,
    line,
    plain,
    short,
)
from cohortsmith.evaluation.plots.per_class import confusion_matrix
from cohortsmith.evaluation.study import POINTS, Gain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.evaluation.study import Results, StudyArm, StudyTask

_DASHED = ("Solid", "dashed", "dotted", "dashed and dotted")
_DASHES = ("solid", "dash", "dot", "dashdot")
_NOUGHT = Gain(0.0, 0.0, 0.0, "", "")
_LINES = 4  # families times ways that one panel holds
_ROW = 15  # pixels of a dot with its interval


def gain_by_ratio(results: Results, task: StudyTask) -> Gallery:
    """Gain over the same classifier without virtual patients, by how many there are; one line per family.

    A panel a classifier, or a classifier and role where one panel would hold too many lines; dashes tell the rest.
    """
    own = results.own[results.metric]
    gains = {arm: gain for arm, gain in own.items() if arm.task == task and gain.gain == gain.gain}
    ratios = list(dict.fromkeys(arm.ratio for arm in sorted(gains, key=lambda arm: _size(arm.ratio))))
    if len(ratios) < 2:
        return Gallery([])
    together = len({(arm.family, arm.role, arm.learn_from) for arm in gains}) <= _LINES
    sources = {arm.learn_from for arm in gains}
    shown: dict[str, list[StudyArm]] = {}
    for arm in (arm for arm in results.means if arm in gains):
        title = arm.classifier if together else f"{arm.classifier}, virtual patients {_AS.get(arm.role, arm.role)}"
        shown.setdefault(title, []).append(arm)

    def way_of(arm: StudyArm) -> str:
        """What the dashes tell: what the virtual patients are for, and what their generator trained on."""
        source = f"generator trained on {arm.learn_from}" if len(sources) > 1 else ""
        return ", ".join(part for part in (_AS.get(arm.role, arm.role) if together else "", source) if part)

    ways = list(dict.fromkeys(way_of(arm) for arm in gains))
    ticks = {"tickvals": list(range(len(ratios) + 1)), "range": [-0.3, len(ratios) + 0.4]}
    words = ["0", *(f"×{r}" if r != "balance" else "balanced" for r in ratios)]
    bounds, width = _range(gains.values()), 2 if len(shown) % 3 == 0 or len(shown) > 4 else 3
    panels = []
    for title, arms in shown.items():
        data: list[Trace] = [line([0, len(ratios)], [0, 0], MUTED, "real only", weight=1, hoverinfo="skip")]
        lines = list(dict.fromkeys((arm.family, way_of(arm)) for arm in arms))
        for i, (family, way) in enumerate(lines):
            drawn = {arm.ratio: gains[arm] for arm in arms if (arm.family, way_of(arm)) == (family, way)}
            places = [ratios.index(ratio) + 1 + 0.07 * (i - (len(lines) - 1) / 2) for ratio in drawn]
            name = plain(", ".join(part for part in (family, way) if part))
            colour, dash = results.families.index(family), _DASHES[ways.index(way) % len(_DASHES)]
            trace = _curve([0, *places], [_NOUGHT, *drawn.values()], colour, name, dash)
            data.append(trace | {"legendgroup": family})
        x = axis("virtual patients per labelled one", **ticks, ticktext=words)
        y = axis(f"gain in {POINTS[results.metric]}, points", range=bounds)
        panels.append(Panel(title, "", data, layout(x, y), 260, width))
    note = "Bars are 95 % intervals over seeds, cut at the edge of the plot. All panels share one scale."
    if len(ways) > 1:
        note += " " + "; ".join(f"{_DASHED[i % len(_DASHES)]}: {way}" for i, way in enumerate(ways)) + "."
    legend = [(name, class_style(i)[0], class_style(i)[2]) for i, name in enumerate(results.families)]
    return Gallery(panels, note, legend)


_AS = {"labelled": "labelled", "unlabelled": "for the pretext", "both": "for both", "alone": "instead of real ones"}


def gain_by_class(results: Results, task: StudyTask) -> Gallery:
    """Gain of the judged arms in the recall of each class, a dot an arm; without classes of too few test patients."""
    tested = results.tested(task.data)
    classes = [name for name in results.classes.get(task.data, []) if tested[name] >= MINIMUM]
    found = {arm: gains for arm in results.judged[task] if (gains := results.by_class[arm])}
    if not found or not classes:
        return Gallery([])
    data: list[Trace] = []
    names = {arm: _called(results, arm) for arm in found}
    for i, (arm, gains) in enumerate(found.items()):
        shift = 0.5 * (i - (len(found) - 1) / 2) / len(found)
        rows = [(at + shift, gains[name]) for at, name in enumerate(classes) if name in gains]
        data.append(
            _dots([g for _, g in rows], [y for y, _ in rows], i, plain(names[arm])) | {"legendgroup": names[arm]}
        )
    labels = [f"{plain(name)} ({tested[name]:,.0f})" for name in classes]
    ticks: dict[str, Any] = {"tickvals": list(range(len(classes))), "ticktext": labels}
    looks = layout(
        axis("gain in recall, points", range=_range([g for gains in found.values() for g in gains.values()])),
        axis(**ticks, range=[len(classes) - 0.5, -0.5]) | {"tickfont": {"size": 12, "color": INK}},
        hovermode="closest",
        shapes=[_zero()],
    )
    each = 14 + _ROW * len(found)
    panel = Panel("Gain in the recall of each class", "", data, looks, 60 + each * len(classes), 6)
    legend = [(name, class_style(i)[0], class_style(i)[2]) for i, name in enumerate(names.values())]
    return Gallery([panel], "", legend)


def _called(results: Results, arm: StudyArm) -> str:
    if arm.family:
        return f"{arm.classifier} with {arm.patients()}, over real only"
    strongest = results.strongest.get(arm.task)
    return arm.classifier + (f", over {strongest.classifier}" if strongest else "")


def confusions(results: Results, arms: Sequence[StudyArm]) -> list[Panel]:
    """Confusion tables of these arms: counts summed over seeds, shares of each class in the cells."""
    panels = []
    for arm in arms:
        counts, classes = results.confusion(arm), results.classes.get(arm.data, [])
        if counts is None or counts.shape != (len(classes), len(classes)):
            continue
        tested = results.tested(arm.data)
        for i, name in enumerate(classes):
            if tested[name] < MINIMUM:
                counts[i] = 0.0
        panel = confusion_matrix(counts, classes, f"{arm.classifier}, {arm.patients()}", f"{arm.task}. {_CONFUSION}")
        panels.append(panel if len(classes) <= 14 else Panel(**{**vars(panel), "width": 6, "least": 28 * len(classes)}))
    return panels


_CONFUSION = "Predicted class (columns) of the test patients of each class (rows), in per cent."


def _curve(x: Sequence[float], gains: Sequence[Gain], i: int, name: str, dash: str) -> Trace:
    hover = "%{fullData.name}: %{y:+.1f} points<extra></extra>"
    return marked(x, [(g[0], g[1], g[2]) for g in gains], i, name, dash) | {"hovertemplate": hover}


def _dots(gains: Sequence[Gain], y: Sequence[float], i: int, name: str) -> Trace:
    colour, symbol, _ = class_style(i)
    up, down = [100 * (g.high - g.gain) for g in gains], [100 * (g.gain - g.low) for g in gains]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": short([100 * g.gain for g in gains]),
        "y": short(y),
        "name": name,
        "marker": {"color": colour, "symbol": symbol, "size": 9, "line": {"width": 0}},
        "error_x": bars(up, down, colour),
        "hovertemplate": "%{fullData.name}: %{x:+.1f} points<extra></extra>",
    }


def _range(gains: Any) -> list[float | None]:
    """Ends of an axis of gains in points: all gains and zero, and intervals as far as twice that again."""
    known = [gain for gain in gains if gain.gain == gain.gain]
    low, high = min([-0.01, *(g.gain for g in known)]), max([0.01, *(g.gain for g in known)])
    room = high - low
    ends = [e for g in known for e in (g.low, g.high) if math.isfinite(e)] or [low, high]
    low, high = max(low - room, min(low, *ends)), min(high + room, max(high, *ends))
    pad = 0.06 * (high - low)
    return short([100 * (low - pad), 100 * (high + pad)])


def _zero() -> dict[str, Any]:
    place = {"x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
    return {"type": "line", "line": {"color": MUTED, "width": 1}} | place


def _size(ratio: str) -> float:
    return math.inf if ratio == "balance" else float(ratio)
