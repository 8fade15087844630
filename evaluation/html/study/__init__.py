"""The HTML page of a utility study."""

from cohortsmith.evaluation.html.study.page import utility_page
from cohortsmith.evaluation.html.study.tables import (
    arms_table,
    overview_table,
    published_table,
    training_table,
    verdict_table,
)
from cohortsmith.evaluation.html.study.verdicts import cards

__all__ = [
    "arms_table",
    "cards",
    "overview_table",
    "published_table",
    "training_table",
    "utility_page",
    "verdict_table",
]
