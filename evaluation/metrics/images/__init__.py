"""Metrics of images: Frechet and kernel distances, pixels, modes, near-copies."""

from cohortsmith.evaluation.core import MIN_FOR_1_PERCENT as LEAST
from cohortsmith.evaluation.metrics.images.near_copies import NULL, share_within
from cohortsmith.evaluation.metrics.images.near_copies import TRAIN_SAMPLES as TRAIN_LIMIT
from cohortsmith.evaluation.metrics.images.nearest import Neighbour, nearer_than, neighbours
from cohortsmith.evaluation.metrics.images.registry import IMAGE_METRICS

__all__ = [
    "IMAGE_METRICS",
    "LEAST",
    "NULL",
    "Neighbour",
    "TRAIN_LIMIT",
    "nearer_than",
    "neighbours",
    "share_within",
]
