"""HTML pages from templates: the report of a scorecard and its sections by data kind."""

from cohortsmith.evaluation.html.alignment import variant_alignment
from cohortsmith.evaluation.html.environment import ENVIRONMENT, fill
from cohortsmith.evaluation.html.expression import expression_side
from cohortsmith.evaluation.html.images import image_means, image_side
from cohortsmith.evaluation.html.layout import INTERNAL, Section, fragment, gallery, page
from cohortsmith.evaluation.html.report import Contender, beside, render_comparison, write_report
from cohortsmith.evaluation.html.scorecard_table import BETTER, GROUPS, Track, scorecard, side_by_side, verdicts

__all__ = [
    "BETTER",
    "Contender",
    "ENVIRONMENT",
    "GROUPS",
    "INTERNAL",
    "Section",
    "Track",
    "beside",
    "expression_side",
    "fill",
    "fragment",
    "gallery",
    "image_means",
    "image_side",
    "page",
    "render_comparison",
    "scorecard",
    "side_by_side",
    "variant_alignment",
    "verdicts",
    "write_report",
]
