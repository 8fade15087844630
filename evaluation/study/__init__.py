"""Results of a utility study: gains with intervals, tables, verdicts."""

from cohortsmith.evaluation.study.paired_gains import (
    ARM,
    HELPS,
    HURTS,
    LOWER,
    METRICS,
    TASK,
    VIRTUAL,
    best_on_validation,
    gains,
    gains_over,
)
from cohortsmith.evaluation.study.results import FUSED, POINTS, Arm, Gain, Results, Task, real

__all__ = [
    "ARM",
    "Arm",
    "FUSED",
    "Gain",
    "HELPS",
    "HURTS",
    "LOWER",
    "METRICS",
    "POINTS",
    "Results",
    "TASK",
    "Task",
    "VIRTUAL",
    "best_on_validation",
    "gains",
    "gains_over",
    "real",
]
