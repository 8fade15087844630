"""Pictures of genes: how each is distributed, their means and spreads, and how they go together.

Real patients appear only as aggregates over at least five of them (see `binning`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform
from scipy.stats import wasserstein_distance

from cohortsmith.evaluation.core import MINIMUM, Floats, histogram
from cohortsmith.evaluation.plots.panels import (
    DIVERGING,
    MUTED,
    REAL,
    SYNTHETIC,
    Gallery,
    Panel,
    Trace,
    axis,
    layout,
    line,
    plain,
    short,
)
from cohortsmith.evaluation.plots.pca import MOST_GENES, Side, some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAP_GENES = 60
_REAL = "real (train and holdout)"


def genes(real: Side, synthetic: Side, names: Sequence[str], distance: Floats | None = None) -> Gallery:
    """Distributions of the genes reproduced worst and of middling ones, real against synthetic.

    Genes are ranked by `distance` (genes,), the scorecard's Wasserstein distances in standard deviations; measured here
    on at most `MOST_GENES` genes when not given. Real is train and holdout together.
    """
    spread = real.z.std(axis=0)
    live = np.flatnonzero(spread > 0)
    if not len(live) or not len(synthetic.z):
        return Gallery([], "No gene varies between patients.")
    if distance is None:
        live = live[np.linspace(0, len(live) - 1, min(len(live), MOST_GENES)).astype(np.int64)]
        distance = np.zeros(len(spread))
        distance[live] = [wasserstein_distance(real.z[:, g], synthetic.z[:, g]) / spread[g] for g in live]
    order = live[np.argsort(-distance[live], kind="stable")]
    middle = len(order) // 2
    chosen = [(i, "worst") for i in order[:3]] + [(i, "median") for i in order[max(3, middle - 1) : middle + 2]]
    panels = []
    for gene, kind in chosen:
        bars = histogram(real.z[:, gene], synthetic.z[:, gene], real.subjects)
        if bars is None:
            continue
        stairs = short(np.repeat(bars.edges, 2), 5)
        shaded = {"fill": "tozeroy", "fillcolor": f"fill:{REAL}", "line": {"color": REAL, "width": 1}}
        hover = "%{y:.2f} at %{x:.2f}<extra>%{fullData.name}</extra>"
        data = [
            line(stairs, _steps(bars.real), REAL, "real", legendgroup=_REAL) | shaded,
            line(stairs, _steps(bars.synthetic), SYNTHETIC, "synthetic", legendgroup="synthetic"),
        ]
        looks = layout(
            axis("log2 expression"), axis(rangemode="tozero", nticks=4), margin={"l": 40, "r": 8, "t": 6, "b": 40}
        )
        caption = f"{kind} of {len(live):,} genes: {distance[gene]:.2f} sd off"
        panels.append(Panel(names[gene], caption, [t | {"hovertemplate": hover} for t in data], looks, 200, 2))
    return Gallery(
        panels,
        "Share of patients per unit of expression. Upper row: the genes reproduced worst; lower row: genes of median "
        f"quality. Bins with fewer than {MINIMUM} real patients are merged with their neighbours; the outermost bins "
        "include all values beyond.",
        [(_REAL, REAL, "■"), ("synthetic", SYNTHETIC, "━")],
    )


def _steps(heights: Floats) -> list[float | None]:
    """Heights of a staircase that starts and ends at 0, two points a border."""
    return short(np.concatenate([[0.0], np.repeat(heights, 2), [0.0]]))


def moments(real: Side, synthetic: Side, names: Sequence[str]) -> Gallery:
    """Mean against mean and standard deviation against standard deviation, one dot a gene."""
    if min(len(real.z), len(synthetic.z)) < MINIMUM:
        return Gallery([], "Too few patients.")
    total = real.z.shape[1]
    kept = np.linspace(0, total - 1, min(total, MOST_GENES)).astype(np.int64)
    panels = []
    for title, first, second in (
        ("Mean of each gene", real.z.mean(axis=0)[kept], synthetic.z.mean(axis=0)[kept]),
        ("Standard deviation of each gene", real.z.std(axis=0)[kept], synthetic.z.std(axis=0)[kept]),
    ):
        low, high = float(min(first.min(), second.min())), float(max(first.max(), second.max()))
        pad = 0.04 * (high - low) or 0.5
        ends = short([low - pad, high + pad])
        dots: Trace = {
            "type": "scatter",
            "mode": "markers",
            "x": short(first),
            "y": short(second),
            "text": [plain(names[g]) for g in kept],
            "marker": {"color": SYNTHETIC, "size": 6, "opacity": 0.6, "line": {"width": 0}},
            "hovertemplate": "%{text}: real %{x:.2f}, synthetic %{y:.2f}<extra></extra>",
        }
        looks = layout(axis("real", range=ends), axis("synthetic", range=ends), hovermode="closest")
        panels.append(
            Panel(
                title,
                f"{some(len(kept), total)} genes; on the line, synthetic equals real.",
                [line(ends, ends, MUTED, "equal", weight=1, hoverinfo="skip"), dots],
                looks,
                320,
                3,
            )
        )
    return Gallery(panels)


def correlations(train: Side, holdout: Side, synthetic: Side, names: Sequence[str]) -> Gallery:
    """Gene-gene correlation in holdout and synthetic, and their difference, in an order clustered on train."""
    if min(len(holdout.z), len(synthetic.z), len(train.z)) < 2 * MINIMUM:
        return Gallery([], f"Fewer than {2 * MINIMUM} patients in a cohort: correlations are not drawn.")
    live = np.flatnonzero(np.minimum(train.z.std(axis=0), holdout.z.std(axis=0)) > 0)
    chosen = clustered(train.z, live)
    if len(chosen) < 3:
        return Gallery([], "Fewer than three genes vary: correlations are not drawn.")
    there, made = _correlation(holdout.z[:, chosen]), _correlation(synthetic.z[:, chosen])
    labels = [plain(names[g]) for g in chosen]
    off = ~np.eye(len(chosen), dtype=bool)
    most = "" if len(chosen) == train.z.shape[1] else ", the most variable in train"
    gap = np.sqrt(np.mean((made - there)[off] ** 2))
    panels = [
        Panel(title, caption, [_map(values, labels)], _map_layout(), 330, 2)
        for title, caption, values in (
            ("Holdout", "real patients that the generator never saw", there),
            ("Synthetic", "the same genes in the same order", made),
            ("Synthetic minus holdout", f"{gap:.2f} root-mean-square difference", made - there),
        )
    ]
    return Gallery(
        panels,
        f"Pearson correlation. {some(len(chosen), train.z.shape[1])} genes{most}, in an order clustered on train.",
        ramp=True,
    )


def clustered(z: Floats, live: NDArray[np.int64], most: int = MAP_GENES) -> NDArray[np.int64]:
    """The most variable of the genes `live` in z (n, genes), at most `most`; those that go together stand together."""
    chosen: NDArray[np.int64] = live[np.argsort(-z[:, live].std(axis=0), kind="stable")[:most]]
    if len(chosen) < 3:
        return chosen
    apart = np.clip(1 - _correlation(z[:, chosen]), 0, None)
    np.fill_diagonal(apart, 0)
    order = leaves_list(linkage(squareform(apart, checks=False), "average", optimal_ordering=True))
    found: NDArray[np.int64] = chosen[order]
    return found


def _correlation(z: Floats) -> Floats:
    """Pearson correlation between columns, 0 for a column that does not vary."""
    spread = z.std(axis=0)
    scaled = (z - z.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    result: Floats = scaled.T @ scaled / len(z)
    np.fill_diagonal(result, 1.0)
    return result


def _map(values: Floats, labels: list[str]) -> Trace:
    places = list(range(len(labels)))
    pairs = [[f"{a} and {b}" for b in labels] for a in labels] if len(labels) <= 30 else None
    hover = "%{text}: %{z:.2f}<extra></extra>" if pairs else "%{z:.2f}<extra></extra>"
    return {
        "type": "heatmap",
        "x": places,
        "y": places,
        "z": np.round(values, 2).tolist(),
        "text": pairs,
        "zmin": -1,
        "zmax": 1,
        "colorscale": DIVERGING,
        "showscale": False,
        "hovertemplate": hover,
    }


def _map_layout() -> dict[str, Any]:
    bare: dict[str, Any] = {"showticklabels": False, "showgrid": False, "ticks": "", "automargin": False}
    return layout(
        axis(**bare, constrain="domain"),
        axis(**bare, autorange="reversed", scaleanchor="x", constrain="domain"),
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
    )
