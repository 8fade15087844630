"""Every metric by name, `METRICS`."""

from cohortsmith.evaluation.metrics.registry import METRICS

__all__ = ["METRICS"]
