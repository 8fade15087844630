"""Pictures of numbers: a training run's curves, and families side by side on privacy and utility."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.panels import (
    CHANCE,
    INK,
    MUTED,
    REAL,
    SYNTHETIC,
    Gallery,
    Panel,
    Trace,
    axis,
    class_style,
    layout,
    line,
    note,
    plain,
    short,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evaluation.estimate import Estimate

MOST_STEPS = 400
LOG_2 = float(np.log(2))

_SKIPPED = ("step", "steps", "seconds", "seconds_left", "epoch", "learning_rate")
_TITLES = {
    "loss_discriminator": "Loss of the discriminator",
    "loss_critic": "Loss of the critic",
    "loss_generator": "Loss of the generator",
    "reconstruction": "Reconstruction error",
    "kl": "Kullback-Leibler term",
    "loss": "Loss",
    "validation_loss": "Loss on validation patients",
    "wasserstein": "Wasserstein-1 distance, as the critic estimates it",
    "diversity": "Diversity of generated patients",
}
_NOTES = {
    "reconstruction": "First term of the ELBO: how well patients are rebuilt from their code.",
    "kl": "Second term of the ELBO: how much the codes hold beyond the prior.",
    "wasserstein": "Falls as generated patients come nearer to real ones; levels off when training has converged.",
    "diversity": "Falls when the generator makes ever the same patients (mode collapse).",
    "loss": "Levels off when training has converged.",
    "validation_loss": "On patients kept out of the updates; a rise means that training patients are being memorised.",
}


def training(history: Sequence[Mapping[str, float]]) -> Gallery:
    """Curves of a training run.

    For adversarial families the discriminator's scores with the line at one half and the Jensen-Shannon divergence
    estimated from its loss (Goodfellow et al. 2014, theorem 1), for all families the losses.

    Args:
        history: rows with `step` and any of `d_real`, `d_fake`, `js`, `wasserstein`, `loss_*`, ...
    """
    rows = [row for row in history if "step" in row]
    if len(rows) < 2:
        return Gallery([])
    keys = list(dict.fromkeys(key for row in rows for key in row if key not in _SKIPPED))
    panels = []
    legend = []
    if {"d_real", "d_fake"} <= set(keys):
        panels.append(_scores(rows))
        legend = [("on real patients", REAL, "━"), ("on generated patients", SYNTHETIC, "━")]
        keys = [key for key in keys if key not in ("d_real", "d_fake")]
    if "js" in keys:
        panels.append(_divergence(rows))
        keys.remove("js")
    for key in keys:
        steps, values = _series(rows, key)
        if len(values) < 2:
            continue
        title = _TITLES.get(key, key.replace("_", " ").capitalize())
        panels.append(Panel(title, _NOTES.get(key, ""), _curve(steps, values, SYNTHETIC, title), _plot(), 220, 2))
    head, rest = (2, len(panels) - 2) if panels and panels[0].height > 220 and len(panels) > 1 else (0, len(panels))
    width = 6 if rest == 1 else 3 if rest in (2, 4) else 2
    panels = panels[:head] + [replace(panel, width=width) for panel in panels[head:]]
    return Gallery(panels, "Faint: as logged. Bold: running mean.", legend)


def _scores(rows: Sequence[Mapping[str, float]]) -> Panel:
    data: list[Trace] = []
    every: list[float] = []
    for key, colour, name in (("d_real", REAL, "on real patients"), ("d_fake", SYNTHETIC, "on generated patients")):
        steps, values = _series(rows, key)
        data += _curve(steps, values, colour, name)
        every += values
    looks = _plot()
    text = "Critic's scores; only the gap between them has a meaning."
    if every and min(every) >= 0 and max(every) <= 1:
        half = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0.5, "y1": 0.5}
        looks["shapes"] = [half | {"line": {"color": CHANCE, "width": 1.5, "dash": "dash"}}]
        looks["annotations"] = [note(1, 0.5, "cannot tell: 1/2", xref="paper", xanchor="right", yanchor="bottom")]
        looks["yaxis"] |= {"range": [-0.02, 1.02]}
        text = "Probability of being real that D gives. Both near one half: D cannot tell generated from real."
    return Panel("Discriminator's scores", text, data, looks, 260, 3)


def _divergence(rows: Sequence[Mapping[str, float]]) -> Panel:
    steps, values = _series(rows, "js")
    looks = _plot()
    ends = [(0.0, "0: alike", "bottom")]
    if max(values, default=0.0) > 0.3 * LOG_2:
        ends.append((LOG_2, "log 2: fully apart", "top"))
    looks["annotations"] = [note(1, y, text, xref="paper", xanchor="right", yanchor=side) for y, text, side in ends]
    looks["shapes"] = [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": {"color": MUTED, "width": 1}}
        for y, *_ in ends
    ]
    text = "From D's loss, in nats: a lower bound on the divergence between real and generated patients."
    title = "Jensen-Shannon divergence, estimated"
    return Panel(title, text, _curve(steps, values, SYNTHETIC, "JS"), looks, 260, 3)


def _plot() -> dict[str, Any]:
    return layout(axis("step"), axis(nticks=5), hovermode="x")


def _series(rows: Sequence[Mapping[str, float]], key: str) -> tuple[list[float], list[float]]:
    """Steps and finite values of one key, at most `MOST_STEPS`, each the mean over the rows it stands for."""
    kept = [(float(row["step"]), float(row[key])) for row in rows if key in row and np.isfinite(row[key])]
    if not kept:
        return [], []
    parts = np.array_split(np.asarray(kept), min(len(kept), MOST_STEPS))
    means = [part.mean(axis=0) for part in parts]
    return [float(m[0]) for m in means], [float(m[1]) for m in means]


def _curve(steps: list[float], values: list[float], colour: str, name: str) -> list[Trace]:
    window = max(1, len(values) // 25)
    padded = np.pad(np.asarray(values), (window // 2, (window - 1) // 2), mode="edge")
    smooth = np.convolve(padded, np.ones(window) / window, mode="valid")
    hover = "%{y:.3g}<extra>%{fullData.name}</extra>"
    bold = line(short(steps, 6), short(smooth), colour, name, hovertemplate=hover, legendgroup=name)
    if window == 1:
        return [bold]
    logged: dict[str, Any] = {"weight": 1, "opacity": 0.3, "hoverinfo": "skip", "legendgroup": name}
    return [line(short(steps, 6), short(values), colour, name, **logged), bold]


def frontier(points: Sequence[tuple[str, Estimate, Estimate]], attack: str, utility: str) -> Panel | None:
    """Families on two axes: the worst attack's AUC to the right, train-on-synthetic score upwards.

    Args:
        points: (family, worst attack, utility) in the order of their colours.
        attack: name of the abscissa.
        utility: name of the ordinate.
    """
    data: list[Trace] = []
    for position, (name, leak, use) in enumerate(points):
        if leak.value is None or use.value is None:
            continue
        colour, symbol, _ = class_style(position)
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": short([leak.value]),
                "y": short([use.value]),
                "name": plain(name),
                "legendgroup": name,
                "error_x": _whisker(leak, colour),
                "error_y": _whisker(use, colour),
                "marker": {"color": colour, "symbol": symbol, "size": 13, "line": {"width": 0}},
                "hovertemplate": f"%{{fullData.name}}<br>{attack} %{{x:.3f}}<br>{utility} %{{y:.3f}}<extra></extra>",
            }
        )
    if not data:
        return None
    looks = layout(axis(attack), axis(utility), hovermode="closest")
    shapes = [_rule("x", 0.5)]
    notes = [note(0.5, 0, "guessing", yref="paper", xanchor="left", yanchor="bottom", xshift=4)]
    ceilings = [use.reference for _, _, use in points if use.reference is not None]
    if ceilings:
        shapes.append(_rule("y", float(np.mean(ceilings))))
        label = "trained on real patients"
        notes.append(note(0.55, float(np.mean(ceilings)), label, xref="paper", xanchor="center", yanchor="bottom"))
    looks |= {"shapes": shapes, "annotations": notes}
    text = "Up: more useful. Right: easier to tell who was in the training data. The best corner is the upper left."
    return Panel("Privacy and utility", text, data, looks, 420, 3)


def ladder(points: Sequence[tuple[str, Estimate]], title: str, text: str) -> Panel | None:
    """One row a family: a figure with its interval, beside the line of real data against real data."""
    shown = [(i, name, e) for i, (name, e) in enumerate(points) if e.value is not None]
    if not shown:
        return None
    data: list[Trace] = []
    for row, (position, name, estimate) in enumerate(shown):
        colour, symbol, _ = class_style(position)
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": short([estimate.value or 0.0]),
                "y": [row],
                "name": plain(name),
                "legendgroup": name,
                "error_x": _whisker(estimate, colour),
                "marker": {"color": colour, "symbol": symbol, "size": 11, "line": {"width": 0}},
                "hovertemplate": "%{fullData.name}: %{x:.3f}<extra></extra>",
            }
        )
    ticks: dict[str, Any] = {"tickvals": list(range(len(shown))), "ticktext": [plain(name) for _, name, _ in shown]}
    real = [e.reference for _, _, e in shown if e.reference is not None]
    reach = [x for _, _, e in shown for x in (e.value, e.low, e.high) if x is not None] + real
    pad = 0.06 * (max(reach) - min(reach)) or 0.05
    looks = layout(
        axis(range=short([min(reach) - pad, max(reach) + pad])),
        axis(**ticks, range=[len(shown) - 0.4, -0.6], showgrid=False) | {"tickfont": {"size": 12, "color": INK}},
        hovermode="closest",
    )
    if real:
        looks["shapes"] = [_rule("x", float(np.mean(real)))]
        looks["annotations"] = [
            note(float(np.mean(real)), 1, "real against real", yref="paper", xanchor="left", yanchor="top", xshift=4)
        ]
    return Panel(title, text, data, looks, 420, 3)


def _rule(along: str, at: float) -> dict[str, Any]:
    other = "y" if along == "x" else "x"
    place = {f"{along}0": at, f"{along}1": at, f"{other}0": 0, f"{other}1": 1, f"{other}ref": "paper"}
    return {"type": "line", "line": {"color": CHANCE, "width": 1.5, "dash": "dash"}, "layer": "below"} | place


def _whisker(estimate: Estimate, colour: str) -> dict[str, Any]:
    value = estimate.value or 0.0
    up = 0.0 if estimate.high is None else max(0.0, estimate.high - value)
    down = 0.0 if estimate.low is None else max(0.0, value - estimate.low)
    look = {"color": colour, "thickness": 1.5, "width": 4, "visible": bool(up or down)}
    return {"type": "data", "symmetric": False, "array": short([up]), "arrayminus": short([down])} | look
