"""The scorecard: every metric of one comparison, and a verdict in words."""

from cohortsmith.evaluation.scorecard.report import Report, evaluate
from cohortsmith.evaluation.scorecard.verdict import RULE, Reading, judge, line_of, read

__all__ = ["RULE", "Reading", "Report", "evaluate", "judge", "line_of", "read"]
