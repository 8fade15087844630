"""Figures of an audit: AUC of every attack, ROC curves at low false-positive rates, and the three risks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.evaluation.plots.panels import (
    CHANCE,
    MUTED,
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
from cohortsmith.evaluation.privacy import title_of_attack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cohortsmith.evaluation.privacy import Attack, Policy, Risk


def membership_pictures(attacks: Sequence[Attack], policy: Policy) -> Gallery:
    """AUC of every attack with its interval, and ROC curves of all patients, both axes logarithmic."""
    groups = list(dict.fromkeys(attack.group for attack in attacks))
    legend = [(group, class_style(i)[0], class_style(i)[2]) for i, group in enumerate(groups)]
    return Gallery([_ladder(attacks, groups, policy), _curves(attacks, groups)] if attacks else [], "", legend)


def risk_picture(risks: Mapping[str, Risk], policy: Policy) -> Panel | None:
    """The three risks with their intervals, beside the limit."""
    shown = [risk for risk in risks.values() if np.isfinite(risk.value)]
    if not shown:
        return None
    names = [risk.name.replace("_", " ") for risk in shown]
    rows = list(range(len(shown)))[::-1]
    data: list[Trace] = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": short([risk.value]),
            "y": [row],
            "name": plain(name),
            "error_x": _whisker(risk.value, risk.low, risk.high, "theme:synthetic"),
            "marker": {"color": "theme:synthetic", "size": 11},
            "hovertemplate": "%{fullData.name}: %{x:.3f}<extra></extra>",
        }
        for row, risk, name in zip(rows, shown, names, strict=True)
    ]
    limit = policy[shown[0].name].limit
    top = max(2 * limit, *(risk.high for risk in shown)) * 1.08
    least = min(0.0, *(risk.low for risk in shown)) - 0.02 * top
    looks = layout(
        axis("risk: (attack − control) / (1 − control)", range=[least, top]),
        axis(tickvals=rows, ticktext=names, range=[-0.6, len(shown) - 0.4], showgrid=False),
    )
    looks |= {
        "shapes": [_rule("x", 0.0, MUTED, "dot"), _rule("x", limit, CHANCE, "dash")],
        "annotations": [
            note(limit, 1, f"limit {limit:g}", CHANCE, yref="paper", xanchor="left", yanchor="top", xshift=4)
        ],
    }
    text = "With 95 % intervals. The upper end of each must lie left of the dashed line."
    return Panel("Excess risk over control", text, data, looks, 240, 6)


def _ladder(attacks: Sequence[Attack], groups: Sequence[str], policy: Policy) -> Panel:
    spaces = list(dict.fromkeys((attack.name, attack.space) for attack in attacks))
    several = len({space for _, space in spaces}) > 1
    data: list[Trace] = []
    step = 0.8 / max(1, len(groups))
    for row, (name, space) in enumerate(reversed(spaces)):
        for attack in (a for a in attacks if (a.name, a.space) == (name, space)):
            at = groups.index(attack.group)
            colour, symbol, _ = class_style(at)
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": short([attack.auc.value]),
                    "y": [round(row + 0.4 - step * (at + 0.5), 3)],
                    "name": plain(f"{title_of_attack(name)}, {attack.group}"),
                    "legendgroup": attack.group,
                    "error_x": _whisker(*attack.auc, colour),
                    "marker": {"color": colour, "symbol": symbol, "size": 8},
                    "hovertemplate": "%{fullData.name}: %{x:.3f}<extra></extra>",
                }
            )
    names = [title_of_attack(name) + (f"<br>{space}" if several and space else "") for name, space in spaces][::-1]
    criterion = policy["worst_attack_auc"]
    looks = layout(
        axis("AUC"),
        axis(tickvals=list(range(len(names))), ticktext=names, range=[-0.5, len(names) - 0.5], showgrid=False),
        hovermode="closest",
    )
    shapes = [_rule("x", 0.5, MUTED, "dot"), _rule("x", criterion.limit, CHANCE, "dash")]
    if criterion.block is not None:
        shapes.append(_rule("x", criterion.block, CHANCE, "solid"))
    looks["shapes"] = shapes
    text = (
        "With pointwise 95 % intervals. Dotted: guessing. Dashed: the limit. Solid: release is blocked from there on."
    )
    return Panel("Membership inference: AUC of every attack", text, data, looks, _height(attacks), 3)


def _curves(attacks: Sequence[Attack], groups: Sequence[str]) -> Panel:
    """The strongest attack on each group, from one false positive on."""
    data: list[Trace] = []
    least = 1.0
    for at, group in enumerate(groups):
        best = max((a for a in attacks if a.group == group), key=lambda a: a.auc.value)
        false, true = best.roc
        seen = (false > 0) & (true > 0)
        if not seen.any():
            continue
        least = min(least, float(false[seen].min()))
        name = f"{title_of_attack(best.name)}, {group}"
        hover = "%{fullData.name}<br>FPR %{x:.2%}, TPR %{y:.2%}<extra></extra>"
        style: dict[str, Any] = {"legendgroup": group, "hovertemplate": hover}
        data.append(line(short(false[seen]), short(true[seen]), class_style(at)[0], plain(name), **style))
    floor = float(np.floor(np.log10(max(least, 1e-4)) * 2) / 2)
    diagonal = [10.0**floor, 1.0]
    data.append(line(diagonal, diagonal, MUTED, "guessing", dash="dot", weight=1.5, hoverinfo="skip"))
    ends = {"type": "log", "range": [floor, 0.02], "tickformat": ".1~%", "tickvals": [0.0001, 0.001, 0.01, 0.1, 1]}
    looks = layout(axis("false-positive rate", **ends), axis("true-positive rate", **ends), hovermode="closest")
    looks["shapes"] = [_rule("x", 0.01, MUTED, "dot")]
    text = (
        "The strongest attack on each group. The left end matters: the true-positive rate at low false-positive rates."
    )
    return Panel("True- against false-positive rate", text, data, looks, _height(attacks), 3)


def _height(attacks: Sequence[Attack]) -> int:
    """Pixels of the two pictures that stand side by side: the more attacks, the closer their rows."""
    rows = len({(attack.name, attack.space) for attack in attacks})
    return 110 + max(62 * min(rows, 6), 44 * rows)


def _rule(side: str, at: float, colour: str, dash: str) -> dict[str, Any]:
    other = "y" if side == "x" else "x"
    ends = {f"{side}0": at, f"{side}1": at, f"{other}0": 0, f"{other}1": 1, f"{other}ref": "paper"}
    return {"type": "line", "layer": "below", "line": {"color": colour, "width": 1.5, "dash": dash}} | ends


def _whisker(value: float, low: float, high: float, colour: str) -> dict[str, Any]:
    ends = {"array": short([high - value]), "arrayminus": short([value - low])}
    return {"type": "data", "symmetric": False, "color": colour, "thickness": 1.5, "width": 0} | ends
