"""SVG figure of privacy against utility: a point per family, the policy's limits, and real data."""

from __future__ import annotations

import statistics
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 760, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 24, 46, 58
SHARE, BLOCK = 0.55, 0.60  # the default policy's limits of the worst attack's AUC
_COLOURS = ("#0072b2", "#d55e00", "#007a5a", "#a8437e", "#8a6d00", "#333333", "#1b7fb5")  # Okabe and Ito's, darkened
_BANDS = ((0.0, SHARE, "#e3f1e6"), (SHARE, BLOCK, "#fdf3d7"), (BLOCK, 1.0, "#fbe3de"))
_LEVELS = ((0.5, "chance"), (SHARE, f"shared up to {SHARE:.2f}"), (BLOCK, f"blocked above {BLOCK:.2f}"))


class Point(NamedTuple):
    """A family: utility and worst attack AUC of each seed."""

    name: str
    utility: Sequence[float]
    attack: Sequence[float]


class _Axes(NamedTuple):
    """Ranges of both axes, and page coordinates of their values."""

    utility: tuple[float, float]
    attack: tuple[float, float]

    def x(self, value: float) -> float:
        low, high = self.utility
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = self.attack
        return HEIGHT - BOTTOM - (min(max(value, low), high) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def picture(points: Sequence[Point], real: float, title: str) -> str:
    """SVG of family means with bars of one standard deviation over seeds.

    Args:
        points: at least one family.
        real: utility of real patients.
        title: of the figure.
    """
    values = [real, *(value for point in points for value in point.utility)]
    pad = max(0.02, 0.1 * (max(values) - min(values)))
    highest = max(value for point in points for value in point.attack)
    axes = _Axes((max(0.0, min(values) - pad), min(1.0, max(values) + pad)), (0.45, max(0.65, highest + 0.03)))
    right, base = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' role='img' font-size='13' "
        "font-family='system-ui, sans-serif'>",
        f"<title>{escape(title)}</title>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='#ffffff'/>",
        f"<text x='{LEFT}' y='26' font-size='16' fill='#111111'>{escape(title)}</text>",
    ]
    for low, high, colour in _BANDS:
        top = axes.y(high)
        box = f"y='{top:.1f}' width='{right - LEFT}' height='{axes.y(low) - top:.1f}'"
        parts.append(f"<rect x='{LEFT}' {box} fill='{colour}'/>")
    for value, words in _LEVELS:
        y = axes.y(value)
        parts.append(
            f"<line x1='{LEFT}' x2='{right}' y1='{y:.1f}' y2='{y:.1f}' stroke='#666666' stroke-dasharray='5 4'/>"
        )
        parts.append(_words(LEFT + 6, y + 14 if value == SHARE else y - 4, words))
    x = axes.x(real)
    parts.append(f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{TOP}' y2='{base}' stroke='#666666' stroke-dasharray='2 4'/>")
    parts.append(_words(x - 5, base - 8, "real patients", "end"))
    parts += [_words(axes.x(value), base + 18, f"{value:.2f}", "middle") for value in _ticks(*axes.utility)]
    parts += [_words(LEFT - 8, axes.y(value) + 4, f"{value:.2f}", "end") for value in _ticks(*axes.attack)]
    across = "accuracy on real patients of a classifier trained on virtual ones"
    parts.append(_words((LEFT + right) / 2, HEIGHT - 14, across, "middle"))
    turned = f"transform='translate(18 {(TOP + base) / 2:.0f}) rotate(-90)' text-anchor='middle' fill='#333333'"
    parts.append(f"<text {turned}>AUC of the worst membership attack</text>")
    parts += _drawn(points, axes)
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Box(NamedTuple):
    """Left, right, top and bottom in pixels."""

    left: float
    right: float
    top: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


def _drawn(points: Sequence[Point], axes: _Axes) -> list[str]:
    """Markers, bars and names; a name is placed at the corner of its marker where it overlaps least."""
    parts: list[str] = []
    marks: list[tuple[str, str, float, float]] = []
    taken: list[_Box] = []
    colours = {point.name: _COLOURS[i % len(_COLOURS)] for i, point in enumerate(points)}
    for point in sorted(points, key=lambda one: -statistics.fmean(one.attack)):
        colour = colours[point.name]
        utility, attack = statistics.fmean(point.utility), statistics.fmean(point.attack)
        x, y = axes.x(utility), axes.y(attack)
        if len(point.utility) > 1:
            wide, high = statistics.stdev(point.utility), statistics.stdev(point.attack)
            ends = (axes.x(utility - wide), axes.x(utility + wide), axes.y(attack - high), axes.y(attack + high))
            for x1, x2, y1, y2 in ((ends[0], ends[1], y, y), (x, x, ends[2], ends[3])):
                line = f"x1='{x1:.1f}' x2='{x2:.1f}' y1='{y1:.1f}' y2='{y2:.1f}'"
                parts.append(f"<line {line} stroke='{colour}' stroke-width='1.5'/>")
                taken.append(_Box(x1 - 1, x2 + 1, min(y1, y2) - 1, max(y1, y2) + 1))
        parts.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='5' fill='{colour}'/>")
        taken.append(_Box(x - 5, x + 5, y - 5, y + 5))
        marks.append((point.name, colour, x, y))
    for name, colour, x, y in marks:
        places = [(x + 7 * side, y + drop, side) for drop in (-8, 18, -23, 33) for side in (1, -1)]
        boxes = [_name_box(name, *place) for place in places]
        covered = [sum(box.meets(other) for other in taken) + (box.right > WIDTH - RIGHT) for box in boxes]
        best = covered.index(min(covered))
        taken += [boxes[best]] * 3  # overlapping names are worse than a name on a bar
        at, base, side = places[best]
        parts.append(_words(at, base, name, "start" if side > 0 else "end", colour))
    return parts


def _name_box(name: str, x: float, base: float, side: int) -> _Box:
    end = x + side * 7.5 * len(name)
    return _Box(min(x, end), max(x, end), base - 11, base + 3)


def _words(x: float, y: float, text: str, anchor: str = "start", colour: str = "#333333") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' fill='{colour}'>{escape(text)}</text>"


def _ticks(low: float, high: float) -> list[float]:
    """At most eight round numbers within the range."""
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if (high - low) / step <= 8)
    first = int(np.ceil(low / step - 1e-9))
    last = int(np.floor(high / step + 1e-9))
    return [i * step for i in range(first, last + 1)]
