"""Pictures of variants: where along the protein they lie, and how frequent they are.

Real patients appear only as aggregates over at least five of them (see `binning`); synthetic ones may stand singly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.evaluation.core import MINIMUM
from cohortsmith.evaluation.plots.lollipops import EFFECT_STYLES, HOVER, STYLE_OF, hover_lines, lollipops, per_cent
from cohortsmith.evaluation.plots.panels import MUTED, REAL, Gallery, Panel, Trace, axis, layout, line, plain, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.data.sequences import Variant
    from cohortsmith.evaluation.spaces import Tally


MOST_FRESH = 150  # dots of variants that few real patients carry or none


def variants(tally: Tally) -> Gallery:
    """Lollipops along the protein, and frequencies: holdout against train, synthetic against real."""
    if len(tally.real) < MINIMUM or not len(tally.synthetic):
        return Gallery([], f"Fewer than {MINIMUM} real patients: variants are not drawn.")
    panels = [lollipops(tally), _between_real(tally), _synthetic(tally)]
    drawn = {trace.get("legendgroup") for panel in panels for trace in panel.data}
    return Gallery(
        panels,
        "A variant is a difference from the reference, called from the sequence; its frequency is the share of "
        f"patients who carry it. No variant of fewer than {MINIMUM} real patients is named.",
        [(name, colour, "●") for name, colour, _ in EFFECT_STYLES if name in drawn],
    )


def _between_real(tally: Tally) -> Panel:
    """Frequency in holdout against frequency in train: what two samples of real patients give."""
    train, holdout = tally.train, tally.holdout
    both = [v for v in tally.named(train) if holdout.count(v) >= MINIMUM]
    shares = [(train.share(v), holdout.share(v)) for v in both]
    dots = [(v, x, y, [per_cent(x), per_cent(y)]) for v, (x, y) in zip(both, shares, strict=True)]
    hover = HOVER.replace("real:", "train:").replace("synthetic:", "holdout:")
    sizes = (max(1, len(train)), max(1, len(holdout)))
    least = min(MINIMUM / sizes[0], MINIMUM / sizes[1], 1.0)
    looks = layout(_log_axis("frequency in train", least), _log_axis("in holdout", least), hovermode="closest")
    text = (
        f"Real data for comparison: {_variants(len(both))} that at least {MINIMUM} patients of each carry. Shaded: "
        "where 95 % would lie if both were drawn from one population."
    )
    return Panel("Holdout against train", text, _sampling(sizes, least) + _dots(tally, dots, hover), looks, 400, 3)


def _synthetic(tally: Tally) -> Panel:
    """Frequency in virtual patients against that in real ones; at the edges what one side lacks, or nearly."""
    real, made = tally.real, tally.synthetic
    sizes = (len(real), len(made))
    least = (MINIMUM / sizes[0], 1 / sizes[1])
    bands = (least[0] / 2.4, least[1] / 2.4)
    fresh = [v for v in made.of if real.count(v) < MINIMUM]
    order = np.random.default_rng(0).permutation(len(fresh))[:MOST_FRESH]
    shown = sorted({*tally.named(), *(fresh[i] for i in order)})
    jitter = 10 ** np.random.default_rng(0).uniform(-0.1, 0.1, (len(shown), 2))
    dots = []
    for v, (sideways, upward) in zip(shown, jitter, strict=True):
        x = real.share(v) if real.count(v) >= MINIMUM else bands[0] * sideways
        y = made.share(v) if made.count(v) else bands[1] * upward
        dots.append((v, float(x), float(y), hover_lines(tally, v)))
    looks = layout(
        _log_axis("frequency in real patients", least[0], bands[0], f"&lt; {MINIMUM}"),
        _log_axis("in virtual patients", least[1], bands[1], "none"),
        hovermode="closest",
        shapes=[_edge("x", least[0] / 1.5), _edge("y", least[1] / 1.5)],
    )
    thinned = f", {len(order)} of them drawn," if len(order) < len(fresh) else ""
    text = (
        f"At the left edge: {_variants(len(fresh))}{thinned} that fewer than {MINIMUM} real patients carry, or none. "
        "At the lower edge: variants of real patients that were never generated."
    )
    return Panel(
        "Synthetic against real", text, _sampling(sizes, min(least)) + _dots(tally, dots, HOVER), looks, 400, 3
    )


def _variants(number: int) -> str:
    return f"{number:,} variant{'' if number == 1 else 's'}"


def _dots(tally: Tally, dots: Sequence[tuple[Variant, float, float, list[str]]], hover: str) -> list[Trace]:
    """Markers coloured by effect; each dot is (variant, x, y, the two shares that the pointer tells)."""
    data: list[Trace] = []
    for position, (name, colour, _) in enumerate(EFFECT_STYLES):
        mine = [dot for dot in dots if STYLE_OF[tally.effects[dot[0]].kind] == position]
        if mine:
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": short([x for _, x, _, _ in mine], 3),
                    "y": short([y for _, _, y, _ in mine], 3),
                    "text": [plain(tally.title(v)) for v, *_ in mine],
                    "customdata": [words for *_, words in mine],
                    "name": name,
                    "legendgroup": name,
                    "marker": {"color": colour, "size": 7, "opacity": 0.65, "line": {"width": 0}},
                    "hovertemplate": hover,
                }
            )
    return data


def _sampling(sizes: tuple[int, int], least: float) -> list[Trace]:
    """The line of equal frequencies, and where 95 % of frequencies lie in two samples of one population."""
    share = np.geomspace(least, 1, 50)
    spread = 1.96 * np.sqrt(share * (1 - share) * (1 / sizes[0] + 1 / sizes[1]))
    edge: dict[str, Any] = {"weight": 0, "hoverinfo": "skip"}
    x = short(share, 3)
    low = line(x, short(np.maximum(share - spread, least / 100), 3), MUTED, "low", **edge)
    high = line(x, short(np.minimum(share + spread, 1), 3), MUTED, "high", **edge)
    fill = {"fill": "tonexty", "fillcolor": f"fill:{REAL}"}
    return [low, high | fill, line(x, x, MUTED, "equal", weight=1, hoverinfo="skip")]


def _log_axis(title: str, least: float, band: float | None = None, word: str = "") -> dict[str, Any]:
    """Logarithmic axis of frequencies; `band` is where what lies below `least` is drawn, under the tick `word`."""
    ticks = [t for t in (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0) if t > 0.98 * least]
    begin = least / 1.4 if band is None else band / 1.6
    words = [f"{100 * t:g} %" for t in ticks]
    if band is not None:
        ticks, words = [*[float(f"{band:.3g}")], *ticks], [word, *words]
    ends = short([np.log10(begin), 0.08])
    return axis(title, type="log", range=ends, tickvals=ticks, ticktext=words)


def _edge(along: str, at: float) -> dict[str, Any]:
    other = "y" if along == "x" else "x"
    place = {f"{along}0": at, f"{along}1": at, f"{other}0": 0, f"{other}1": 1, f"{other}ref": "paper"}
    return {"type": "line", "line": {"color": MUTED, "width": 1, "dash": "dot"}, "layer": "below"} | place
