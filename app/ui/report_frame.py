"""Tables and drawings of the report on a page, as the report has them: in a frame without scripts."""

from __future__ import annotations

import streamlit as st

from cohortsmith.app.ui.theme import dark
from cohortsmith.evaluation.html import fragment


def report_part(body: str, alt: str) -> None:
    """HTML made by the functions of `evaluation`, which escape what came with the data; shown in the app's theme.

    Args:
        body: part of a report, without plots.
        alt: what it is, for a screen reader.
    """
    st.iframe(fragment(body, "dark" if dark() else "light"), height="content", alt=alt)
