"""Supervised and self-supervised classifiers of every data kind, and an untrained image encoder with fixed weights."""

from cohortsmith.ssl_models.backbones import FixedEncoder
from cohortsmith.ssl_models.class_probabilities import ClassProbabilities
from cohortsmith.ssl_models.classifier import Classifier
from cohortsmith.ssl_models.fusion import Fusion
from cohortsmith.ssl_models.kinds import KINDS
from cohortsmith.ssl_models.loading import load
from cohortsmith.ssl_models.presets import PRESETS

__all__ = ["ClassProbabilities", "Classifier", "FixedEncoder", "Fusion", "KINDS", "PRESETS", "load"]
