"""Fidelity, utility and privacy of a synthetic cohort, each beside what real data score against real data."""

from evaluation.comparison import Comparison
from evaluation.estimate import Estimate, Metric
from evaluation.eyes import Eyes, Learned
from evaluation.metrics import METRICS
from evaluation.report import Report, evaluate

__all__ = ["METRICS", "Comparison", "Estimate", "Eyes", "Learned", "Metric", "Report", "evaluate"]
