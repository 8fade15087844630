"""Membership attacks on a release, each a function of targets, synthetic and known records, in one registry."""

from cohortsmith.evaluation.privacy.attacks.classifiers import MIN_FITTED, combined
from cohortsmith.evaluation.privacy.attacks.densities import class_density, covariance, covariance_within, local_density
from cohortsmith.evaluation.privacy.attacks.distance import nearness
from cohortsmith.evaluation.privacy.attacks.records import Likeness, Records
from cohortsmith.evaluation.privacy.attacks.registry import METHODS, Method, title_of_attack, what_it_does

__all__ = [
    "Likeness",
    "METHODS",
    "MIN_FITTED",
    "Method",
    "Records",
    "class_density",
    "combined",
    "covariance",
    "covariance_within",
    "local_density",
    "nearness",
    "title_of_attack",
    "what_it_does",
]
