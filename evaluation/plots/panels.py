"""`Panel`, one plot of the report, and the colours every plot shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

Trace = dict[str, Any]

# A string beginning "theme:" is replaced in the browser by the colour of that name for the light or the dark page.
INK = "theme:ink"
MUTED = "theme:muted"
LINE = "theme:line"
REAL = "theme:real"
SYNTHETIC = "theme:synthetic"
CHANCE = "theme:chance"
DIVERGING = "theme:diverging"

# Okabe & Ito (2008), distinguishable under every common colour blindness; black follows the ink of the page.
OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", INK, "#C9B800")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x")
GLYPHS = ("●", "◆", "■", "▲", "✕")
LONGEST_NAME = 32


@dataclass(frozen=True)
class Panel:
    """One plot: what Plotly draws, and the words around it, which stand in HTML outside the drawing.

    Attributes:
        title: heading, plain text.
        note: what to look for, and how the plot protects patients, plain text.
        data: Plotly traces.
        layout: Plotly layout.
        height: pixels.
        width: share of the row in a grid of six.
        least: pixels below which it scrolls sideways instead of shrinking; 0 for never.
    """

    title: str
    note: str
    data: list[Trace]
    layout: dict[str, Any]
    height: int = 300
    width: int = 3
    least: int = 0


@dataclass(frozen=True)
class Gallery:
    """Panels that share a legend.

    Attributes:
        panels: plots in reading order.
        note: what holds for all of them, plain text.
        legend: (name, colour, glyph) of each entry; clicking one hides the traces with that `legendgroup`.
        ramp: whether the diverging colour scale from -1 to 1 is drawn under the panels.
    """

    panels: list[Panel]
    note: str = ""
    legend: list[tuple[str, str, str]] = field(default_factory=list)
    ramp: bool = False


def class_style(position: int) -> tuple[str, str, str]:
    """Colour, marker symbol and glyph of the class (or family) at `position`; unique up to 40."""
    turn = position // len(OKABE_ITO) % len(SYMBOLS)
    return OKABE_ITO[position % len(OKABE_ITO)], SYMBOLS[turn], GLYPHS[turn]


def plain(name: str) -> str:
    """Short form of a name that came with the data, safe inside Plotly's own markup (which begins at a "<")."""
    name = " ".join(name.split())
    name = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
    return name.replace("&", "&amp;").replace("<", "&lt;")


def short(values: ArrayLike, digits: int = 4) -> list[float | None]:
    """Values rounded to significant digits, so that the report stays small; None where not finite."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    rounded = (float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in flat)
    return [value if value is None or value % 1 else int(value) for value in rounded]


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """Axis in the report's manner: light grid, no zero line, muted ticks."""
    look: dict[str, Any] = {
        "title": {"text": title, "font": {"size": 12, "color": MUTED}, "standoff": 8},
        "gridcolor": LINE,
        "linecolor": LINE,
        "zeroline": False,
        "tickfont": {"size": 11, "color": MUTED},
        "automargin": True,
        "fixedrange": True,
    }
    return look | more


def layout(x: dict[str, Any], y: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Layout in the report's manner: transparent, no legend inside the drawing."""
    look: dict[str, Any] = {
        "xaxis": x,
        "yaxis": y,
        "showlegend": False,
        "margin": {"l": 48, "r": 12, "t": 10, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": INK},
        "hoverlabel": {"font": {"size": 12}},
    }
    return look | more


def line(x: Sequence[float | None], y: Sequence[float | None], colour: str, name: str, **more: Any) -> Trace:
    """Line trace without markers."""
    style = {"color": colour, "width": more.pop("weight", 2), "dash": more.pop("dash", "solid")}
    return {"type": "scatter", "mode": "lines", "x": list(x), "y": list(y), "name": name, "line": style} | more


def note(x: float, y: float, text: str, colour: str = MUTED, **more: Any) -> dict[str, Any]:
    """Label written in the drawing beside the thing it names."""
    look: dict[str, Any] = {"x": x, "y": y, "text": text, "showarrow": False, "font": {"size": 11, "color": colour}}
    return look | more
