"""Pages in HTML: the report of a scorecard and its sections by data kind."""

from cohortsmith.evaluation.html.expression import expression_side
from cohortsmith.evaluation.html.images import image_side
from cohortsmith.evaluation.html.layout import Section, css_colour, fragment, gallery, page
from cohortsmith.evaluation.html.report import (
    Contender,
    beside,
    foot,
    head,
    render_comparison,
    sections_of,
    write_report,
)
from cohortsmith.evaluation.html.scorecard_table import GROUPS, number, scorecard, side_by_side, verdicts

__all__ = [
    "Contender",
    "GROUPS",
    "Section",
    "beside",
    "css_colour",
    "expression_side",
    "foot",
    "fragment",
    "gallery",
    "head",
    "image_side",
    "number",
    "page",
    "render_comparison",
    "scorecard",
    "sections_of",
    "side_by_side",
    "verdicts",
    "write_report",
]
