"""Near copies of whole profiles: synthetic samples nearer to train than all but the nearest 1 % of new real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.evaluation.core import Finding, NotEvaluable, nearest
from cohortsmith.evaluation.metrics.images import LEAST, NULL, share_within

if TYPE_CHECKING:
    from cohortsmith.evaluation.spaces import Comparison

LIMIT = 5000


def near_copies(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic profiles nearer to a train record than the holdout's 1 % quantile of that distance.

    New real samples, by construction, come this near in 1 of 100: the data-copying test of Meehan et al. (2020) at
    one quantile. Classes are drawn in the holdout's proportions, since some stand closer together than others.
    Reference: one half of the holdout against the quantile of the other.

    Raises:
        NotEvaluable: fewer than 100 holdout samples, or fewer than 20 a side.
    """
    draw = comparison.draw(LIMIT, seed)
    if len(draw) < LEAST:
        raise NotEvaluable(
            f"the nearest 1 % of the holdout needs at least {LEAST} samples a side, there are {len(draw)}"
        )
    real, made = (nearest(side, comparison.z_train)[:, 0] for side in (draw.real, draw.synthetic))
    half, rest = real[: len(real) // 2], real[len(real) // 2 :]
    return Finding(
        *share_within(made, real),
        reference=(share_within(half, rest).value + share_within(rest, half).value) / 2,
        chance=NULL,
        interval="Wilson, of as many samples as both cohorts are worth",
        detail={"n": len(draw), "median": float(np.median(made)), "median_reference": float(np.median(real))},
    )
