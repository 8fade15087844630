"""Fidelity, utility and privacy of a synthetic cohort, each beside what real data score against real data."""

from cohortsmith.evaluation.core import Comparison, Estimate, ImageModels, Learned, Metric
from cohortsmith.evaluation.metrics import METRICS
from cohortsmith.evaluation.scorecard import Report, evaluate

__all__ = ["Comparison", "Estimate", "ImageModels", "Learned", "METRICS", "Metric", "Report", "evaluate"]
