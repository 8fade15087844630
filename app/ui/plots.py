"""Plots and words of the report on a page: galleries, panels, legends, in light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from cohortsmith.app.ui.markup import fill
from cohortsmith.app.ui.session import text_of
from cohortsmith.app.ui.theme import colours, resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.evaluation.plots import Gallery, Panel

FONT = "Source Sans, sans-serif"  # the one the app writes in


def draw(pictures: Gallery, key: str) -> None:
    """A gallery of the report: its note, its legend, its panels in rows of six columns.

    Args:
        pictures: as the functions of `evaluation` make them.
        key: unique on the page.
    """
    if pictures.note:
        st.caption(text_of(pictures.note))
    if pictures.legend:
        legend({name: colour for name, colour, _ in pictures.legend}, {name: mark for name, _, mark in pictures.legend})
    row: list[tuple[int, Panel]] = []
    for position, panel in enumerate(pictures.panels):
        if sum(other.width for _, other in row) + panel.width > 6:
            _row(row, key)
            row = []
        row.append((position, panel))
    _row(row, key)


def _row(row: list[tuple[int, Panel]], key: str) -> None:
    if not row:
        return
    used = sum(panel.width for _, panel in row)
    widths = [panel.width for _, panel in row] + ([6 - used] if used < 6 else [])
    for column, (position, panel) in zip(st.columns(widths), row, strict=False):
        with column:
            draw_panel(panel, f"{key}-{position}")


def draw_panel(panel: Panel, key: str) -> None:
    """One plot of the report with its words; the longer ones stand under it, so that plots in a row align."""
    st.markdown(f"**{text_of(panel.title)}**")
    plot(panel.data, panel.layout, key, height=panel.height, alt=panel.title)
    if panel.note:
        st.caption(text_of(panel.note))


def plot(data: list[dict[str, Any]], layout: Mapping[str, Any], key: str, *, height: int = 300, alt: str = "") -> None:
    """Plotly traces and a layout whose colours may be named as in `cohortsmith.evaluation.plots.panels` (`theme:ink`).

    Names from the data must have gone through `cohortsmith.evaluation.plots.panels.plain`: Plotly reads some HTML.
    """
    look = resolved(dict(layout)) | {"height": height, "autosize": True}
    palette = colours()
    look["font"] = {**look.get("font", {}), "family": FONT}
    hover = {"bgcolor": palette["card"], "bordercolor": palette["line"], "font": {"color": palette["ink"], "size": 12}}
    figure = {"data": resolved(data), "layout": look | {"hoverlabel": hover}}
    st.plotly_chart(figure, theme=None, key=key, config={"displayModeBar": False}, alt=alt or None)


def legend(colour: Mapping[str, str], marks: Mapping[str, str] | None = None) -> None:
    """One line of names with their colours; names may come from the data."""
    marks = marks or {}
    entries = [(name, resolved(hue), marks.get(name, "●")) for name, hue in colour.items()]
    st.html(fill("legend", colours()["ink"], entries))
