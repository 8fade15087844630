"""Supervised and self-supervised classifiers; still empty."""
