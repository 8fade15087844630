"""Figures of metrics per class: diversity, quality, and the confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.evaluation.plots.panels import (
    DIVERGING,
    INK,
    REAL,
    Gallery,
    Panel,
    Trace,
    axis,
    class_style,
    layout,
    plain,
    short,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Estimate

_BARS = {
    "class_diversity": (
        "Diversity",
        "Diversity of the images of a class relative to real ones (1). Far below: mode collapse.",
    ),
    "kernel_distance": ("Kernel distance", "Distance of the class from the real one. Lower is better."),
    "precision": ("Precision", "Share of synthetic images among the real ones of their class."),
    "recall": ("Recall", "Share of real images among the synthetic ones of their class."),
}
_ROW, _ROOM = 26, 44  # pixels: a class, and the axis under them
_LEAST = 0.005  # shares below are not written
_CONFUSION = (
    "Class predicted by a classifier of real images (columns) for the synthetic images of each class (rows), in per "
    "cent."
)


def classwise(estimates: Sequence[Estimate], classes: Sequence[str]) -> Gallery:
    """Figures by class beside what real images score, and the confusion matrix of synthetic images.

    Reads the tables that the metrics leave in `Estimate.detail`: `by_class`, rows with `class`, `value` and
    `reference`, and `confusion` of `trts`, counts (true class, predicted class).
    """
    known = {e.name: e.detail for e in estimates if e.ok}
    panels = [
        panel
        for name, (title, note) in _BARS.items()
        if (panel := _dots(known.get(name, {}).get("by_class", ()), title, note, classes))
    ]
    if "confusion" in (trts := known.get("trts", {})):
        panels.append(
            confusion_matrix(np.asarray(trts["confusion"], dtype=np.float64), classes, "Confusion matrix", _CONFUSION)
        )
    if len(panels) % 2:
        panels[-1] = Panel(**{**vars(panels[-1]), "width": 6})
    legend = [("synthetic", INK, "●"), ("real against real", REAL, "┃")]
    return Gallery(panels, "Each class on its own, so that a poor one is not hidden by good ones.", legend)


def _dots(rows: Sequence[Mapping[str, Any]], title: str, text: str, classes: Sequence[str]) -> Panel | None:
    """One row a class: a dot for the synthetic images, a stroke for real ones in their place."""
    found = {str(row["class"]): row for row in rows if row.get("value") is not None}
    shown = [(i, name) for i, name in enumerate(classes) if name in found]
    if not shown:
        return None
    data: list[Trace] = []
    for at, (position, name) in enumerate(shown):
        colour, symbol, _ = class_style(position)
        row = found[name]
        if row.get("reference") is not None:
            data.append(
                _mark(row["reference"], at, "real against real")
                | {"marker": {"color": REAL, "symbol": "line-ns", "size": 16, "line": {"color": REAL, "width": 3}}}
            )
        mark = {"color": colour, "symbol": symbol, "size": 11, "line": {"width": 0}}
        data.append(_mark(row["value"], at, "synthetic") | {"marker": mark})
    reach = [x for trace in data for x in trace["x"]]
    low, high = min(0.0, *reach), max(reach)
    pad = 0.05 * (high - low) or 0.05
    ticks: dict[str, Any] = {"tickvals": list(range(len(shown))), "ticktext": [plain(name) for _, name in shown]}
    looks = layout(
        axis(range=short([low - pad, high + pad]), nticks=6),
        axis(**ticks, range=[len(shown) - 0.4, -0.6]) | {"tickfont": {"size": 12, "color": INK}},
        hovermode="closest",
        margin={"l": 48, "r": 12, "t": 6, "b": 24},
    )
    return Panel(title, text, data, looks, _ROOM + _ROW * len(shown), 3)


def _mark(value: float, at: int, name: str) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": short([value]),
        "y": [at],
        "name": name,
        "legendgroup": name,
        "hovertemplate": "%{fullData.name}: %{x:.3g}<extra></extra>",
    }


def confusion_matrix(counts: NDArray[np.float64], classes: Sequence[str], title: str, text: str) -> Panel:
    """Heatmap of the shares of each class (rows, those without a sample left out) that are predicted as each class.

    Args:
        counts: (classes, classes), true class by predicted class.
        classes: their names.
        title: heading of the panel, plain text.
        text: note of the panel, plain text.
    """
    totals = counts.sum(axis=1)
    rows = np.flatnonzero(totals)
    shares = counts[rows] / totals[rows, None]
    right = rows[:, None] == np.arange(len(classes))
    names = [plain(name) for name in classes]
    heat: Trace = {
        "type": "heatmap",
        "x": list(range(len(classes))),
        "y": list(range(len(rows))),
        "z": np.where(right, shares, -shares).round(3).tolist(),  # what is right one colour, what is wrong the other
        "text": [[f"{100 * s:.0f}" if s >= _LEAST else "" for s in row] for row in shares],
        "texttemplate": "%{text}",
        "customdata": [
            [f"{names[r]}, predicted {n}: {100 * s:.1f} %" for n, s in zip(names, row, strict=True)]
            for r, row in zip(rows, shares, strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
        "zmin": -1,
        "zmax": 1,
        "colorscale": DIVERGING,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }
    bare: dict[str, Any] = {"showgrid": False, "ticks": ""}
    looks = layout(
        axis("predicted", tickvals=heat["x"], ticktext=names, **bare),
        axis(tickvals=heat["y"], ticktext=[names[r] for r in rows], range=[len(rows) - 0.5, -0.5], **bare),
    )
    return Panel(title, text, [heat], looks, _ROOM + 60 + _ROW * len(rows), 3, 320)
