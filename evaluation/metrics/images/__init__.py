"""Metrics of images: Frechet and kernel distance, pixels, modes, near copies."""

from cohortsmith.evaluation.metrics.images.near_copies import LEAST, NULL, TRAIN_LIMIT, share_within
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
