"""Colours of the app in light and dark: those of the report, so that a class and a side look alike on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from app.ui.palette import DARK, LIGHT
from evaluation.panels import class_style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
