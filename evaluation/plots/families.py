"""Pictures of families side by side: privacy against utility, and one metric with its interval per family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.evaluation.plots.panels import CHANCE, INK, Panel, Trace, axis, class_style, layout, note, plain, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.evaluation.core import Estimate


def frontier(points: Sequence[tuple[str, Estimate, Estimate]], attack: str, utility: str) -> Panel | None:
    """Families on two axes: the worst attack's AUC to the right, train-on-synthetic score upwards.

    Args:
        points: (family, worst attack, utility) in the order of their colours.
        attack: name of the abscissa.
        utility: name of the ordinate.
    """
    data: list[Trace] = []
    for position, (name, leak, use) in enumerate(points):
        if leak.value is None or use.value is None:
            continue
        colour, symbol, _ = class_style(position)
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": short([leak.value]),
                "y": short([use.value]),
                "name": plain(name),
                "legendgroup": name,
                "error_x": _whisker(leak, colour),
                "error_y": _whisker(use, colour),
                "marker": {"color": colour, "symbol": symbol, "size": 13, "line": {"width": 0}},
                "hovertemplate": f"%{{fullData.name}}<br>{attack} %{{x:.3f}}<br>{utility} %{{y:.3f}}<extra></extra>",
            }
        )
    if not data:
        return None
    reach = [0.5, *(x for _, leak, _ in points for x in (leak.value, leak.low, leak.high) if x is not None)]
    pad = 0.05 * (max(reach) - min(reach)) or 0.05
    room = 5 * pad  # to the right of every family, for the name of the line of real patients
    looks = layout(axis(attack, range=short([min(reach) - pad, max(reach) + room])), axis(utility), hovermode="closest")
    shapes = [_rule("x", 0.5)]
    notes = [note(0.5, 0, "guessing", yref="paper", xanchor="left", yanchor="bottom", xshift=4)]
    ceilings = [use.reference for _, _, use in points if use.reference is not None]
    if ceilings:
        shapes.append(_rule("y", float(np.mean(ceilings))))
        label = "trained on real patients"
        notes.append(note(1, float(np.mean(ceilings)), label, xref="paper", xanchor="right", yanchor="bottom"))
    looks |= {"shapes": shapes, "annotations": notes}
    text = "Up: more useful. Right: easier to tell who was in the training data. The best corner is the upper left."
    return Panel("Privacy and utility", text, data, looks, 420, 3)


def ladder(points: Sequence[tuple[str, Estimate]], title: str, text: str) -> Panel | None:
    """One row a family: a figure with its interval, beside the line of real data against real data."""
    shown = [(i, name, e) for i, (name, e) in enumerate(points) if e.value is not None]
    if not shown:
        return None
    data: list[Trace] = []
    for row, (position, name, estimate) in enumerate(shown):
        colour, symbol, _ = class_style(position)
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": short([estimate.value or 0.0]),
                "y": [row],
                "name": plain(name),
                "legendgroup": name,
                "error_x": _whisker(estimate, colour),
                "marker": {"color": colour, "symbol": symbol, "size": 11, "line": {"width": 0}},
                "hovertemplate": "%{fullData.name}: %{x:.3f}<extra></extra>",
            }
        )
    ticks: dict[str, Any] = {"tickvals": list(range(len(shown))), "ticktext": [plain(name) for _, name, _ in shown]}
    real = [e.reference for _, _, e in shown if e.reference is not None]
    reach = [x for _, _, e in shown for x in (e.value, e.low, e.high) if x is not None] + real
    pad = 0.06 * (max(reach) - min(reach)) or 0.05
    looks = layout(
        axis(range=short([min(reach) - pad, max(reach) + pad])),
        axis(**ticks, range=[len(shown) - 0.4, -0.6], showgrid=False) | {"tickfont": {"size": 12, "color": INK}},
        hovermode="closest",
    )
    if real:
        looks["shapes"] = [_rule("x", float(np.mean(real)))]
        looks["annotations"] = [
            note(float(np.mean(real)), 1, "real against real", yref="paper", xanchor="left", yanchor="top", xshift=4)
        ]
    return Panel(title, text, data, looks, 420, 3)


def _rule(along: str, at: float) -> dict[str, Any]:
    other = "y" if along == "x" else "x"
    place = {f"{along}0": at, f"{along}1": at, f"{other}0": 0, f"{other}1": 1, f"{other}ref": "paper"}
    return {"type": "line", "line": {"color": CHANCE, "width": 1.5, "dash": "dash"}, "layer": "below"} | place


def _whisker(estimate: Estimate, colour: str) -> dict[str, Any]:
    value = estimate.value or 0.0
    up = 0.0 if estimate.high is None else max(0.0, estimate.high - value)
    down = 0.0 if estimate.low is None else max(0.0, value - estimate.low)
    look = {"color": colour, "thickness": 1.5, "width": 4, "visible": bool(up or down)}
    return {"type": "data", "symmetric": False, "array": short([up]), "arrayminus": short([down])} | look
