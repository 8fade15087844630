"""Supervised and self-supervised classifiers of every data kind, and an encoder that has learnt nothing."""

from ssl_models.class_probabilities import ClassProbabilities
from ssl_models.classifier import Classifier
from ssl_models.fixed_encoder import FixedEncoder
from ssl_models.fusion import Fusion
from ssl_models.kinds import KINDS
from ssl_models.presets import PRESETS
from ssl_models.storage import load

__all__ = ["KINDS", "PRESETS", "ClassProbabilities", "Classifier", "FixedEncoder", "Fusion", "load"]
