"""Simulated cohorts whose truth is known: expression profiles, TP53 sequences, blood cells."""

from cohortsmith.data.simulators.expression import SIMULATORS, simulate
from cohortsmith.data.simulators.tp53 import FOUNDING_PATIENTS, called_class, is_polymorphism

__all__ = ["FOUNDING_PATIENTS", "SIMULATORS", "called_class", "is_polymorphism", "simulate"]
