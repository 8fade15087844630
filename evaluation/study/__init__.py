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
from cohortsmith.evaluation.study.results import FUSED, POINTS, Gain, Results, StudyArm, StudyTask, real

__all__ = [
    "ARM",
    "StudyArm",
    "FUSED",
    "Gain",
    "HELPS",
    "HURTS",
    "LOWER",
    "METRICS",
    "POINTS",
    "Results",
    "TASK",
    "StudyTask",
    "VIRTUAL",
    "best_on_validation",
    "gains",
    "gains_over",
    "real",
]
