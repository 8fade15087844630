"""The Streamlit app: its entry script and what the pages share."""

from cohortsmith.app.ui.audit_controls import deciding
from cohortsmith.app.ui.class_balance import class_bars
from cohortsmith.app.ui.cohort_choice import choose, cohort_of, demo, facts, forget, part, seed, sides_of
from cohortsmith.app.ui.comparable_runs import comparable
from cohortsmith.app.ui.downloads import offer
from cohortsmith.app.ui.fit_monitor import SHOWN, fits
from cohortsmith.app.ui.grid_reader import RESULTS, results_of
from cohortsmith.app.ui.markup import fill
from cohortsmith.app.ui.palette import DARK, LIGHT
from cohortsmith.app.ui.plots import draw, draw_panel
from cohortsmith.app.ui.report_frame import report_part
from cohortsmith.app.ui.session import (
    choose_run,
    chosen,
    comparison,
    corrupt,
    empty,
    estimates,
    finished,
    member,
    synthetic,
    tell,
    text_of,
    workspace,
)
from cohortsmith.app.ui.theme import colours, icon

__all__ = [
    "DARK",
    "LIGHT",
    "RESULTS",
    "SHOWN",
    "choose",
    "choose_run",
    "chosen",
    "class_bars",
    "cohort_of",
    "colours",
    "comparable",
    "comparison",
    "corrupt",
    "deciding",
    "demo",
    "draw",
    "draw_panel",
    "empty",
    "estimates",
    "facts",
    "forget",
    "fill",
    "finished",
    "fits",
    "icon",
    "member",
    "offer",
    "part",
    "report_part",
    "results_of",
    "seed",
    "sides_of",
    "synthetic",
    "tell",
    "text_of",
    "workspace",
]
