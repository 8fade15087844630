"""Metrics defined for more than one data kind, and those of expression profiles."""

from cohortsmith.evaluation.metrics.common.joint import frechet_in, kernel_sums, mmd_from_sums, pearson
from cohortsmith.evaluation.metrics.common.membership import (
    ATTACKS,
    FALSE_POSITIVES,
    SYNTHETIC,
    dealt,
    domias,
    gan_leaks,
    halves,
    log_density,
    shared_basis,
    true_positive_rate,
    unique,
)
from cohortsmith.evaluation.metrics.common.metric import Metric
from cohortsmith.evaluation.metrics.common.per_gene import wasserstein_by_column

__all__ = [
    "ATTACKS",
    "FALSE_POSITIVES",
    "Metric",
    "SYNTHETIC",
    "dealt",
    "domias",
    "frechet_in",
    "gan_leaks",
    "halves",
    "log_density",
    "kernel_sums",
    "mmd_from_sums",
    "pearson",
    "shared_basis",
    "true_positive_rate",
    "unique",
    "wasserstein_by_column",
]
