"""Power: the smallest leak that so many patients would have shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import beta, binom, norm

from cohortsmith.evaluation.core import Z
from cohortsmith.evaluation.metrics.common import FALSE_POSITIVES as RATE
from cohortsmith.evaluation.metrics.common import LEAST, LEAST_FOR_TPR

if TYPE_CHECKING:
    from collections.abc import Callable

POWER = 0.8
AWAY = Z + float(norm.ppf(POWER))


class Leak(NamedTuple):
    """The smallest leak that would have been told from none, None where no leak would or with fewer than 20 on a side.

    Attributes:
        auc: AUC of an attack.
        tpr: share of members found at 1 % false positives; None also with fewer than 100 non-members.
    """

    auc: float | None
    tpr: float | None


def smallest_leak(n_members: int, n_non_members: int) -> Leak:
    """Smallest AUC and smallest TPR at 1 % FPR whose 95 % interval would lie above chance in 80 % of audits.

    Args:
        n_members: members attacked.
        n_non_members: non-members attacked.
    """
    if min(n_members, n_non_members) < LEAST:
        return Leak(None, None)
    return Leak(_auc(n_members, n_non_members), _tpr(n_members, n_non_members))


def _auc(m: int, n: int) -> float | None:
    """1.96 + 0.84 standard errors by Hanley and McNeil (1982, Radiology 143:29) away from one half."""

    def margin(a: float) -> float:
        q1, q2 = a / (2 - a), 2 * a**2 / (1 + a)
        spread = a * (1 - a) + (m - 1) * (q1 - a**2) + (n - 1) * (q2 - a**2)
        return a - 0.5 - AWAY * float(np.sqrt(spread / (m * n)))

    return _root(margin, 0.5)


def _tpr(m: int, n: int) -> float | None:
    """What lies above chance by its members' binomial error and its uncertain threshold together, squared and added.

    Threshold: the bootstrap's low end stands where it is the r-th highest non-member, the highest that a resample puts
    at its 1 % in 2.5 % of draws; in 80 % of audits that one's own false positive rate is above a quantile of Beta(r,
    n - r + 1). Scores are taken as two normal distributions a shift apart to go from there to 1 %.
    """
    if n < LEAST_FOR_TPR:
        return None
    allowed = int(RATE * n)
    ranks = np.arange(1, n + 1)
    r = int(ranks[np.argmax(binom.sf(allowed, n, ranks / n) >= 0.025)])
    false = float(beta.ppf(1 - POWER, r, n - r + 1))
    threshold = float(norm.cdf(2 * norm.ppf(RATE) - norm.ppf(false)))
    binomial = _root(lambda t: t - RATE - AWAY * float(np.sqrt(t * (1 - t) / m)), RATE)
    if binomial is None:
        return None
    both = RATE + float(np.hypot(threshold - RATE, binomial - RATE))
    return both if both < 1 else None


def _root(margin: Callable[[float], float], start: float) -> float | None:
    """Smallest value above `start` from which the margin is positive; None where it never is."""
    grid = np.linspace(start, 1 - 1e-6, 2000)[1:]
    above = np.asarray([margin(v) > 0 for v in grid])
    if not above.any():
        return None
    first = int(np.argmax(above))
    return float(grid[0]) if first == 0 else float(brentq(margin, grid[first - 1], grid[first]))
