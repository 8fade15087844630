"""Variants along the protein as lollipops: real patients upward, synthetic ones downward.

Real patients appear only as aggregates over at least five of them (see `binning`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.evaluation.core import MINIMUM, merge_small_bins
from cohortsmith.evaluation.plots.panels import (
    INK,
    LINE,
    MUTED,
    REAL,
    SYNTHETIC,
    Panel,
    Trace,
    axis,
    layout,
    line,
    note,
    plain,
    short,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.data.sequences import Variant
    from cohortsmith.evaluation.core import Floats
    from cohortsmith.evaluation.spaces import Carriers, Tally

# Kinds of effect as they are drawn: name in the legend, colour, and the kinds of `data.variants` that fall under it.
EFFECT_STYLES = (
    ("missense", "#009E73", ("missense",)),
    ("nonsense", INK, ("nonsense",)),
    ("frameshift", "#D55E00", ("frameshift",)),
    ("in-frame", "#CC79A7", ("in-frame",)),
    ("start or stop lost", "#E69F00", ("start-lost", "stop-lost")),
    ("silent", "#56B4E9", ("silent",)),
    ("non-coding", MUTED, ("noncoding",)),
)
STYLE_OF = {kind: i for i, (*_, kinds) in enumerate(EFFECT_STYLES) for kind in kinds}

# First and last amino acid of the domains of p53: Joerger & Fersht 2008, DBD and NLS as in UniProt P04637.
DOMAINS: dict[str, tuple[tuple[str, int, int], ...]] = {
    "NM_000546.6": (
        ("TAD", 1, 61),
        ("PRD", 64, 92),
        ("DNA-binding domain", 102, 292),
        ("NLS", 305, 321),
        ("TET", 323, 356),
        ("CTD", 364, 393),
    ),
}
_SPELT = {
    "NM_000546.6": "TAD: transactivation, PRD: proline-rich, NLS: nuclear localisation, TET: tetramerisation, CTD: "
    "C-terminal domain."
}
FEW = f"under {MINIMUM} or none"
HOVER = "%{text}<br>real: %{customdata[0]}<br>synthetic: %{customdata[1]}<extra></extra>"
CODONS = 10  # codons of a bin of rarer variants
FEW_VARIANTS = 80  # distinct variants of synthetic patients up to which each has a stem
MOST_STEMS = 100  # on each side
MOST_LABELS = 14  # on each side
_TRACK = 0.16  # half the height of the protein between the two sides, in powers of ten
_LETTER, _LINE = 6.6, 0.17  # room of a letter in per mille of the width, of a line of text in powers of ten


@dataclass(frozen=True)
class Scale:
    """How shares become heights: logarithmic from `floor`, beginning at the edge of the protein's track."""

    floor: float
    top: float

    def height(self, share: float) -> float:
        """Powers of ten above the middle line."""
        return _TRACK + max(0.0, float(np.log10(max(share, self.floor) / self.floor)))


@dataclass(frozen=True)
class Head:
    """One lollipop: what stands where."""

    variant: Variant
    x: float
    y: float


def lollipops(tally: Tally) -> Panel:
    """Variants along the protein, on a logarithmic scale of the share of patients who carry them.

    A variant that at least `MINIMUM` real patients carry has a stem of its own, and so has one that as large a share of
    the synthetic patients carry; the others are counted in bins of `CODONS` codons, merged until they hold enough.
    """
    coding = tally.reference.cds is not None
    least = MINIMUM / len(tally.real)
    every = len(tally.synthetic.of) <= FEW_VARIANTS
    made = [v for v in tally.synthetic.commonest() if every or tally.synthetic.share(v) >= least]
    own = {"real": tally.named()[:MOST_STEMS], "synthetic": made[:MOST_STEMS]}
    groups = {"real": tally.real, "synthetic": tally.synthetic}
    edges = rare_bins(tally)
    rarer = {who: _density(tally, group, set(own[who]), edges) for who, group in groups.items()}
    shares = [least, *(groups[who].share(v) for who in own for v in own[who])]
    scale = Scale(min([*shares, *rarer["real"][rarer["real"] > 0]]) / 1.6, max(*shares, 4 * least, *rarer["synthetic"]))
    low, high = _ends(tally)
    reach = scale.height(scale.top)

    data: list[Trace] = []
    notes: list[dict[str, Any]] = []
    for who, sign, colour in (("real", 1, REAL), ("synthetic", -1, SYNTHETIC)):
        group = groups[who]
        data += _shade(rarer[who], np.clip(edges, low, high), scale, sign)
        heads = [Head(v, _place(tally, v), sign * scale.height(group.share(v))) for v in own[who]]
        heads.sort(key=lambda head: -abs(head.y))
        data += _stems(tally, heads, who)
        notes += _labels(tally, heads, low, high)
        title = f"<b>{who}</b>, {len(group):,} patients"
        beside: dict[str, Any] = {"xref": "paper", "xanchor": "left", "yanchor": "middle"}
        notes.append(note(0.005, sign * (reach + 0.38), title, colour, **beside))
    shapes, names = _protein(tally, low, high)
    marks = [share for share in (0.0001, 0.001, 0.01, 0.1, 1.0) if scale.floor * 1.3 < share <= scale.top * 1.5]
    ticks: dict[str, Any] = {
        "tickvals": short([sign * scale.height(share) for sign in (1, -1) for share in marks]),
        "ticktext": [f"{100 * share:g} %" for _ in (1, -1) for share in marks],
        "range": short([-reach - 0.52, reach + 0.52]),
    }
    along: dict[str, Any] = {"range": short([low, high], 5)}
    if coding:
        along["tickvals"] = [1, *range(50, int(high) + 1, 50 if high < 800 else 100)]
    looks = layout(
        axis(f"{'codon' if coding else 'position'} of {plain(tally.reference.name)}", **along),
        axis("patients who carry it", **ticks),
        hovermode="closest",
        shapes=shapes,
        annotations=notes + names,
        margin={"l": 48, "r": 12, "t": 4, "b": 40},
    )
    where = f"{CODONS} codons" if coding else f"{3 * CODONS} bases"
    text = (
        "Upward: real patients (train and holdout); downward: virtual ones, on a logarithmic scale: the two halves "
        f"should mirror each other. Stems: variants of at least {MINIMUM} real patients, and "
        f"{'all' if every else 'those of as large a share'} of virtual ones. Shaded: patients with a rarer variant "
        f"in each {where}; bins are joined until they hold {MINIMUM} real patients. "
    ) + (_SPELT.get(tally.reference.name, "") if coding else "")
    title = f"Variants along the {'protein' if coding else 'sequence'}"
    return Panel(title, text.strip(), data, looks, 520, 6, least=820)


def hover_lines(tally: Tally, variant: Variant) -> list[str]:
    """Shares of real and of synthetic patients; fewer than `MINIMUM` real ones are never distinguished from none."""
    real = per_cent(tally.real.share(variant)) if tally.real.count(variant) >= MINIMUM else FEW
    return [real, per_cent(tally.synthetic.share(variant))]


def per_cent(share: float) -> str:
    """Share of patients in per cent, two significant digits."""
    return f"{float(f'{100 * share:.2g}'):g} %"


def _place(tally: Tally, variant: Variant) -> float:
    """Where a variant lies: in codons, counted on beyond both ends of the protein; in bases where there is none."""
    cds = tally.reference.cds
    return float(variant.position if cds is None else 1 + (variant.position - cds[0]) // 3)


def _ends(tally: Tally) -> tuple[float, float]:
    first, last = tally.reference.start, tally.reference.end
    if (cds := tally.reference.cds) is not None:
        first, last = 1 + (first - cds[0]) // 3, 1 + (last - cds[0]) // 3
    pad = 0.012 * (last - first) + 1
    return first - pad, last + pad


def _step(tally: Tally) -> int:
    return CODONS if tally.reference.cds is not None else 3 * CODONS


def rare_bins(tally: Tally) -> list[float]:
    """Borders of the bins of rarer variants, each of no real patient or of at least `MINIMUM`; none when too few."""
    low, high = _ends(tally)
    step = _step(tally)
    edges = np.arange(np.floor(low / step) * step + 0.5, high + step, step)
    named = set(tally.named())
    rare = {v: int(np.searchsorted(edges, _place(tally, v)) - 1) for v in tally.real.of if v not in named}
    members = tally.real.members(rare, len(edges) - 1)
    if members.any(axis=1).sum() < MINIMUM:
        return []
    # A patient with several rare variants counts in the first of their bins only, so that a merged bin holds enough.
    first = np.where(members.any(axis=1), members.argmax(axis=1), -1)
    return [float(edges[i]) for i in merge_small_bins(np.bincount(first[first >= 0], minlength=len(edges) - 1))]


def _density(tally: Tally, group: Carriers, apart: set[Variant], edges: list[float]) -> Floats:
    """Share of patients with a variant that has no stem, in each bin, for the width of one bin before joining."""
    if len(edges) < 2:
        return np.zeros(0)
    rare = [v for v in group.of if v not in apart]
    bins = {v: int(np.clip(np.searchsorted(edges, _place(tally, v)) - 1, 0, len(edges) - 2)) for v in rare}
    shares: Floats = group.members(bins, len(edges) - 1).mean(axis=0) / (np.diff(edges) / _step(tally))
    return shares


def _shade(shares: Floats, edges: Floats, scale: Scale, sign: int) -> list[Trace]:
    """Shaded steps of the rarer variants."""
    if not shares.any():
        return []
    tops = [sign * (scale.height(float(share)) if share > 0 else _TRACK) for share in shares]
    x = np.repeat(edges, 2)
    colour = REAL if sign > 0 else SYNTHETIC
    base = line(short(x[[0, -1]]), [sign * _TRACK] * 2, colour, "rarer", weight=0, hoverinfo="skip")
    y = [sign * _TRACK, *np.repeat(tops, 2), sign * _TRACK]
    steps = line(short(x), short(y), colour, "rarer", weight=0, hoverinfo="skip")
    return [base, steps | {"fill": "tonexty", "fillcolor": f"fill:{colour}"}]


def _stems(tally: Tally, heads: Sequence[Head], who: str) -> list[Trace]:
    """Stems and heads, one pair of traces a kind of effect."""
    data: list[Trace] = []
    for position, (name, colour, _) in enumerate(EFFECT_STYLES):
        mine = [head for head in heads if STYLE_OF[tally.effects[head.variant].kind] == position]
        if not mine:
            continue
        x = [value for head in mine for value in (head.x, head.x, None)]
        y = [value for head in mine for value in (float(np.sign(head.y)) * _TRACK, float(f"{head.y:.4g}"), None)]
        data.append(line(x, y, colour, name, weight=1.2, hoverinfo="skip", legendgroup=name, opacity=0.6))
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [head.x for head in mine],
                "y": short([head.y for head in mine]),
                "text": [plain(tally.title(head.variant)) for head in mine],
                "customdata": [hover_lines(tally, head.variant) for head in mine],
                "name": f"{name}, {who}",
                "legendgroup": name,
                "marker": {"color": colour, "size": 8, "line": {"width": 1, "color": "theme:card"}},
                "hovertemplate": HOVER,
            }
        )
    return data


def _labels(tally: Tally, heads: Sequence[Head], low: float, high: float) -> list[dict[str, Any]]:
    """Names of the highest heads as far as they find room: beyond the head, or beside it."""
    mille = (high - low) / 1000
    stems = [(head.x - 5 * mille, head.x + 5 * mille, *sorted((0.0, head.y * 1.03))) for head in heads]
    taken: list[tuple[float, ...]] = []
    notes: list[dict[str, Any]] = []
    for rank, head in enumerate(heads):
        if len(notes) == MOST_LABELS:
            break
        text = tally.short_title(head.variant)
        text = text if len(text) <= 14 else text[:13] + "…"
        wide, sign = (len(text) + 0.6) * _LETTER * mille, 1 if head.y > 0 else -1
        beyond, beside = head.y + sign * (0.05 + _LINE / 2), head.y
        for anchor, x, left, y in (
            ("center", head.x, head.x - wide / 2, beyond),
            ("left", head.x + 6 * mille, head.x + 6 * mille, beside),
            ("right", head.x - 6 * mille, head.x - 6 * mille - wide, beside),
        ):
            box = (left, left + wide, y - _LINE / 2, y + _LINE / 2)
            others = taken + stems[:rank] + stems[rank + 1 :]
            if (
                low <= left
                and left + wide <= high
                and not any(box[0] < o[1] and o[0] < box[1] and box[2] < o[3] and o[2] < box[3] for o in others)
            ):
                taken.append(box)
                where = {"xanchor": anchor, "yanchor": "middle"}
                notes.append(note(float(f"{x:.5g}"), float(f"{y:.4g}"), plain(text), INK, **where))
                break
    return notes


def _protein(tally: Tally, low: float, high: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The molecule between the two sides, with the domains of the protein where they are known."""
    bar: dict[str, Any] = {"type": "rect", "x0": low, "x1": high, "y0": -0.03, "y1": 0.03}
    shapes = [bar | {"fillcolor": LINE, "line": {"width": 0}}]
    names = []
    for name, first, last in DOMAINS.get(tally.reference.name, ()) if tally.reference.cds else ():
        if last < low or first > high:
            continue
        box = {"type": "rect", "x0": first - 0.5, "x1": last + 0.5, "y0": 0.03 - _TRACK, "y1": _TRACK - 0.03}
        shapes.append(box | {"fillcolor": "theme:soft", "line": {"width": 1, "color": MUTED}})
        names.append(note((first + last) / 2, 0, name, INK, yanchor="middle"))
    return shapes, names
