"""Curves of images: power by spatial frequency, colours and contrast, spread within classes.

Real patients appear only as aggregates over at least five of them (see `binning`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.stats import wasserstein_distance

from cohortsmith.evaluation.core import MINIMUM, histogram
from cohortsmith.evaluation.plots.panels import (
    MUTED,
    REAL,
    SYNTHETIC,
    Gallery,
    Panel,
    axis,
    class_style,
    layout,
    line,
    plain,
    short,
)
from cohortsmith.evaluation.spaces import colour_names, image_colours, radial_power

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.spaces import Comparison

    Floats = NDArray[np.float64]
    Pixels = NDArray[np.uint8]

MOST = 4000  # images of a cohort behind the curves
_BOTH = "real (train and holdout)"


class ImageSides(NamedTuple):
    """What is drawn: all real images, and the synthetic ones.

    Attributes:
        real: (n, height, width, channels), train and then holdout.
        real_y: (n,) classes.
        subjects: (n,) patients.
        held: (n,) whether of the holdout.
        made: (m, height, width, channels).
        made_y: (m,) classes.
    """

    real: Pixels
    real_y: NDArray[np.int64]
    subjects: NDArray[np.str_]
    held: NDArray[np.bool_]
    made: Pixels
    made_y: NDArray[np.int64]


def sides(comparison: Comparison) -> ImageSides:
    """Images of a comparison, those of real patients together; of each cohort at most `MOST`, drawn at random."""
    train, holdout, made = (_thin(getattr(comparison, name)) for name in ("train", "holdout", "synthetic"))
    return ImageSides(
        np.concatenate([train.x, holdout.x]),
        np.concatenate([train.y, holdout.y]),
        np.concatenate([train.subjects, holdout.subjects]),
        np.arange(len(train) + len(holdout)) >= len(train),
        made.x,
        made.y,
    )


def _thin(cohort: Cohort) -> Cohort:
    rows = np.random.default_rng(0).permutation(len(cohort))[:MOST]
    return cohort.take(np.sort(rows))


def sharpness(images: ImageSides, classes: Sequence[str]) -> Gallery:
    """Radial power spectrum of real and synthetic images, and their ratio in each class."""
    if not _enough(images):
        return Gallery([], _FEW)
    real, made = (np.log10(radial_power(x)).astype(np.float64) for x in (images.real, images.made))
    x = list(range(1, real.shape[1] + 1))
    hover = {"hovertemplate": "%{y:.3g} at %{x} cycles per image<extra>%{fullData.name}</extra>"}
    data = []
    for values, colour, name, group in ((real, REAL, "real", _BOTH), (made, SYNTHETIC, "synthetic", "synthetic")):
        centre, spread = values.mean(axis=0), values.std(axis=0)
        own: dict[str, Any] = {"legendgroup": group}
        data.append(line(x, short(10 ** (centre - spread)), colour, name, weight=0, hoverinfo="skip", **own))
        upper = line(x, short(10 ** (centre + spread)), colour, name, weight=0, hoverinfo="skip", **own)
        data.append(upper | {"fill": "tonexty", "fillcolor": f"fill:{colour}"})
        data.append(line(x, short(10**centre), colour, name, **own, **hover))
    ticks: dict[str, Any] = {"tickvals": [1, 2, 4, 6, 8, 10, 12, 14]}
    looks = layout(axis("cycles per image", **ticks), axis("power", type="log", exponentformat="power", dtick=1))
    text = "Geometric mean over images; shaded: one standard deviation between images."
    panels = [Panel("Power by spatial frequency", text, data, looks, 320, 3)]
    ratios = [line([1, real.shape[1]], [1, 1], MUTED, "equal", weight=1, hoverinfo="skip")]
    hover = {"hovertemplate": "%{fullData.name}: %{y:.2f} times at %{x}<extra></extra>"}
    if min(images.held.sum(), (~images.held).sum()) >= MINIMUM:
        gap = real[images.held].mean(axis=0) - real[~images.held].mean(axis=0)
        ratios.append(line(x, short(10**gap, 3), REAL, "holdout over train", dash="dot", legendgroup=_BOTH, **hover))
    for position, name in enumerate(classes):
        mine, theirs = images.real_y == position, images.made_y == position
        if len(np.unique(images.subjects[mine])) >= MINIMUM and theirs.any():
            gap = made[theirs].mean(axis=0) - real[mine].mean(axis=0)
            colour, symbol, _ = class_style(position)
            drawn = line(x, short(10**gap, 3), colour, plain(name), weight=1.5, legendgroup=name, **hover)
            ratios.append(drawn | {"mode": "lines+markers", "marker": {"symbol": symbol, "size": 5}})
    seen = np.log10([y for trace in ratios for y in trace["y"]])
    ends = [
        float(np.floor(min(-0.4, seen.min() - 0.05) * 10) / 10),
        float(np.ceil(max(0.4, seen.max() + 0.05) * 10) / 10),
    ]
    up = axis("synthetic over real", type="log", range=ends, tickvals=_TIMES, ticktext=[f"{t:g}" for t in _TIMES])
    text = "By class. Below 1 on the right: blurred; above 1: noise. Dotted: holdout over train."
    panels.append(Panel("Synthetic over real", text, ratios, layout(axis("cycles per image", **ticks), up), 320, 3))
    legend = [(_BOTH, REAL, "■"), ("synthetic", SYNTHETIC, "━")]
    legend += [(name, class_style(i)[0], class_style(i)[2]) for i, name in enumerate(classes)]
    return Gallery(
        panels,
        "Power of coarse structure (left) to pixel-level detail (right), averaged over channels.",
        legend,
    )


_LEVEL = "mean level, 0 to 255"
_CONTRAST = ("Contrast", "5th to 95th percentile of brightness")
_SHOWN = {f"mean of {name}": (name.capitalize(), _LEVEL) for name in ("red", "green", "blue")}
_SHOWN |= {"saturation": ("Saturation", "mean of 1 - min / max"), "contrast": _CONTRAST}
_SHOWN_GREY = {"mean of grey": ("Brightness", _LEVEL), "contrast": _CONTRAST}
_TIMES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
_FEW = f"Fewer than {MINIMUM} real patients: curves are not drawn."


def colours(images: ImageSides) -> Gallery:
    """Distributions over images of mean colour, saturation, contrast and detail, real against synthetic."""
    if not _enough(images):
        return Gallery([], _FEW)
    panels = []
    real, made = looks_of(images.real), looks_of(images.made)
    for name, (what, there) in real.items():
        bars = histogram(there, made[name][1], images.subjects)
        if bars is None:
            continue
        stairs = short(np.repeat(bars.edges, 2), 5)
        shaded = {"fill": "tozeroy", "fillcolor": f"fill:{REAL}", "line": {"color": REAL, "width": 1}}
        hover = {"hovertemplate": "%{y:.3g} at %{x:.3g}<extra>%{fullData.name}</extra>"}
        data = [
            line(stairs, _steps(bars.real), REAL, "real", legendgroup=_BOTH, **hover) | shaded,
            line(stairs, _steps(bars.synthetic), SYNTHETIC, "synthetic", legendgroup="synthetic", **hover),
        ]
        up = axis(rangemode="tozero", nticks=4, exponentformat="none")
        look = layout(axis(what), up, margin={"l": 40, "r": 8, "t": 6, "b": 40})
        off = wasserstein_distance(there, made[name][1]) / (there.std() or 1.0)
        panels.append(Panel(name, f"{off:.2f} sd off (Wasserstein)", data, look, 200, 2))
    return Gallery(
        panels,
        f"One value per image, of at most {MOST:,} images per cohort; share of images per unit. Bins with fewer than "
        f"{MINIMUM} real patients are merged with their neighbours; the outermost bins include all values beyond.",
        [(_BOTH, REAL, "■"), ("synthetic", SYNTHETIC, "━")],
    )


def looks_of(x: Pixels) -> dict[str, tuple[str, Floats]]:
    """Properties of each image, by name: what the axis says, and the values (n,)."""
    known = dict(zip(colour_names(x.shape[3]), image_colours(x).T.astype(np.float64), strict=True))
    names = _SHOWN if x.shape[3] == 3 else _SHOWN_GREY
    steps = [np.abs(np.diff(x.astype(np.float32), axis=axis)).mean(axis=(1, 2, 3)) for axis in (1, 2)]
    found = {title: (what, known[name]) for name, (title, what) in names.items()}
    return found | {"Detail": ("mean difference of adjacent pixels", np.mean(steps, axis=0, dtype=np.float64))}


def _steps(heights: Floats) -> list[float | None]:
    """Heights of a staircase that starts and ends at 0, two points a border."""
    return short(np.concatenate([[0.0], np.repeat(heights, 2), [0.0]]))


def _enough(images: ImageSides) -> bool:
    return len(np.unique(images.subjects)) >= MINIMUM and len(images.made) > 0
