"""Figures of the embedding (PCA) of real and virtual patients.

Real patients appear only as aggregates over at least five of them (see `binning`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.decomposition import PCA

from cohortsmith.evaluation.core import MINIMUM, Density, Floats, Subjects, density
from cohortsmith.evaluation.plots.panels import Gallery, Panel, Trace, axis, class_style, layout, plain, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_PATIENTS = 3000
MOST_GENES = 1500
MOST_POINTS = 1500


@dataclass(frozen=True)
class Side:
    """One cohort as the pictures need it.

    Attributes:
        z: (n, genes) log expression.
        y: (n,) class positions.
        subjects: (n,) patient of each sample.
        total: samples before downsampling.
    """

    z: Floats
    y: NDArray[np.int64]
    subjects: Subjects
    total: int

    def thin(self, most: int, seed: int = 0) -> Side:
        """At most `most` samples, drawn without replacement."""
        if len(self.z) <= most:
            return self
        rows = np.sort(np.random.default_rng(seed).choice(len(self.z), most, replace=False))
        return Side(self.z[rows], self.y[rows], self.subjects[rows], self.total)


def scatter(train: Side, holdout: Side, synthetic: Side, classes: Sequence[str]) -> Gallery:
    """Principal components of train: real patients as regions, synthetic ones as points on top of the same regions.

    The plane is fitted on train alone; holdout and synthetic are projected. Genes are standardised by train, at most
    `MOST_GENES` of them, the most variable ones.
    """
    spread = train.z.std(axis=0)
    genes = np.sort(np.argsort(-spread, kind="stable")[:MOST_GENES])
    genes = genes[spread[genes] > 0]
    if len(genes) < 2 or len(train.z) < 2 * MINIMUM:
        return Gallery([], "Too few patients or genes for an embedding.")
    centre, scale = train.z[:, genes].mean(axis=0), spread[genes]
    fitted = PCA(2, svd_solver="randomized", random_state=0).fit((train.z[:, genes] - centre) / scale)
    shares = fitted.explained_variance_ratio_ * 100
    places = [fitted.transform((side.z[:, genes] - centre) / scale) for side in (train, holdout, synthetic)]
    axes = (f"PC 1 ({shares[0]:.0f} % of the variance of train)", f"PC 2 ({shares[1]:.0f} %)")
    text = (
        "The first two principal components, fitted on train alone. Virtual patients should fill the regions of their "
        "own class, and neither leave them nor collapse into a part of them."
    )
    return plane(places, (train, holdout, synthetic), classes, axes, text)


def plane(
    places: Sequence[Floats], sides: Sequence[Side], classes: Sequence[str], axes: tuple[str, str], text: str
) -> Gallery:
    """Real patients as regions, synthetic ones as points on top of the regions of train.

    Args:
        places: (n, 2) of train, holdout and synthetic patients.
        sides: the same cohorts.
        classes: names of the classes.
        axes: what the abscissa and the ordinate are.
        text: what the plane is, plain text.
    """
    train, holdout, synthetic = sides
    jitter = np.random.default_rng(0).normal(size=places[2].shape) * places[0].std(axis=0) * 0.02
    thin = places[2] + jitter
    rows = np.random.default_rng(0).permutation(len(thin))[:MOST_POINTS]

    real: list[Trace] = []
    under: list[Trace] = []
    over: list[Trace] = []
    hidden: list[str] = []
    corners: list[Floats] = []
    inner = len(classes) <= 4
    grid = 44 if len(classes) <= 12 else 30  # many classes: coarser, so that the report stays small
    for position, name in enumerate(classes):
        colour, symbol, _ = class_style(position)
        mine, theirs = train.y == position, holdout.y == position
        seen, unseen = (
            density(places[0][mine], train.subjects[mine], grid),
            density(places[1][theirs], holdout.subjects[theirs], grid),
        )
        if seen:
            regions = _region(seen, colour, name, inner=inner)
            real += regions
            under += [regions[0] | {"line": {"color": colour, "width": 1}}]
        elif mine.any():
            hidden.append(name)
        if unseen:
            real += _region(unseen, colour, name, holdout=True)
        corners += [corner for found in (seen, unseen) if found for corner in _corners(found)]
        points = thin[rows[synthetic.y[rows] == position]]
        marker = {"color": colour, "symbol": symbol, "size": 5, "opacity": 0.7, "line": {"width": 0}}
        over.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": short(points[:, 0], 3),
                "y": short(points[:, 1], 3),
                "marker": marker,
                "name": plain(name),
                "legendgroup": name,
                "hovertemplate": "%{fullData.name}<extra></extra>",
            }
        )
    box = np.stack([*corners, *np.quantile(thin[rows], [0.005, 0.995], axis=0)])
    low, high = box.min(axis=0), box.max(axis=0)
    low, high = low - 0.06 * (high - low), high + 0.06 * (high - low)
    looks = layout(
        axis(axes[0], range=short([low[0], high[0]], 3)),
        axis(axes[1], range=short([low[1], high[1]], 3)),
        hovermode="closest",
    )
    legend = [(name, class_style(i)[0], class_style(i)[2]) for i, name in enumerate(classes)]
    left = (
        f"Filled: the region of 90 % of train patients{', with the inner half outlined' if inner else ''}. "
        "Dotted: the same for holdout patients. No single patient is drawn: regions rest on cells of at least "
        f"{MINIMUM} patients."
    )
    if hidden:
        left += f" Too few patients to draw: {', '.join(hidden)}."
    right = f"{some(len(rows), synthetic.total)} virtual patients, jittered by 2 %, on the regions of train."
    return Gallery(
        [
            Panel("Real patients", left, real, looks, 430, 3),
            Panel("Virtual patients", right, under + over, looks, 430, 3),
        ],
        text,
        legend,
    )


def _region(found: Density, colour: str, name: str, *, inner: bool = False, holdout: bool = False) -> list[Trace]:
    """Contour traces of a class: train filled, with its inner half outlined on wish; holdout one dotted outline."""
    shared: Trace = {
        "type": "contour",
        "x": short(found.x, 4),
        "y": short(found.y, 4),
        "z": np.round(found.height, 2).tolist(),
        "name": plain(name),
        "legendgroup": name,
        "hoverinfo": "skip",
        "showscale": False,
    }

    def outline(level: float, width: float, dash: str = "solid") -> Trace:
        return {
            "contours": {"start": level, "end": level, "size": 1, "coloring": "none"},
            "line": {"color": colour, "width": width, "dash": dash, "smoothing": 1},
            "autocontour": False,
        }

    if holdout:
        return [shared | outline(0, 1.5, "dot")]
    filled: Trace = {
        # Plotly shades where a constraint does not hold, so this shades the region above the level.
        "contours": {"type": "constraint", "operation": "<", "value": 0},
        "fillcolor": f"fill:{colour}",
        "line": {"color": colour, "width": 1.5},
    }
    return [shared | filled, shared | outline(found.half, 1)] if inner else [shared | filled]


def _corners(found: Density) -> list[Floats]:
    """Lower left and upper right corner of the outer line."""
    inside = found.height >= 0
    x, y = found.x[inside.any(axis=0)], found.y[inside.any(axis=1)]
    return [np.array([x.min(), y.min()]), np.array([x.max(), y.max()])] if len(x) else []


def some(shown: int, total: int) -> str:
    """How many are drawn: "All 50", or "1,500 of 20,000" when thinned."""
    return f"All {total:,}" if shown == total else f"{shown:,} of {total:,}"
