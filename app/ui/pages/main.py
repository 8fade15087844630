"""Entry script of the app: the pages, and the selector of the results they show. Started by `cohortsmith app`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from cohortsmith.app.ui import choose_run, icon

# Beside its pages, not above them: Streamlit serves the files of a folder `pages` past the script that stands above it.
PAGES = Path(__file__).parent
# Of each section the files of its pages, which are their addresses too, with title and icon.
SECTIONS = {
    "Create": {
        "cohorts": ("Cohorts", ":material/groups:"),
        "generate": ("Generate", ":material/model_training:"),
    },
    "Explore": {
        "samples": ("Samples", ":material/scatter_plot:"),
        "scorecard": ("Scorecard", ":material/scoreboard:"),
        "privacy": ("Privacy", ":material/shield_person:"),
        "utility": ("Utility", ":material/trending_up:"),
        "studies": ("Founding studies", ":material/history_edu:"),
    },
    "Help": {
        "glossary": ("Glossary", ":material/dictionary:"),
    },
}

st.set_page_config(page_title="cohortsmith", page_icon=icon(), layout="wide")
pages = {
    section: [
        st.Page(PAGES / f"{name}.py", title=title, icon=icon, url_path=name) for name, (title, icon) in listed.items()
    ]
    for section, listed in SECTIONS.items()
}
page = st.navigation(pages, expanded=True)
choose_run()
page.run()
