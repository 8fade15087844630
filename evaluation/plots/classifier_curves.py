"""Curves of a grid of classifiers: against labelled patients, against a setting of the pretext; pairs of views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cohortsmith.evaluation.plots.panels import Gallery, Panel, Trace, axis, class_style, layout, line, plain, short
from cohortsmith.evaluation.study import POINTS, StudyTask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cohortsmith.evaluation.study import Results, StudyArm

_PAIRS = 60  # pairs of views drawn of a classifier


def learning_curves(results: Results) -> Gallery:
    """Accuracy and mean class accuracy against the number of labelled patients, one line per classifier."""
    panels = []
    for data in dict.fromkeys(task.data for task in results.tasks):
        own = [arm for arm in results.means if arm.data == data]
        if len({arm.labelled for arm in own}) < 2:
            continue
        for metric in results.metrics:
            traces = []
            for i, classifier in enumerate(results.classifiers):
                real = [arm for arm in own if arm.classifier == classifier and not arm.family]
                chosen = [arm for arm in results.chosen.values() if arm in own and arm.classifier == classifier]
                for arms, dash in ((real, "solid"), (chosen, "dash")):
                    if len(arms) > 1:
                        traces.append(_learning(results, arms, metric, i, dash))
            panels.append(_learning_panel(results, data, metric, traces, own))
    note = "On test patients; mean over seeds, bars are one standard deviation."
    if any(trace["line"]["dash"] == "dash" for panel in panels for trace in panel.data):
        note += " Solid: real patients alone. Dashed: with the virtual patients chosen on validation."
    return Gallery(panels, note, _who(results))


def _learning(results: Results, arms: Sequence[StudyArm], metric: str, position: int, dash: str) -> Trace:
    arms = sorted(arms, key=lambda arm: results.means[arm]["n_labelled"][0])
    values = [results.means[arm][metric] for arm in arms]
    x = [results.means[arm]["n_labelled"][0] for arm in arms]
    drawn = [_spread(pair) for pair in values]
    trace = marked(x, drawn, position, plain(arms[0].classifier), dash)
    words = [arm.patients() for arm in arms]
    hover = "%{fullData.name}: %{y:.1f} % with %{x:.0f} labelled, %{text}<extra></extra>"
    return trace | {"legendgroup": arms[0].classifier, "text": [plain(w) for w in words], "hovertemplate": hover}


def _learning_panel(results: Results, data: str, metric: str, traces: list[Trace], own: Sequence[StudyArm]) -> Panel:
    sizes = sorted({round(results.means[arm]["n_labelled"][0]) for arm in own})
    ticks = {"tickvals": sizes, "ticktext": [f"{n:,}" for n in sizes]}
    looks = layout(axis("labelled patients", type="log", **ticks), axis(f"{POINTS[metric]}, %"), hovermode="closest")
    return Panel(f"{data}: {POINTS[metric]}", "", traces, looks, 360, 3)


def sweeps(results: Results, classifiers: Mapping[str, Mapping[str, Any]]) -> Gallery:
    """The metric against a numeric setting of the pretext, where classifiers differ in it alone; one line per task.

    Args:
        results: of the grid.
        classifiers: arguments of each classifier by name, `pretext_settings` among them.
    """
    panels = []
    labels = list(dict.fromkeys(task.labelled for task in results.tasks))
    for setting, group in swept_settings(classifiers):
        values = {name: float(classifiers[name]["pretext_settings"][setting]) for name in group}
        places, what = sorted(set(values.values())), setting.replace("_", " ")
        wide = {"type": "log"} if places[0] > 0 and places[-1] > 20 * places[0] else {}
        ticks = {"tickvals": places, "ticktext": [f"{v:g}" for v in places]}
        for data in dict.fromkeys(task.data for task in results.tasks):
            traces = []
            for i, label in enumerate(labels):
                arms = [arm for arm in results.real_arms(StudyTask(data, label)) if arm.classifier in values]
                arms.sort(key=lambda arm: values[arm.classifier])
                if len(arms) > 2:
                    drawn = [_spread(results.means[arm][results.metric]) for arm in arms]
                    x = [values[arm.classifier] for arm in arms]
                    traces.append(marked(x, drawn, i, plain(label), "solid") | {"legendgroup": label})
            looks = layout(axis(what, **wide, **ticks), axis(f"{POINTS[results.metric]}, %"), hovermode="closest")
            title = f"{data}: {classifiers[group[0]].get('pretext') or group[0]}, by {what}"
            panels += [Panel(title, "", traces, looks, 320, 3)] if traces else []
    legend = [(label, class_style(i)[0], class_style(i)[2]) for i, label in enumerate(labels)]
    note = (
        "Classifiers that differ in one setting of their pretext; one line per number of labels, bars: one standard "
        "deviation."
    )
    return Gallery(panels, note, legend)


def swept_settings(classifiers: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Settings of a pretext, each with at least three classifiers that differ in its number and in nothing else."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, given in classifiers.items():
        settings = dict(given.get("pretext_settings", {}))
        for key, value in settings.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                rest = repr(sorted({**given, "pretext_settings": sorted({**settings, key: None}.items())}.items()))
                groups.setdefault((key, rest), []).append(name)
    return [(key, names) for (key, _), names in groups.items() if len(names) > 2]


def pair_pictures(pairs: Mapping[str, Sequence[Mapping[str, Any]]]) -> Gallery:
    """Two views of a patient as two points joined by a line, coloured by class; a panel a classifier.

    Args:
        pairs: by classifier, dicts with `x1`, `y1`, `x2`, `y2` and `label`.
    """
    labels = sorted({str(pair["label"]) for drawn in pairs.values() for pair in drawn})
    panels = []
    for classifier, drawn in pairs.items():
        data: list[Trace] = []
        for position, label in enumerate(labels):
            mine = [pair for pair in drawn[:_PAIRS] if str(pair["label"]) == label]
            x = [v for pair in mine for v in (*short([pair["x1"], pair["x2"]]), None)]
            y = [v for pair in mine for v in (*short([pair["y1"], pair["y2"]]), None)]
            if mine:
                colour, symbol, _ = class_style(position)
                trace = line(x, y, colour, plain(label), weight=1, legendgroup=label, hoverinfo="name")
                data.append(trace | {"mode": "lines+markers", "marker": {"symbol": symbol, "size": 6}})
        bare: dict[str, Any] = {"showticklabels": False, "showgrid": False}
        looks = layout(axis(**bare), axis(**bare), hovermode="closest", margin={"l": 8, "r": 8, "t": 8, "b": 8})
        panels += [Panel(classifier, "", data, looks, 320, 2)] if data else []
    note = (
        f"Features of two views of a patient (at most {_PAIRS} patients), projected to two dimensions and joined by a "
        "line. Short lines within well separated colours: the representation is invariant to the augmentations and "
        "separates the classes."
    )
    legend = [(name, class_style(i)[0], class_style(i)[2]) for i, name in enumerate(labels)]
    return Gallery(panels, note, legend)


def _spread(pair: tuple[float, float]) -> tuple[float, float, float]:
    mean, spread = pair
    return mean, mean - spread, mean + spread


def marked(x: Sequence[float], drawn: Sequence[tuple[float, float, float]], i: int, name: str, dash: str) -> Trace:
    """Line with markers and bars of (value, low, high), shares in and per cent out."""
    colour, symbol, _ = class_style(i)
    trace = line(short(x), short([100 * d[0] for d in drawn]), colour, name, dash=dash)
    lengths = bars([100 * (d[2] - d[0]) for d in drawn], [100 * (d[0] - d[1]) for d in drawn], colour)
    hover = "%{fullData.name}: %{y:.1f} %<extra></extra>"
    marker = {"symbol": symbol, "size": 7, "color": colour}
    return trace | {"mode": "lines+markers", "marker": marker, "error_y": lengths, "hovertemplate": hover}


def bars(up: Sequence[float], down: Sequence[float], colour: str) -> dict[str, Any]:
    """Bars of these lengths either side of a value; one that is not finite is not drawn."""
    look = {"color": colour, "thickness": 1.5, "width": 3, "visible": any(v > 0 for v in up)}
    lengths = {side: [v or 0.0 for v in short(own)] for side, own in (("array", up), ("arrayminus", down))}
    return {"type": "data", "symmetric": False} | lengths | look


def _who(results: Results) -> list[tuple[str, str, str]]:
    return [(name, class_style(i)[0], class_style(i)[2]) for i, name in enumerate(results.classifiers)]
