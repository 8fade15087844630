"""Pictures of training runs: losses, a discriminator's scores, several runs beside each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.evaluation.plots.panels import (
    CHANCE,
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

MOST_STEPS = 200
MOST_SMOOTH = 100  # points of a running mean
MOST_BESIDE = 150  # steps of a curve where several panels stand beside each other
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
    "wasserstein": "Wasserstein-1 distance, estimated by the critic",
    "diversity": "Diversity of generated patients",
}
_NOTES = {
    "reconstruction": "First term of the ELBO: how well patients are reconstructed from their code.",
    "kl": "Second term of the ELBO: how far the codes are from the prior.",
    "wasserstein": "Falls as generated patients approach real ones; levels off when training has converged.",
    "diversity": "Falls when the generator repeats the same patients (mode collapse).",
    "loss": "Levels off when training has converged.",
    "validation_loss": "On validation patients; a rise means that training patients are being memorised.",
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
        text, looks = _NOTES.get(key, ""), _plot()
        if key == "validation_loss":
            text, looks = _best(rows, looks)
        panels.append(Panel(title, text, _curve(steps, values, SYNTHETIC, title), looks, 220, 2))
    head, rest = (2, len(panels) - 2) if panels and panels[0].height > 220 and len(panels) > 1 else (0, len(panels))
    width = 6 if rest == 1 else 3 if rest in (2, 4) else 2
    panels = panels[:head] + [replace(panel, width=width) for panel in panels[head:]]
    return Gallery(panels, "Faint: as logged. Bold: running mean.", legend)


def _best(rows: Sequence[Mapping[str, float]], looks: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The note on the validation loss, and the drawing with a line at its best step, whose weights are used."""
    told = [(row["validation_loss"], row["step"]) for row in rows if "validation_loss" in row]
    step = min(told)[1]
    mark = {"type": "line", "xref": "x", "yref": "paper", "x0": step, "x1": step, "y0": 0, "y1": 1}
    looks["shapes"] = [mark | {"line": {"color": CHANCE, "width": 1.5, "dash": "dash"}}]
    looks["annotations"] = [note(step, 1, f"best: step {step:g}", yref="paper", xanchor="left", yanchor="top")]
    if step:
        return f"{_NOTES['validation_loss']} Lowest at step {step:g}, whose weights are used.", looks
    return (
        "On validation patients; lowest before the first step: the network adds nothing to what it starts from.",
        looks,
    )


def _scores(rows: Sequence[Mapping[str, float]], most: int = MOST_STEPS) -> Panel:
    data: list[Trace] = []
    every: list[float] = []
    for key, colour, name in (("d_real", REAL, "on real patients"), ("d_fake", SYNTHETIC, "on generated patients")):
        steps, values = _series(rows, key, most)
        data += _curve(steps, values, colour, name)
        every += values
    looks = _plot()
    text = "Critic's scores; only the gap between them is meaningful."
    if every and min(every) >= 0 and max(every) <= 1:
        half = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0.5, "y1": 0.5}
        looks["shapes"] = [half | {"line": {"color": CHANCE, "width": 1.5, "dash": "dash"}}]
        looks["annotations"] = [note(1, 0.5, "indistinguishable: 1/2", xref="paper", xanchor="right", yanchor="bottom")]
        looks["yaxis"] |= {"range": [-0.02, 1.02]}
        text = "Probability of being real according to D. Both near one half: D cannot tell generated from real."
    return Panel("Discriminator's scores", text, data, looks, 260, 3)


def duel(histories: Mapping[str, Sequence[Mapping[str, float]]]) -> Gallery:
    """A discriminator's scores against several opponents, one panel each, on the same axes with the line at 1/2.

    Args:
        histories: rows with `step`, `d_real`, `d_fake` of each opponent, such as a GAN, copies, random edits; those
            without scores are left out.
    """
    panels = []
    for name, history in histories.items():
        rows = [row for row in history if "step" in row]
        if any("d_real" in row for row in rows) and any("d_fake" in row for row in rows):
            ends = [np.mean(_series(rows, key, MOST_BESIDE)[1][-5:]) for key in ("d_real", "d_fake")]
            text = f"At the end {ends[0]:.2f} on real patients, {ends[1]:.2f} on generated ones."
            panels.append(replace(_scores(rows, MOST_BESIDE), title=name, note=text))
    heights = [value for panel in panels for trace in panel.data for value in trace["y"] if value is not None]
    if not heights:
        return Gallery([])
    probable = min(heights) >= 0 and max(heights) <= 1
    for panel in panels if probable else ():
        panel.layout["annotations"] = []  # it would lie on curves that end at the line
        panel.layout["yaxis"] |= {"tickvals": [0, 0.5, 1], "ticktext": ["0", "1/2", "1"]}
    wide = {1: 6, 2: 3, 4: 3}.get(len(panels), 2)
    return Gallery(
        [replace(panel, width=wide, height=280) for panel in panels],
        "Scores of a discriminator for real and for generated patients during training. "
        + (
            "Both reach 1/2 when the generator is perfect. But copies of the training patients take both to 1/2 as "
            "well, so the curves alone do not show that a generator has learned the distribution; holdout patients "
            "and attacks do."
            if probable
            else "Only the gap between the two is meaningful."
        ),
        [("on real patients", REAL, "━"), ("on generated patients", SYNTHETIC, "━")],
    )


def accuracy(histories: Mapping[str, Sequence[Mapping[str, float]]]) -> Gallery:
    """Accuracy of several classifiers during training, on training patients and on holdout patients.

    Args:
        histories: rows with `step`, `accuracy_train`, `accuracy_holdout` (0 to 1) of each, such as a
            discriminator of classes with and without a non-linear activation.
    """
    panels = []
    for key, title, text in (
        (
            "accuracy_train",
            "Training patients",
            "Patients used in the updates: can be memorised.",
        ),
        ("accuracy_holdout", "Holdout patients", "Patients not used in any update: measures generalisation."),
    ):
        data: list[Trace] = []
        for position, (name, history) in enumerate(histories.items()):
            steps, values = _series([row for row in history if "step" in row], key, MOST_BESIDE)
            if values:
                data += _curve(steps, values, class_style(position)[0], plain(name), group=name)
        if data:
            looks = _plot()
            looks["xaxis"] = axis("iteration")
            looks["yaxis"] = axis("accuracy", range=[-0.02, 1.02], nticks=6)
            panels.append(Panel(title, text, data, looks, 280, 3))
    if len(panels) == 1:
        panels = [replace(panels[0], width=6)]
    legend = [(name, class_style(i)[0], "━") for i, name in enumerate(histories)]
    return Gallery(panels, "Share of patients classified correctly. Faint: as logged. Bold: running mean.", legend)


def _divergence(rows: Sequence[Mapping[str, float]]) -> Panel:
    steps, values = _series(rows, "js")
    looks = _plot()
    ends = [(0.0, "0: identical", "bottom")]
    if max(values, default=0.0) > 0.3 * LOG_2:
        ends.append((LOG_2, "log 2: disjoint", "top"))
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


def _series(rows: Sequence[Mapping[str, float]], key: str, most: int = MOST_STEPS) -> tuple[list[float], list[float]]:
    """Steps and finite values of one key, at most `most`, each the mean over the rows it stands for."""
    kept = [(float(row["step"]), float(row[key])) for row in rows if key in row and np.isfinite(row[key])]
    if not kept:
        return [], []
    parts = np.array_split(np.asarray(kept), min(len(kept), most))
    means = [part.mean(axis=0) for part in parts]
    return [float(m[0]) for m in means], [float(m[1]) for m in means]


def _curve(steps: list[float], values: list[float], colour: str, name: str, group: str | None = None) -> list[Trace]:
    """Bold running mean over the faint values as logged; `group` is the entry of the legend, `name` if not given."""
    group = name if group is None else group
    window = max(1, len(values) // 25)
    padded = np.pad(np.asarray(values), (window // 2, (window - 1) // 2), mode="edge")
    smooth = np.convolve(padded, np.ones(window) / window, mode="valid")
    hover = "%{y:.3g}<extra>%{fullData.name}</extra>"
    kept = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MOST_SMOOTH)).astype(np.int64))
    smooth_steps = short(np.asarray(steps)[kept], 6)
    bold = line(smooth_steps, short(smooth[kept]), colour, name, hovertemplate=hover, legendgroup=group)
    if window == 1:
        return [bold]
    logged: dict[str, Any] = {"weight": 1, "opacity": 0.3, "hoverinfo": "skip", "legendgroup": group}
    return [line(short(steps, 6), short(values), colour, name, **logged), bold]
