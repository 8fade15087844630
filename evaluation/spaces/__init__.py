"""Comparison of cohorts: one `KindView` per data kind, statistics of images and sequences, variant carriers."""

from cohortsmith.evaluation.spaces.cohort_matching import matched
from cohortsmith.evaluation.spaces.comparison import Comparison
from cohortsmith.evaluation.spaces.expression_view import ExpressionView
from cohortsmith.evaluation.spaces.image_statistics import colour_names, image_colours, radial_power
from cohortsmith.evaluation.spaces.image_view import TILE, ImageView, turned
from cohortsmith.evaluation.spaces.kind_view import COLUMNS, DECIMALS, KindView, Sides, Space, Words
from cohortsmith.evaluation.spaces.sequence_view import SequenceView
from cohortsmith.evaluation.spaces.variant_carriers import (
    COMMON,
    SUBSTITUTIONS,
    Carriers,
    Tally,
    real_patients,
    substitution_class,
    tally,
)
from cohortsmith.evaluation.spaces.views import VIEWS

__all__ = [
    "COLUMNS",
    "COMMON",
    "Carriers",
    "Comparison",
    "DECIMALS",
    "ExpressionView",
    "ImageView",
    "KindView",
    "SUBSTITUTIONS",
    "SequenceView",
    "Sides",
    "Space",
    "TILE",
    "Tally",
    "VIEWS",
    "Words",
    "colour_names",
    "image_colours",
    "matched",
    "radial_power",
    "real_patients",
    "substitution_class",
    "tally",
    "turned",
]
