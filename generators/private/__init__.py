"""Differentially private fits: the budget, and codecs whose statistics are charged to it."""

from cohortsmith.generators.private.budget import IMPUTED, PrivateCodec, Spending, StatisticsBudget, check
from cohortsmith.generators.private.expression_codec import PrivateExpressionCodec
from cohortsmith.generators.private.image_codec import PrivateImageCodec

__all__ = [
    "IMPUTED",
    "PrivateCodec",
    "PrivateExpressionCodec",
    "PrivateImageCodec",
    "Spending",
    "StatisticsBudget",
    "check",
]
