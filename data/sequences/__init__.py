"""Aligned sequences and variants: alignment columns, references, variant calling, HGVS names, protein effects."""

from cohortsmith.data.sequences.alignment import Aligned, align, align_among, on, on_columns, shared_columns
from cohortsmith.data.sequences.calling import call_cohort, call_variants
from cohortsmith.data.sequences.columns import compact, expand, in_order, is_inserted, numbered
from cohortsmith.data.sequences.effects import (
    BASES,
    EFFECTS,
    Effect,
    EffectKind,
    effect,
    is_cpg,
    is_transition,
    substitution_effects,
)
from cohortsmith.data.sequences.hgvs_names import hgvs, parse_hgvs
from cohortsmith.data.sequences.reference import REFERENCES, TP53, Reference, read_reference, reference_of, translate
from cohortsmith.data.sequences.variable_sites import VariableSite, alleles_of, site_of
from cohortsmith.data.sequences.variant_table import read_variant_table
from cohortsmith.data.sequences.variants import Variant, VariantKind, applied, merged, normalised

__all__ = [
    "Aligned",
    "BASES",
    "EFFECTS",
    "Effect",
    "EffectKind",
    "REFERENCES",
    "Reference",
    "TP53",
    "VariableSite",
    "Variant",
    "VariantKind",
    "align",
    "align_among",
    "alleles_of",
    "applied",
    "call_cohort",
    "call_variants",
    "compact",
    "effect",
    "expand",
    "hgvs",
    "in_order",
    "is_cpg",
    "is_inserted",
    "is_transition",
    "merged",
    "normalised",
    "numbered",
    "on",
    "on_columns",
    "parse_hgvs",
    "read_reference",
    "read_variant_table",
    "reference_of",
    "shared_columns",
    "site_of",
    "substitution_effects",
    "translate",
]
