"""Metrics of gene expression: tight pairs, rows, gaps between clusters, laws of values, biology."""

from cohortsmith.evaluation.metrics.expression.registry import EXPRESSION_METRICS

__all__ = ["EXPRESSION_METRICS"]
