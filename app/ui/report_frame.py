"""Tables and drawings of the report on a page, as the report has them: in a frame without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from cohortsmith.app.ui.theme import dark
from cohortsmith.evaluation.html import fragment

if TYPE_CHECKING:
    from markupsafe import Markup


def report_part(body: Markup, alt: str) -> None:
    """HTML made by the templates of the report or of the app, shown in the app's theme.

    Args:
        body: part of a report, without plots.
        alt: what it is, for a screen reader.
    """
    st.iframe(fragment(body, "dark" if dark() else "light"), height="content", alt=alt)
