"""The linked donor: another sample of the same patient, as the normal tissue beside a tumour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.evaluation.privacy.attacks.densities import covariance_within
from cohortsmith.evaluation.privacy.attacks.records import Records

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ROWS = 600
MIN_ROWS = 10


def linked_donor(targets: Records, synthetic: Records, known: Records) -> NDArray[np.float64]:
    """The covariance attack within classes, by records of other classes than the target's only, (n,).

    It bounds from above what the release tells about a donor whose other samples were in train.
    """
    score = np.zeros(len(targets.x))
    for label in np.unique(targets.y):
        rows = targets.y == label
        others = [Records(side.x[side.y != label], side.y[side.y != label]) for side in (synthetic, known)]
        if min(len(side.x) for side in others) < MIN_ROWS:
            continue
        made, seen = (covariance_within(Records(side.x[:MAX_ROWS], side.y[:MAX_ROWS])) for side in others)
        mine = Records(targets.x[rows] - _shift(targets, synthetic, label), np.full(rows.sum(), others[0].y[0]))
        theirs = Records(targets.x[rows] - _shift(targets, known, label), np.full(rows.sum(), others[1].y[0]))
        score[rows] = made(_centred(mine, others[0])) - seen(_centred(theirs, others[1]))
    return score


def _shift(targets: Records, side: Records, label: int) -> NDArray[np.float64]:
    """Mean (d,) of the class in these records, or of the targets where they have none."""
    own = side.of_class(label)
    mean: NDArray[np.float64] = (own if len(own) else targets.of_class(label)).mean(axis=0, dtype=np.float64)
    return mean


def _centred(targets: Records, side: Records) -> Records:
    """Centred targets moved to the mean of the class whose label they carry, which the likeness subtracts again."""
    means = side.class_means(1 + int(side.y.max()))
    return Records((targets.x + means[targets.y]).astype(np.float32), targets.y)
