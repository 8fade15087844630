"""Figures of variant types: substitutions, effects on the protein, number per patient.

Real patients appear only as aggregates over at least five of them (see `binning`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.evaluation.core import MINIMUM, large_enough, merge_small_bins, wilson
from cohortsmith.evaluation.plots.lollipops import EFFECT_STYLES, STYLE_OF
from cohortsmith.evaluation.plots.panels import REAL, SYNTHETIC, Gallery, Panel, Trace, axis, layout, plain, short
from cohortsmith.evaluation.spaces import SUBSTITUTIONS, substitution_class

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cohortsmith.data.sequences import Variant
    from cohortsmith.evaluation.spaces import Carriers, Tally

_REAL = "real (train and holdout)"
_OTHER = "other"
MOST_VARIANTS = 8


def spectrum(tally: Tally) -> Gallery:
    """Shares of the classes of substitution and of the kinds of effect, and variants per patient."""
    if len(tally.real) < 2 * MINIMUM or not len(tally.synthetic):
        return Gallery([], f"Fewer than {2 * MINIMUM} real patients: variant types are not drawn.")
    common = tally.polymorphisms()
    shared = set(tally.named())
    real, synthetic = tally.real.without(common), tally.synthetic.without(common)
    every = {**real.of, **synthetic.of}
    changes = {v: k for v in every if (k := substitution_class(v, tally.reference)) is not None}
    effects = {v: STYLE_OF[tally.effects[v].kind] for v in every}
    left_out = ""
    if common:
        names = ", ".join(
            tally.short_title(v) for v in sorted(common, key=lambda v: -tally.real.count(v)) if v in shared
        )
        left_out = f" Germline polymorphisms are left out{f' ({names})' if names else ''}."
    panels = [
        _shares(
            "Substitutions",
            "Share of each change of one base, with the complementary change: the three transitions, with C>T of a CpG "
            "apart, then the transversions." + left_out,
            SUBSTITUTIONS,
            (real, synthetic),
            changes,
        ),
        _shares(
            "Effects on the protein" if tally.reference.cds else "Effects",
            "Share of each effect among the variants." + left_out,
            tuple(name for name, *_ in EFFECT_STYLES),
            (real, synthetic),
            effects,
        ),
        _numbers(tally),
    ]
    note = (
        "Every variant counts once per patient. Whiskers are 95 % intervals (Wilson). A bar rests on no real patient "
        f"or on at least {MINIMUM}; rarer ones are pooled."
    )
    drawn = [panel for panel in panels if panel]
    return Gallery(drawn, note, [(_REAL, REAL, "■"), ("synthetic", SYNTHETIC, "■")])


def _shares(
    title: str,
    text: str,
    names: Sequence[str],
    groups: tuple[Carriers, Carriers],
    kinds: Mapping[Variant, int],
) -> Panel | None:
    """Bars of the share of each kind among the variants of real and synthetic patients; None without variants.

    Args:
        title: heading.
        text: what to look for.
        names: kinds.
        groups: real and synthetic carriers.
        kinds: kind of each variant, a position in `names`; a variant without one is left out.
    """
    shown = large_enough(groups[0].members(kinds, len(names)))
    counts = [np.zeros(len(names)), np.zeros(len(names))]
    for group, count in zip(groups, counts, strict=True):
        for variant, kind in kinds.items():
            count[kind] += group.count(variant)
    totals = [count.sum() for count in counts]
    if not all(totals) or not (shown & (counts[0] > 0)).any():
        return None
    drawn = [i for i in range(len(names)) if shown[i] and (counts[0][i] or counts[1][i])]
    labels = [names[i] for i in drawn] + ([_OTHER] if (~shown).any() else [])
    pooled = [[*count[drawn], *([count[~shown].sum()] if (~shown).any() else [])] for count in counts]
    if (~shown).any():
        text += f" Other: {', '.join(names[i] for i in np.flatnonzero(~shown).tolist())}."
    return Panel(title, text, _pair(labels, np.asarray(pooled), totals), _bar_layout("share of the variants"), 300, 3)


def _numbers(tally: Tally) -> Panel:
    """Histogram of the number of variants per patient, polymorphisms too."""
    number = [np.minimum(group.per_patient(), MOST_VARIANTS) for group in (tally.real, tally.synthetic)]
    counts = np.stack([np.bincount(values, minlength=MOST_VARIANTS + 1) for values in number]).astype(np.float64)
    edges = merge_small_bins(counts[0].astype(np.int64))
    last = int(np.flatnonzero(counts.sum(axis=0)).max()) + 1
    edges = sorted({min(edge, last) for edge in edges})
    pooled = np.stack([count[a:b].sum() for count in counts for a, b in zip(edges, edges[1:], strict=False)])
    labels = [_range(a, b, last) for a, b in zip(edges, edges[1:], strict=False)]
    data = _pair(labels, pooled.reshape(2, -1), [float(len(tally.real)), float(len(tally.synthetic))])
    text = (
        "Differences from the reference, polymorphisms included. Too many: random edits; too few: copies of the most "
        "frequent sequence."
    )
    return Panel("Variants per patient", text, data, _bar_layout("share of the patients"), 240, 6)


def _range(first: int, end: int, last: int) -> str:
    if end == last and (end - first > 1 or end > MOST_VARIANTS):
        return f"{first} or more"
    return str(first) if end - first == 1 else f"{first} to {end - 1}"


def _pair(labels: Sequence[str], counts: NDArray[np.float64], totals: Sequence[float]) -> list[Trace]:
    """Bars of real and of synthetic side by side with their intervals, in per cent of `totals`."""
    data: list[Trace] = []
    for name, short_name, colour, count, total in zip(
        (_REAL, "synthetic"), ("real", "synthetic"), (REAL, SYNTHETIC), counts, totals, strict=True
    ):
        share = 100 * count / total
        bounds = [wilson(hits, total) for hits in count]
        whiskers: dict[str, Any] = {
            "type": "data",
            "symmetric": False,
            "array": short([100 * b.high - s for b, s in zip(bounds, share, strict=True)]),
            "arrayminus": short([s - 100 * b.low for b, s in zip(bounds, share, strict=True)]),
            "color": "theme:ink",
            "thickness": 1,
            "width": 3,
        }
        data.append(
            {
                "type": "bar",
                "x": [plain(label) for label in labels],
                "y": short(share),
                "name": short_name,
                "legendgroup": name,
                "marker": {"color": colour, "line": {"width": 0}},
                "error_y": whiskers,
                "hovertemplate": "%{x}: %{y:.1f} %<extra>%{fullData.name}</extra>",
            }
        )
    return data


def _bar_layout(title: str) -> dict[str, Any]:
    x = axis(showgrid=False, type="category", tickangle=0) | {"tickfont": {"size": 11, "color": "theme:ink"}}
    y = axis(title, ticksuffix=" %", rangemode="tozero", nticks=6)
    return layout(x, y, barmode="group", bargap=0.3, bargroupgap=0.06, hovermode="closest")
