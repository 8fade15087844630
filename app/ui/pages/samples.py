"""Page Samples: virtual patients beside real ones, by data kind; filtered by class, paged, with a download."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from cohortsmith.app.ui import comparison, estimates, finished, member, offer, synthetic, tell, text_of
from cohortsmith.app.ui.samples import expression as samples_expression
from cohortsmith.app.ui.samples import images as samples_images
from cohortsmith.app.ui.samples import sequences as samples_sequences
from cohortsmith.app.workspace import fingerprint
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.app.ui.samples import View
    from cohortsmith.data import Cohort

# Views of each data kind: label of the selector, and what draws it.
VIEWS: dict[str, dict[str, View]] = {
    "expression": samples_expression.VIEWS,
    "sequence": samples_sequences.VIEWS,
    "image": samples_images.VIEWS,
}


def page() -> None:
    """Draw the page."""
    st.title("Samples")
    entry = finished("run", "comparison", "study", what="The page of samples")
    family, folder = member(entry)
    try:
        made = synthetic(folder)
    except (DataError, OSError) as error:
        tell(error)
        st.caption("Run it again; the other results are intact.")
        return
    st.caption(text_of(f"{len(made):,} virtual patients by {family} ({entry.name}), of {len(made.classes)} classes."))
    _warn_of_copies(folder)
    shown = _filter(made, folder)
    _views(made.kind, folder, shown)
    offer(folder, made, shown)


def _warn_of_copies(folder: Path) -> None:
    try:
        copies = next((e for e in estimates(folder) if e.name == "exact_copies" and e.value), None)
    except DataError:
        return  # the scorecard's page says what is wrong with it
    if copies is not None:
        st.warning(
            f"{100 * (copies.value or 0):.1f} % of these are exact copies of training patients: do not share them.",
            icon=":material/warning:",
        )


def _filter(made: Cohort, folder: Path) -> tuple[str, ...]:
    """Classes to be shown; all of them where none is chosen."""
    counts = made.class_counts()
    present = [name for name in made.classes if counts[name]]
    if len(present) < 2:
        return tuple(present)
    chosen = st.multiselect(
        "Classes",
        present,
        format_func=lambda name: f"{name} ({counts[name]:,})",
        placeholder="all classes",
        key=f"classes-{folder}",
    )
    return tuple(chosen) or tuple(present)


def _views(kind: str, folder: Path, shown: tuple[str, ...]) -> None:
    views = VIEWS[kind]
    try:
        compared = comparison(folder)
    except (DataError, OSError) as error:
        tell(error)
        st.caption(
            "Figures compare virtual patients with real ones, which are not available on this machine. The virtual "
            "patients can still be downloaded."
        )
        return
    name = st.segmented_control("Show", list(views), default=next(iter(views)), key=f"view-{kind}", required=True)
    try:
        views[str(name)](compared, folder, fingerprint(folder), shown)
    except DataError as error:
        tell(error)


page()
