"""Page Glossary: every term of the reports and pages, with its source."""

from __future__ import annotations

import streamlit as st

from cohortsmith.app.ui import text_of
from cohortsmith.evaluation.core import GLOSSARY


def page() -> None:
    """Draw the page."""
    st.title("Glossary")
    sought = st.text_input("Search", placeholder="DOMIAS").strip().lower()
    found = [term for term in GLOSSARY.values() if sought in f"{term.name} {term.meaning}".lower()]
    for term in sorted(found, key=lambda term: term.name.lower()):
        source = f" :small[({text_of(term.source)})]" if term.source else ""
        st.markdown(f"**{text_of(term.name)}**: {text_of(term.meaning)}{source}")
    if not found:
        st.caption("No term matches.")


page()
