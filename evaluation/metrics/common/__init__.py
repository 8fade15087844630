"""Metrics defined for more than one data kind, and those of expression profiles."""

from cohortsmith.evaluation.core import LARGE_SAMPLES_PER_SIDE as LIMIT
from cohortsmith.evaluation.core import MIN_FOR_1_PERCENT as LEAST_FOR_TPR
from cohortsmith.evaluation.core import MIN_PER_SIDE as LEAST
from cohortsmith.evaluation.metrics.common.joint import frechet_in, kernel_sums, mmd_from_sums, pearson
from cohortsmith.evaluation.metrics.common.membership import (
    ATTACKS,
    FALSE_POSITIVES,
    SYNTHETIC,
    gan_leaks,
    halves,
    shared_basis,
    true_positive_rate,
    unique,
)
from cohortsmith.evaluation.metrics.common.metric import Metric
from cohortsmith.evaluation.metrics.common.per_gene import wasserstein_by_column

__all__ = [
    "ATTACKS",
    "FALSE_POSITIVES",
    "LEAST",
    "LEAST_FOR_TPR",
    "LIMIT",
    "Metric",
    "SYNTHETIC",
    "frechet_in",
    "gan_leaks",
    "halves",
    "kernel_sums",
    "mmd_from_sums",
    "pearson",
    "shared_basis",
    "true_positive_rate",
    "unique",
    "wasserstein_by_column",
]
