"""`VIEWS`: how cohorts of each data kind are compared; a new kind is one more entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cohortsmith.data.kinds import EXPRESSION, IMAGE, SEQUENCE
from cohortsmith.evaluation.spaces.expression_view import ExpressionView
from cohortsmith.evaluation.spaces.image_view import ImageView
from cohortsmith.evaluation.spaces.sequence_view import SequenceView

if TYPE_CHECKING:
    from cohortsmith.evaluation.spaces.kind_view import KindView

VIEWS: dict[str, type[KindView]] = {EXPRESSION: ExpressionView, SEQUENCE: SequenceView, IMAGE: ImageView}
