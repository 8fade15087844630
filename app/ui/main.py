"""Entry script of the app: the pages, and the selector of the results they show. Started by `cohortsmith app`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from cohortsmith.app.ui.session import choose_run

HERE = Path(__file__).parent
PAGES = {
    "Make": (
        ("cohorts_page.py", "Cohorts", ":material/groups:", "cohorts"),
        ("generate_page.py", "Generate", ":material/model_training:", "generate"),
    ),
    "Look": (
        ("samples_page.py", "Samples", ":material/scatter_plot:", "samples"),
        ("scorecard_page.py", "Scorecard", ":material/scoreboard:", "scorecard"),
        ("privacy_page.py", "Privacy", ":material/shield_person:", "privacy"),
        ("utility_page.py", "Utility", ":material/trending_up:", "utility"),
        ("studies_page.py", "Founding studies", ":material/history_edu:", "studies"),
    ),
}

st.set_page_config(page_title="cohortsmith", page_icon=":material/diversity_3:", layout="wide")
pages = {
    section: [
        st.Page(HERE / file, title=title, icon=icon, url_path=path)
        for file, title, icon, path in listed
        if (HERE / file).is_file()
    ]
    for section, listed in PAGES.items()
}
page = st.navigation({section: listed for section, listed in pages.items() if listed}, expanded=True)
choose_run()
page.run()
