"""Supervised and self-supervised classifiers, and an encoder that has learnt nothing."""

from ssl_models.class_probabilities import ClassProbabilities
from ssl_models.fixed_encoder import FixedEncoder
from ssl_models.image_classifier import ImageClassifier

__all__ = ["ClassProbabilities", "FixedEncoder", "ImageClassifier"]
