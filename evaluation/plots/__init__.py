"""Figures in Plotly and SVG, made from cohorts and results."""

from cohortsmith.evaluation.plots.audit import membership_pictures, risk_picture
from cohortsmith.evaluation.plots.augmentation import confusions, gain_by_class, gain_by_ratio
from cohortsmith.evaluation.plots.classifier_curves import learning_curves, pair_pictures, sweeps
from cohortsmith.evaluation.plots.families import frontier, ladder
from cohortsmith.evaluation.plots.heatmap import by_class
from cohortsmith.evaluation.plots.image_animation import animation
from cohortsmith.evaluation.plots.image_sheet import strips
from cohortsmith.evaluation.plots.image_tiles import (
    Chosen,
    each_of,
    like_a_patient,
    png,
    presentable,
    some_of,
)
from cohortsmith.evaluation.plots.mutation_spectrum import spectrum
from cohortsmith.evaluation.plots.panels import (
    CHANCE,
    INK,
    SYNTHETIC,
    Gallery,
    Panel,
    axis,
    class_style,
    layout,
    line,
    note,
    plain,
)
from cohortsmith.evaluation.plots.per_class import classwise
from cohortsmith.evaluation.plots.themes import THEMES, Theme, variables
from cohortsmith.evaluation.plots.umap import neighbourhoods
from cohortsmith.evaluation.plots.variant_maps import variants

__all__ = [
    "CHANCE",
    "Chosen",
    "Gallery",
    "INK",
    "Panel",
    "SYNTHETIC",
    "THEMES",
    "Theme",
    "animation",
    "axis",
    "by_class",
    "class_style",
    "classwise",
    "confusions",
    "each_of",
    "frontier",
    "gain_by_class",
    "gain_by_ratio",
    "ladder",
    "layout",
    "learning_curves",
    "like_a_patient",
    "line",
    "membership_pictures",
    "neighbourhoods",
    "note",
    "pair_pictures",
    "plain",
    "png",
    "presentable",
    "risk_picture",
    "some_of",
    "spectrum",
    "strips",
    "sweeps",
    "variables",
    "variants",
]
