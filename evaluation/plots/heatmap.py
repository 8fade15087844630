"""Pictures of chosen genes: a heatmap of small groups of patients in clustered genes, and one gene by class.

Real patients appear only as means over at least five of them and as bins of at least five (see `binning`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.evaluation.core import MINIMUM, histogram
from cohortsmith.evaluation.plots.genes import clustered
from cohortsmith.evaluation.plots.panels import (
    DIVERGING,
    INK,
    REAL,
    SYNTHETIC,
    Gallery,
    Panel,
    Trace,
    axis,
    layout,
    plain,
    short,
)
from cohortsmith.evaluation.plots.pca import some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Floats
    from cohortsmith.evaluation.plots.pca import Side

_ROWS = 72  # rows of a heatmap, over all classes
_END = 2.0  # standard deviations at which a colour is full
_HALF = 0.42  # width of half a violin; classes stand 1 apart


def heatmap(real: Side, synthetic: Side, names: Sequence[str], classes: Sequence[str]) -> Gallery:
    """Genes in columns, those that go together in real patients side by side; rows are means of groups of patients.

    A group is at least five patients of one class who follow each other along the class's first principal component:
    so the variety within a class is seen and no patient is.
    """
    live = np.flatnonzero(real.z.std(axis=0) > 0)
    chosen = clustered(real.z, live)
    if len(chosen) < 3 or len(np.unique(real.subjects)) < 2 * MINIMUM:
        return Gallery([], "Too few patients or genes for a heatmap.")
    centre, spread = real.z[:, chosen].mean(axis=0), real.z[:, chosen].std(axis=0)
    each = max(2, _ROWS // max(1, len(classes)))
    panels = []
    for title, side in (("Real patients, train and holdout", real), ("Virtual patients", synthetic)):
        z = (side.z[:, chosen] - centre) / spread
        blocks = [(name, _groups(z[side.y == c], side.subjects[side.y == c], each)) for c, name in enumerate(classes)]
        drawn = [(name, rows) for name, rows in blocks if len(rows)]
        if drawn:
            panels.append(_map(title, drawn, [plain(names[g]) for g in chosen]))
    return Gallery(
        panels,
        f"{some(len(chosen), real.z.shape[1])} genes, the most variable ones, in an order clustered on real patients. "
        f"Each row is the mean of at least {MINIMUM} similar patients of a class, in standard deviations from the "
        f"mean of all real patients; full colour from {_END:g} on. Orange: lower, blue: higher.",
    )


def _groups(z: Floats, subjects: NDArray[np.str_], most: int) -> Floats:
    """Means (groups, genes) of at most `most` groups of at least five patients, along the first component."""
    people, own = np.unique(subjects, return_inverse=True)
    if len(people) < MINIMUM:
        return z[:0]
    sums = np.zeros((len(people), z.shape[1]))
    np.add.at(sums, own, z)
    means = sums / np.bincount(own)[:, None]
    centred = means - means.mean(axis=0)
    along = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    parts = np.array_split(np.argsort(along, kind="stable"), max(1, min(most, len(people) // MINIMUM)))
    return np.stack([means[part].mean(axis=0) for part in parts])


def _map(title: str, blocks: Sequence[tuple[str, Floats]], genes: list[str]) -> Panel:
    rows = np.concatenate([part for _, part in blocks])
    ends = np.cumsum([len(part) for _, part in blocks])
    middles = [end - (len(part) + 1) / 2 for end, (_, part) in zip(ends, blocks, strict=True)]
    heat: Trace = {
        "type": "heatmap",
        "x": list(range(len(genes))),
        "y": list(range(len(rows))),
        "z": np.round(rows, 2).tolist(),
        "zmin": -_END,
        "zmax": _END,
        "colorscale": DIVERGING,
        "showscale": False,
        "text": [[f"{gene}, {plain(name)}" for gene in genes] for name, part in blocks for _ in part],
        "hovertemplate": "%{text}: %{z:.2f} sd<extra></extra>",
    }
    bare: dict[str, Any] = {"showgrid": False, "ticks": ""}
    looks = layout(
        axis(tickvals=heat["x"], ticktext=genes, tickangle=-90, **bare) | {"tickfont": {"size": 9, "color": INK}},
        axis(tickvals=middles, ticktext=[plain(name) for name, _ in blocks], autorange="reversed", **bare),
        shapes=[_rule(float(end) - 0.5) for end in ends[:-1]],
        margin={"l": 48, "r": 8, "t": 4, "b": 60},
    )
    return Panel(title, "", [heat], looks, 110 + max(150, 5 * len(rows)), 6)


def _rule(at: float) -> dict[str, Any]:
    place = {"x0": 0, "x1": 1, "xref": "paper", "y0": at, "y1": at}
    return {"type": "line", "line": {"color": INK, "width": 1}} | place


def by_class(real: Side, synthetic: Side, gene: int, name: str, classes: Sequence[str]) -> Panel:
    """Half violins of one gene: real patients of a class to the left, synthetic ones to the right; strokes are means.

    Outlines are steps over bins that hold at least five real patients each; a class of fewer has no real half.
    """
    data: list[Trace] = []
    hidden = []
    there = [c for c in range(len(classes)) if (real.y == c).any() or (synthetic.y == c).any()]
    for at, c in enumerate(there):
        label, mine, made = classes[c], real.y == c, synthetic.y == c
        ours, theirs, people = real.z[mine, gene], synthetic.z[made, gene], real.subjects[mine]
        bars = histogram(ours, theirs, people, bins=16) if len(ours) and len(theirs) else None
        if bars is None:
            hidden.append(label)
            continue
        widest = max(float(bars.real.max()), float(bars.synthetic.max())) or 1.0
        halves = (("real", -1, REAL, bars.real, ours), ("synthetic", 1, SYNTHETIC, bars.synthetic, theirs))
        for who, sign, colour, heights, values in halves:
            data.append(_half(at, sign, bars.edges, heights / widest, colour, who, plain(label)))
            mean = float(np.clip(values, bars.edges[0], bars.edges[-1]).mean())
            data.append(_stroke(at, sign, mean, colour, who))
    ticks: dict[str, Any] = {"tickvals": list(range(len(there))), "ticktext": [plain(classes[c]) for c in there]}
    looks = layout(
        axis(**ticks, range=[-0.6, len(there) - 0.4], showgrid=False),
        axis("log2 expression"),
        hovermode="closest",
        margin={"l": 52, "r": 12, "t": 8, "b": 48},
    )
    text = f"Left halves: real patients, in bins of at least {MINIMUM}; right halves: virtual ones. Lines: means."
    if hidden:
        text += f" Too few patients to draw: {', '.join(hidden)}."
    return Panel(name, text, data, looks, 380, 6, 60 * len(there) if len(there) > 14 else 0)


def _half(at: int, sign: int, edges: Floats, heights: Floats, colour: str, who: str, label: str) -> Trace:
    sides = np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])
    return {
        "type": "scatter",
        "mode": "lines",
        "fill": "toself",
        "fillcolor": f"fill:{colour}",
        "line": {"color": colour, "width": 1},
        "x": short(at + sign * _HALF * sides, 5),
        "y": short(np.repeat(edges, 2), 5),
        "name": f"{label}, {who}",
        "legendgroup": who,
        "hoverinfo": "name",
    }


def _stroke(at: int, sign: int, mean: float, colour: str, who: str) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": short([at, at + sign * _HALF]),
        "y": short([mean, mean]),
        "line": {"color": colour, "width": 3},
        "name": f"mean, {who}",
        "legendgroup": who,
        "hovertemplate": "mean of " + who + ": %{y:.2f}<extra></extra>",
    }
