"""Expression profiles: the codec and its statistics."""

from cohortsmith.generators.expression.codec import ExpressionCodec
from cohortsmith.generators.expression.log_table import LogTable, floors
from cohortsmith.generators.expression.lowrank import LowRank
from cohortsmith.generators.expression.normal_scores import NormalScores, table_of

__all__ = ["ExpressionCodec", "LogTable", "LowRank", "NormalScores", "floors", "table_of"]
