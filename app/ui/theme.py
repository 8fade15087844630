"""Colours of the app in light and dark: those of the report, so that a class and a side look alike on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from evaluation.panels import class_style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIGHT: Mapping[str, str] = {
    "paper": "#fcfcfa", "card": "#ffffff", "ink": "#1d2430", "muted": "#667080", "line": "#e3e5e8", "soft": "#f3f4f2",
    "accent": "#0b4f7d", "good": "#00795a", "mid": "#8a6a00", "poor": "#b65000", "bad": "#b3261e",
    "real": "#737b87", "synthetic": "#0072b2", "chance": "#b65000", "low": "#d55e00", "high": "#0072b2",
}  # fmt: skip
DARK: Mapping[str, str] = {
    "paper": "#14171c", "card": "#1b1f26", "ink": "#e6e8eb", "muted": "#9aa3af", "line": "#2e343d", "soft": "#222730",
    "accent": "#8cc8f0", "good": "#4cc9a1", "mid": "#e2bd4a", "poor": "#f0935a", "bad": "#ff8a7d",
    "real": "#a9b1bc", "synthetic": "#56b4e9", "chance": "#f0935a", "low": "#f08a3c", "high": "#56b4e9",
}  # fmt: skip
_WORDS = ("text", "name", "ticktext", "legendgroup", "hovertemplate")  # keys whose values came with the data


def dark() -> bool:
    """Whether the browser shows the app in dark colours."""
    return bool(st.context.theme.type == "dark")


def colours() -> Mapping[str, str]:
    """Colours by their role (`ink`, `muted`, `real`, `synthetic`, ...), for the theme that the browser shows."""
    return DARK if dark() else LIGHT


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """One colour a class, by its place among the cohort's classes: the same on every page and in the report."""
    ink = colours()["ink"]
    return {name: ink if (hue := class_style(i)[0]).startswith("theme:") else hue for i, name in enumerate(classes)}


def resolved(value: Any) -> Any:
    """A trace or layout of the report with its named colours (`theme:ink`, `fill:#...`) replaced."""
    if isinstance(value, str):
        return _colour(value)
    if isinstance(value, (list, tuple)):
        return [resolved(item) for item in value]
    if isinstance(value, dict):
        return {key: _words(item) if key in _WORDS else resolved(item) for key, item in value.items()}
    return value


def _words(value: Any) -> Any:
    return resolved(value) if isinstance(value, dict) else value


def _colour(name: str) -> Any:
    palette = colours()
    if name == "theme:diverging":
        return [[0, palette["low"]], [0.5, palette["card"]], [1, palette["high"]]]
    if name.startswith("theme:"):
        return palette[name.removeprefix("theme:")]
    if name.startswith("fill:"):
        number = int(str(_colour(name.removeprefix("fill:"))).lstrip("#"), 16)
        return f"rgba({number >> 16}, {(number >> 8) & 255}, {number & 255}, {0.28 if dark() else 0.22})"
    return name
