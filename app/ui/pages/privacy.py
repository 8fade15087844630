"""Page Privacy: an audit's decision and its policy, attacks, risks, privacy against utility, and other limits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from cohortsmith.app.ui import (
    comparable,
    corrupt,
    deciding,
    draw,
    estimates,
    finished,
    member,
    report_part,
    tell,
    text_of,
    workspace,
)
from cohortsmith.app.workspace import digests
from cohortsmith.data import DataError
from cohortsmith.evaluation.plots import Gallery
from cohortsmith.evaluation.privacy import DEFAULT, read_audit, toml_of

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.app.workspace import Entry
    from cohortsmith.evaluation.privacy import Criterion, Judged, ReadAudit

VIEWS = ("Decision", "Try other limits", "Attacks", "Privacy and utility", "Rules and limits")
FILES = (
    ("audit.html", "text/html"),
    ("audit.json", "application/json"),
    ("model_card.md", "text/markdown"),
    ("data_card.md", "text/markdown"),
)


def page() -> None:
    """Draw the page."""
    st.title("Privacy")
    entry = finished("run", "comparison", "study", "audit", what="The page of privacy")
    family, folder = ("", entry.folder) if entry.kind == "audit" else member(entry)
    audit = entry if entry.kind == "audit" else _audit_of(folder)
    if audit is None:
        _not_audited(entry, folder, family)
        return
    try:
        found = read_audit(audit.facts)
    except DataError as error:
        corrupt(audit, str(error))
    st.caption(text_of(f"Audit {audit.name}, by the policy: {found.policy.shown}."))
    views = VIEWS if entry.kind != "audit" else tuple(view for view in VIEWS if view != VIEWS[3])
    view = st.segmented_control("Show", views, default=views[0], key="privacy-view", required=True)
    if view == VIEWS[1]:
        _other_limits(found)
    elif view == VIEWS[2]:
        _attacks(found)
    elif view == VIEWS[3]:
        _utility(entry, folder, family)
    elif view == VIEWS[4]:
        _rules(found)
    else:
        _decision(found.judged(), found.notes)
    _downloads(audit)
    by_default = found.policy == DEFAULT  # a release started from here is judged by it
    if entry.kind != "audit" and by_default and found.judged().outcome == "pass" and not _cards(audit):
        st.subheader("Release")
        st.caption(
            "Writes everything that may be released into a folder: virtual patients, model card, data card, audit, "
            "checksums."
        )
        deciding("release", folder)


def _audit_of(folder: Path) -> Entry | None:
    """The newest audit of the virtual patients of a run."""
    own = digests(folder)
    for entry in workspace().entries():
        if entry.kind == "audit" and entry.state == "finished":
            stated = entry.facts.get("digests") or {}
            sides = {"synthetic", *stated}  # with differential privacy, nothing else is stated
            if own and all(stated.get(side) == own.get(side) for side in sides):
                return entry
    return None


def _not_audited(entry: Entry, folder: Path, family: str) -> None:
    st.info("**Not audited yet.** An audit attacks the synthetic cohort and decides whether it may be shared.")
    deciding("audit", folder)
    st.caption("Privacy metrics of the scorecard are on the page Scorecard. All runs:")
    _utility(entry, folder, family)


def _decision(judged: Judged, notes: tuple[str, ...] = ()) -> None:
    from cohortsmith.evaluation.html.audit import banner, criteria

    report_part(banner(judged, notes) + criteria(judged), "The decision, criterion by criterion")


def _other_limits(found: ReadAudit) -> None:
    """Limits to be changed, what they would decide, and a policy file of them."""
    st.caption("The measurements stay the same; only the limits change.")
    changed = []
    columns = st.columns(2)
    for i, criterion in enumerate(c for c in found.policy.criteria if c.name in found.measured):
        with columns[i % 2]:
            changed.append(_limit(criterion))
    rest = [c for c in found.policy.criteria if c.name not in found.measured]
    tried = replace(found.policy, name=f"{found.policy.name}, changed", criteria=(*changed, *rest))
    before, after = (
        "pass under looser limits" if judged.loosened else judged.outcome
        for judged in (found.judged(), found.judged(tried))
    )
    st.markdown(f"By the audit's own limits: **{before}**. By the limits above: **{after}**.")
    _decision(found.judged(tried))
    st.download_button(
        "Download these limits as a policy file",
        toml_of(tried),
        file_name="policy.toml",
        mime="application/toml",
        icon=":material/download:",
        help="cohortsmith audit RUN --policy policy.toml --out DIR applies it.",
    )


def _limit(criterion: Criterion) -> Criterion:
    whole = criterion.name == "artefacts"
    key = f"limit-{criterion.name}"
    if whole:
        value: float = st.number_input(criterion.title, 0, None, int(criterion.limit), key=key, help=criterion.asks)
    else:
        value = st.number_input(
            criterion.title, 0.0, 1.0, float(criterion.limit), 0.01, "%.3f", key=key, help=criterion.asks
        )
    block = criterion.block if criterion.block is None else max(criterion.block, value)
    return replace(criterion, limit=value, block=block)


def _attacks(found: ReadAudit) -> None:
    from cohortsmith.evaluation.html.audit import KNOWS
    from cohortsmith.evaluation.plots import membership_pictures, risk_picture

    if found.attacks:
        st.caption(KNOWS)
        draw(membership_pictures(found.attacks, found.policy), "membership")
    else:
        st.info("No membership-inference attack could be run; the decision gives the reason.")
    if (panel := risk_picture(found.risks, found.policy)) is not None:
        draw(Gallery([panel]), "risks")


def _utility(entry: Entry, folder: Path, family: str) -> None:
    """Every run on the same patients by its strongest attack and its utility."""
    from cohortsmith.evaluation.html import beside

    known, apart = comparable(entry, folder, family)
    cards = {}
    for name, place in known.items():
        try:
            cards[name] = {e.name: e for e in estimates(place)}
        except DataError as error:
            tell(error)
    pictures = beside(cards)
    panels = [replace(panel, width=6) for panel in pictures.panels[:1]]
    if not panels or panels[0].title != "Privacy and utility":
        st.info("No run here has both a membership-inference attack and TSTR in its scorecard.")
        return
    draw(replace(pictures, panels=panels), "privacy-utility")
    if apart:
        st.caption(f"Left out: {apart} evaluated on other patients, whose metrics are not comparable.")


def _rules(found: ReadAudit) -> None:
    from cohortsmith.evaluation.html.audit import limits, rules

    judged = found.judged()
    report_part(rules(judged), "Rules and conventions")
    st.subheader("Limits")
    report_part(limits(judged.policy), "Limits and their sources")


def _downloads(audit: Entry) -> None:
    present = [(name, mime) for name, mime in FILES if (audit.folder / name).is_file()]
    row = st.container(horizontal=True)
    for name, mime in present:
        place = audit.folder / name
        row.download_button(name, place.read_bytes, file_name=name, mime=mime, icon=":material/download:")
    if not _cards(audit):
        st.caption("A release adds the model card and the data card.")


def _cards(audit: Entry) -> bool:
    return (audit.folder / "data_card.md").is_file()


page()
