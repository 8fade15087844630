"""Fidelity, utility and privacy of a synthetic cohort, each beside what real data score against real data."""

from cohortsmith.evaluation.core import Estimate, ImageModels, Learned
from cohortsmith.evaluation.metrics import METRICS
from cohortsmith.evaluation.metrics.common import Metric
from cohortsmith.evaluation.scorecard import Report, evaluate
from cohortsmith.evaluation.spaces import Comparison

__all__ = ["Comparison", "Estimate", "ImageModels", "Learned", "METRICS", "Metric", "Report", "evaluate"]
