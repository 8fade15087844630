"""Simulated cohorts with known ground truth: expression profiles, TP53 sequences and images of blood cells."""

from cohortsmith.data.simulators.registry import SIMULATORS, simulate
from cohortsmith.data.simulators.tp53 import FOUNDING_PATIENTS, class_of_variants, is_polymorphism

__all__ = ["FOUNDING_PATIENTS", "SIMULATORS", "class_of_variants", "is_polymorphism", "simulate"]
