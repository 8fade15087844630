"""Colours of the app in light and dark: those of the report, so that classes look the same on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st
from PIL import Image, ImageDraw

from cohortsmith.app.ui.palette import DARK, LIGHT
from cohortsmith.evaluation.plots import class_style, themes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def icon() -> Image.Image:
    """Icon of the browser's tab, drawn here: one that is named would be fetched from a server of fonts or pictures."""
    size = 64
    picture = Image.new("RGBA", (size, size))
    draw = ImageDraw.Draw(picture)
    for left, colour in ((4, LIGHT["real"]), (24, LIGHT["synthetic"])):
        draw.ellipse((left, 14, left + 36, 50), outline=colour, width=8)
    return picture


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
    return themes.resolved(value, "dark" if dark() else "light")
