"""What differs between train and the holdout, where an attack tells real patients apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

if TYPE_CHECKING:
    from cohortsmith.evaluation.spaces import Comparison

NAMED = 3  # columns
MAX_COLUMNS = 20_000


def differences(comparison: Comparison) -> str:
    """The columns whose means within classes differ most, in words; "" if none differs beyond chance.

    A difference is named if its t statistic exceeds Bonferroni's bound at 1 % for all columns; figures are in standard
    deviations of train.
    """
    c = comparison
    own, theirs = c.z_train[:, :MAX_COLUMNS], c.z_holdout[:, :MAX_COLUMNS]
    shift = np.zeros(own.shape[1])
    weight = 0.0
    variance = np.zeros(own.shape[1])
    for label in np.intersect1d(c.train.y, c.holdout.y):
        a, b = own[c.train.y == label], theirs[c.holdout.y == label]
        if min(len(a), len(b)) < 3:
            continue
        shift += len(b) * (b.mean(axis=0, dtype=np.float64) - a.mean(axis=0, dtype=np.float64))
        variance += len(b) ** 2 * (a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
        weight += len(b)
    if not weight:
        return ""
    t = np.abs(shift) / np.sqrt(np.maximum(variance, 1e-12))
    found = np.flatnonzero(t > norm.isf(0.005 / len(t)))
    if not len(found):
        return ""
    names = c.columns
    top = found[np.argsort(-t[found])][:NAMED]
    words = ", ".join(f"{names[j] if j < len(names) else j} by {shift[j] / weight:+.2f} sd" for j in top)
    return f"{len(found)} of {len(t)} columns differ in their mean, most of all {words}"
