"""Page Founding studies: the five founding systems, their published results, and ours beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from cohortsmith.app.founding import IMAGES, IMAGES_2025, SYSTEMS, images_published
from cohortsmith.app.ui import RESULTS, draw, estimates, report_part, results_of, tell, text_of, workspace
from cohortsmith.app.workspace import json_lines
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from cohortsmith.app.founding import System
    from cohortsmith.app.workspace import Entry


def page() -> None:
    """Draw the page."""
    st.title("Founding studies")
    st.caption("The five systems this project builds on. Each study is one command here; its results are shown below.")
    names = [system.name for system in SYSTEMS]
    name = st.segmented_control("System", names, default=names[0], key="system", required=True)
    system = SYSTEMS[names.index(str(name))]
    st.markdown(text_of(system.asked))
    left, right = st.columns(2)
    with left:
        _pairs("Published results", system.found or ((("Metrics", "in the table below"),) if system.grid else ()))
    with right:
        _pairs("Counterpart here", system.here)
    if system.command:
        st.code(system.command, language="bash")
    try:
        _ours(system)
    except DataError as error:
        tell(error)
    except (OSError, ValueError, KeyError):
        tell(DataError("the folder of the study does not hold a study; run it again"))


def _pairs(head: str, pairs: tuple[tuple[str, str], ...]) -> None:
    if pairs:
        st.markdown(f"**{head}**")
        words = [[text_of(what), text_of(value)] for what, value in pairs]
        st.table(pd.DataFrame(words), hide_index=True, hide_header=True)


def _ours(system: System) -> None:
    if system.grid:
        found = [e for e in _finished("grid") if e.facts.get("name") == system.grid]
        found = [entry for entry in found if (entry.folder / RESULTS).is_file()]
        if found:
            _grid(system, _one_of(found))
            return
        if system.grid == IMAGES:
            _theirs()
    elif system is SYSTEMS[0]:
        found = _finished("study")
        if found:
            _tp53(_one_of(found))
            return
    else:
        return
    st.info("Not yet run in this folder: the command above runs it.", icon=":material/info:")


def _finished(kind: str) -> list[Entry]:
    return [entry for entry in workspace().entries() if entry.kind == kind and entry.state == "finished"]


def _one_of(entries: list[Entry]) -> Entry:
    names = [entry.name for entry in entries]
    if len(names) == 1:
        return entries[0]
    return entries[names.index(str(st.selectbox("Run", names, key=f"study-{names[-1]}")))]


def _tp53(entry: Entry) -> None:
    """The study on 40 sequences: findings in words, curves, and the families' identities beside those by BLAST."""
    from cohortsmith.evaluation.plots import training as curves

    facts = entry.facts
    st.subheader("Results here")
    for sentence in facts["sentences"]:
        st.markdown(f"- {text_of(sentence)}")
    rows = list(json_lines(entry.folder / "curves.jsonl"))
    histories: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in rows:
        kept = {key: value for key, value in row.items() if key not in ("curve", "of")}
        histories.setdefault(str(row["curve"]), {}).setdefault(str(row["of"]), []).append(kept)
    if "alone" in histories:
        draw(curves.accuracy(histories["alone"]), "alone")
    if "duel" in histories:
        draw(curves.duel(histories["duel"]), "duel")
    st.markdown("**Identity with the nearest real sequence, %** (2022, by BLAST: 99.7)")
    table = []
    for family, folder in entry.members.items():
        known = {e.name: e for e in estimates(folder)}
        blast = next((f.get("blastn_identity") for f in facts["families"] if f["family"] == family), None)
        if (e := known.get("identity")) is not None and e.ok:
            table.append({"Family": family, "Here": e.value, "Real new patients": e.reference, "By blastn": blast})
    frame = pd.DataFrame(table).dropna(axis=1, how="all")
    st.dataframe(frame, hide_index=True, column_config={"Here": st.column_config.NumberColumn(format="%.2f")})
    st.caption("A high identity alone says little: the wild type with four random edits also reaches 99.7 %.")


def _theirs() -> None:
    st.subheader("Thesis of 2025: test accuracy / mean class accuracy, %")
    frame = pd.DataFrame(IMAGES_2025)
    both = frame.apply(lambda row: f"{100 * row['accuracy']:.2f} / {100 * row['mean_class_accuracy']:.2f}", axis=1)
    frame = frame.assign(task=frame["data"] + " " + frame["labelled"], both=both)
    table = frame.pivot(index="classifier", columns="task", values="both")
    table = table.loc[list(dict.fromkeys(frame["classifier"]))].fillna("").rename_axis(None, axis=1)
    st.table(table.rename_axis("Classifier"))


def _grid(system: System, entry: Entry) -> None:
    from cohortsmith.evaluation.html.study import cards, published_table
    from cohortsmith.evaluation.plots import learning_curves

    results = results_of(entry.folder)
    st.subheader("Results here")
    report_part(cards(results), "Verdicts in words")
    if system.grid == IMAGES:
        extra = any(part.get("extra_unlabelled") for part in (entry.facts.get("data") or {}).values())
        beside = published_table(results, images_published(extra))
        if beside:
            report_part(beside, "The results of 2025 beside ours")
        else:
            _theirs()
    pictures = learning_curves(results)
    if pictures.panels:
        draw(pictures, "study-learning")
    st.caption("More on this grid on the page Utility.")


page()
