"""Metrics of images: Frechet and kernel distances, pixels, modes, near-copies."""

from cohortsmith.evaluation.metrics.images.near_copies import NULL, TRAIN_SAMPLES, near_copies_registered, share_within
from cohortsmith.evaluation.metrics.images.nearest import Neighbour, nearer_than, neighbours
from cohortsmith.evaluation.metrics.images.registry import IMAGE_METRICS

__all__ = [
    "IMAGE_METRICS",
    "NULL",
    "Neighbour",
    "TRAIN_SAMPLES",
    "near_copies_registered",
    "nearer_than",
    "neighbours",
    "share_within",
]
