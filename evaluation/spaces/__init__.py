"""Spaces in which cohorts are compared: components, images as networks see them, statistics, variant carriers."""

from cohortsmith.evaluation.spaces.embedding import components_draw, embedded_draw, space_of
from cohortsmith.evaluation.spaces.image_statistics import (
    colour_names,
    image_colours,
    image_traits,
    radial_power,
    trait_names,
)
from cohortsmith.evaluation.spaces.images import (
    LIMIT,
    fixed_draw,
    fixed_features,
    fixed_train,
    image_models_of,
    learnt,
    learnt_draw,
    seen_draw,
    turned,
)
from cohortsmith.evaluation.spaces.sequence_statistics import sequence_traits, traits_of
from cohortsmith.evaluation.spaces.variant_carriers import (
    COMMON,
    SUBSTITUTIONS,
    Carriers,
    Tally,
    real_patients,
    substitution_class,
    tally,
)

__all__ = [
    "COMMON",
    "Carriers",
    "LIMIT",
    "SUBSTITUTIONS",
    "Tally",
    "colour_names",
    "components_draw",
    "embedded_draw",
    "image_models_of",
    "fixed_draw",
    "fixed_features",
    "fixed_train",
    "image_colours",
    "image_traits",
    "learnt",
    "learnt_draw",
    "radial_power",
    "real_patients",
    "seen_draw",
    "sequence_traits",
    "space_of",
    "substitution_class",
    "tally",
    "trait_names",
    "traits_of",
    "turned",
]
