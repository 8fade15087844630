"""Attacks by a classifier that tells synthetic from known real patients, and by all attacks' scores together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression

from cohortsmith.evaluation.core import boosting, quietly
from cohortsmith.evaluation.metrics.common import shared_basis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cohortsmith.evaluation.privacy.attacks.records import Records

    Floats = NDArray[np.float64]

MAX_GENES = 100  # columns that boosting reads beside principal components
MIN_FITTED = 300  # non-members
REGULARISATION = 0.1  # of the combination: many scores, few patients


def logan(targets: Records, synthetic: Records, known: Records) -> Floats:
    """Log odds of "synthetic" by a discriminator of synthetic and known patients, (n,); Hayes et al. (2019).

    Their black-box attack with some real samples known (section 4.3). The discriminator is gradient boosting in the
    basis of DOMIAS.
    """
    points, made, seen = shared_basis(targets.x, synthetic.x, known.x)
    return _odds(points, made, seen)


def boosted_with_class(targets: Records, synthetic: Records, known: Records) -> Floats:
    """The same with the class, and up to 100 columns as they are, among the features."""
    parts = shared_basis(targets.x, synthetic.x, known.x)
    at = np.unique(np.linspace(0, targets.x.shape[1] - 1, MAX_GENES).round().astype(np.int64))
    sides = zip(parts, (targets, synthetic, known), strict=True)
    x, made, seen = (np.column_stack([points, side.x[:, at], side.y]) for points, side in sides)
    return _odds(x, made, seen)


def combined(
    members: Sequence[NDArray[Any]], non_members: Sequence[NDArray[Any]], halves: tuple[NDArray[Any], NDArray[Any]]
) -> tuple[Floats, Floats]:
    """Log odds of "member" by logistic regression on the ranks of all attacks' scores, (m,) and (n,).

    The regression is fitted to one half of the targets and scores the other, and the other way round: nobody's
    membership is used in the score of that same patient. With fewer than 300 non-members a regression would learn
    noise: the score is the mean rank then.

    Args:
        members: scores (m,) of each attack.
        non_members: scores (n,) of each attack.
        halves: 0 or 1 for each member and non-member.
    """
    cut = len(members[0])
    ranks = [rankdata(np.concatenate(pair)) for pair in zip(members, non_members, strict=True)]
    x = np.column_stack(ranks) / len(ranks[0]) - 0.5
    if len(x) - cut < MIN_FITTED:
        mean: Floats = x.mean(axis=1)
        return mean[:cut], mean[cut:]
    y, half = np.repeat([1, 0], [cut, len(x) - cut]), np.concatenate(halves)
    score = np.zeros(len(x))
    for part in (0, 1):
        fitted, scored = half != part, half == part
        if len(np.unique(y[fitted])) < 2 or not scored.any():
            continue
        with quietly():
            model = LogisticRegression(C=REGULARISATION, class_weight="balanced").fit(x[fitted], y[fitted])
        score[scored] = model.decision_function(x[scored])
    return score[:cut], score[cut:]


def _odds(x: NDArray[Any], made: NDArray[Any], seen: NDArray[Any]) -> Floats:
    y = np.repeat([1, 0], [len(made), len(seen)])
    with quietly():
        odds: Floats = boosting(np.concatenate([made, seen]), y, 0).decision_function(x)
    return odds
