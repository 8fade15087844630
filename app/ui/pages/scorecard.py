"""Page Scorecard: every figure with its interval, runs side by side, what is worst, and what the figures mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pandas as pd
import streamlit as st

from cohortsmith.app.ui import comparable, draw, empty, estimates, finished, member, report_part, tell, text_of
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.app.workspace import Entry
    from cohortsmith.evaluation import Estimate

VIEWS = ("Scorecard", "Side by side", "Worst parts", "What each figure means")
_SEARCH = "https://scholar.google.com/scholar?q="
_WORST = {"gene": "Gene", "position": "Position", "class": "Class", "variant": "Variant", "trait": "Edit"}
_TABLES = ("worst", "hotspots", "telling_genes", "telling_traits", "by_class")
_MOST = 12  # runs side by side


def page() -> None:
    """Draw the page."""
    st.title("Scorecard")
    entry = finished("run", "comparison", "study", what="The scorecard")
    family, folder = member(entry)
    try:
        card = estimates(folder)
    except DataError as error:
        tell(error)
        st.caption("Run it again; the other results are whole.")
        return
    if not card:
        empty("No figure was measured.", "Run it again without [evaluation] only.")
    st.caption(text_of(f"{family} ({entry.name}): synthetic patients, read against real ones no generator saw."))
    view = st.segmented_control("Show", VIEWS, default=VIEWS[0], key="scorecard-view", required=True)
    if view == VIEWS[1]:
        _side_by_side(entry, folder, family)
    elif view == VIEWS[2]:
        _worst(card)
    elif view == VIEWS[3]:
        _meaning(card)
    else:
        _scorecard(card)


def _scorecard(card: list[Estimate]) -> None:
    from cohortsmith.evaluation.html import scorecard, verdicts

    report_part(verdicts(card) + scorecard(card), "Scorecard: verdicts, and every figure with its interval")


def _side_by_side(entry: Entry, folder: Path, family: str) -> None:
    """Runs judged on the same patients; those on others are named, since their figures do not compare."""
    from html import escape

    from cohortsmith.evaluation.html import beside, css_colour, side_by_side
    from cohortsmith.evaluation.plots import class_style

    known, apart = comparable(entry, folder, family)
    names = list(known)
    own = [name for name, place in known.items() if place.is_relative_to(entry.folder)]
    default = (own if len(own) > 1 else names)[:_MOST]
    chosen = st.multiselect("Runs", names, default=default, max_selections=_MOST, key=f"beside-{folder}")
    if apart:
        st.caption(text_of(f"Left out: {apart} judged on other patients, whose figures do not compare with these."))
    cards: dict[str, dict[str, Estimate]] = {}
    for name in chosen:
        try:
            cards[name] = {e.name: e for e in estimates(known[name])}
        except DataError as error:
            tell(error)
    if len(cards) < 2:
        st.info("Choose two runs or more to compare them; only runs on the same patients are offered.")
        return
    draw(beside(cards), "beside")
    heads = {}
    for position, name in enumerate(cards):
        colour, _, glyph = class_style(position)
        heads[name] = f'<span style="color: {css_colour(colour)}">{glyph}</span> {escape(name)}'
    note = (
        '<p class="note">Under each value its 95 % interval; the tint is the reading; underlined in each row: what '
        "reaches real data, or else comes nearest.</p>"
    )
    report_part(note + side_by_side(cards, heads, {name: {} for name in cards}), "Figures of the runs side by side")


def _worst(card: list[Estimate]) -> None:
    """Tables that metrics leave behind: genes, positions, classes that come out worst."""
    tables = {
        (e.name, key): rows
        for e in card
        for key in _TABLES
        if isinstance(rows := e.detail.get(key), list | tuple) and rows
    }
    if not tables:
        st.info("These figures have no tables of genes, positions or classes.")
        return
    from cohortsmith.evaluation.core import title_of

    known = {e.name: e for e in card}
    parts: dict[str, list[tuple[str, pd.DataFrame]]] = {}
    for (name, _), rows in tables.items():
        what, table = _table(rows, known[name].direction)
        parts.setdefault(what, []).append((name, table))
    what = st.segmented_control("Of", list(parts), default=next(iter(parts)), key="worst-of", required=True)
    search = st.text_input("Find", key="worst-find", placeholder="part of a name").strip().casefold()
    for name, table in parts[str(what)]:
        st.markdown(f"**{text_of(title_of(name))}**")
        st.caption(text_of(known[name].explanation))
        kept = table[table[what].str.casefold().str.contains(search, regex=False)] if search else table
        st.dataframe(kept, hide_index=True, key=f"worst-{name}-{what}", alt=f"{name}, worst first")


def _table(rows: Any, direction: str) -> tuple[str, pd.DataFrame]:
    """What the rows are of, and they as a table, the worst first."""
    frame = pd.DataFrame(list(rows))
    key = next((name for name in _WORST if name in frame), str(frame.columns[0]))
    frame[key] = frame[key].astype(str)
    if {"value", "reference"} <= set(frame):
        gap = frame["value"] - frame["reference"]
        worse = {"higher": -gap, "lower": gap}.get(direction, gap.abs())
        frame = frame.assign(_place=worse).sort_values("_place", ascending=False, kind="stable").drop(columns="_place")
    heads = {key: _WORST.get(key, key.capitalize()), "value": "Synthetic", "reference": "Real against real"}
    frame = frame.rename(columns=heads | {"n": "Patients", "weight": "Weight"})
    first = heads[key]
    return first, frame[[first, *(name for name in frame.columns if name != first)]]


def _meaning(card: list[Estimate]) -> None:
    from cohortsmith.evaluation.core import title_of
    from cohortsmith.evaluation.html import GROUPS
    from cohortsmith.evaluation.scorecard import RULE

    better = {"higher": "Higher is better.", "lower": "Lower is better.", "target": "The nearer to real, the better."}
    st.markdown(f"**How the words are chosen.** {text_of(RULE)}")
    for group in GROUPS:
        own = [e for e in card if e.group == group]
        if own:
            st.subheader(group.capitalize())
        for e in own:
            papers = "; ".join(
                f"[{text_of(paper)}]({_SEARCH}{quote_plus(paper)})" for paper in e.source.split("; ") if paper
            )
            words = f"**{text_of(title_of(e.name))}.** {text_of(e.explanation)} {better[e.direction]}"
            st.markdown(f"{words} Source: {papers}.")


page()
