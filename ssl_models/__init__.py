"""Supervised and self-supervised classifiers."""

from ssl_models.class_probabilities import ClassProbabilities

__all__ = ["ClassProbabilities"]
