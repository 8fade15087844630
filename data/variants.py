"""Variants of sequences, in one place: what they are, their names, what they do, and how they are called."""

from data.calling import call_cohort, call_variants
from data.edits import Variant, VariantKind, applied, merged, normalised
from data.effects import EFFECTS, Effect, EffectKind, effect, is_cpg, is_transition, substitution_effects
from data.hgvs import hgvs, parse_hgvs

__all__ = [
    "EFFECTS",
    "Effect",
    "EffectKind",
    "Variant",
    "VariantKind",
    "applied",
    "call_cohort",
    "call_variants",
    "effect",
    "hgvs",
    "is_cpg",
    "is_transition",
    "merged",
    "normalised",
    "parse_hgvs",
    "substitution_effects",
]
