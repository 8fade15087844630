"""Every metric by name, `METRICS`, and those of them that are areas of membership attacks, `ATTACK_AUCS`."""

from cohortsmith.evaluation.metrics.registry import ATTACK_AUCS, METRICS

__all__ = ["ATTACK_AUCS", "METRICS"]
