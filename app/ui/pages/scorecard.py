"""Page Scorecard: every metric with its interval, runs side by side, worst features, and what the metrics mean."""

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

VIEWS = ("Scorecard", "Side by side", "Worst features", "What each metric means")
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
        st.caption("Run it again; the other results are intact.")
        return
    if not card:
        empty("No metric was measured.", "Run it again without [evaluation] only.")
    st.caption(text_of(f"{family} ({entry.name}): virtual patients, compared with real ones that no generator saw."))
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

    report_part(verdicts(card) + scorecard(card), "Scorecard: verdicts, and every metric with its interval")


def _side_by_side(entry: Entry, folder: Path, family: str) -> None:
    """Runs evaluated on the same patients; those on others are counted, since their metrics are not comparable."""
    from cohortsmith.evaluation.html import beside, side_by_side

    known, apart = comparable(entry, folder, family)
    names = list(known)
    own = [name for name, place in known.items() if place.is_relative_to(entry.folder)]
    default = (own if len(own) > 1 else names)[:_MOST]
    chosen = st.multiselect("Runs", names, default=default, max_selections=_MOST, key=f"beside-{folder}")
    if apart:
        st.caption(text_of(f"Left out: {apart} evaluated on other patients, whose metrics are not comparable."))
    cards: dict[str, dict[str, Estimate]] = {}
    for name in chosen:
        try:
            cards[name] = {e.name: e for e in estimates(known[name])}
        except DataError as error:
            tell(error)
    if len(cards) < 2:
        st.info("Choose at least two runs to compare; only runs on the same patients are offered.")
        return
    draw(beside(cards), "beside")
    report_part(side_by_side(cards), "Metrics of the runs side by side")


def _worst(card: list[Estimate]) -> None:
    """Tables that metrics leave behind: genes, positions, classes that come out worst."""
    tables = {
        (e.name, key): rows
        for e in card
        for key in _TABLES
        if isinstance(rows := e.detail.get(key), list | tuple) and rows
    }
    if not tables:
        st.info("These metrics have no tables of genes, positions or classes.")
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
    from cohortsmith.evaluation.html import BETTER, GROUPS
    from cohortsmith.evaluation.scorecard import RULE

    st.markdown(f"**How these words are chosen.** {text_of(RULE)}")
    for group in GROUPS:
        own = [e for e in card if e.group == group]
        if own:
            st.subheader(group.capitalize())
        for e in own:
            papers = "; ".join(
                f"[{text_of(paper)}]({_SEARCH}{quote_plus(paper)})" for paper in e.source.split("; ") if paper
            )
            words = f"**{text_of(title_of(e.name))}.** {text_of(e.explanation)} {BETTER[e.direction]}."
            st.markdown(f"{words} Source: {papers}.")


page()
