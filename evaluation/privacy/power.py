"""Power: the smallest leak that an audit of a given size detects."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import beta, binom, norm

from cohortsmith.evaluation.core import MIN_FOR_1_PERCENT, Z
from cohortsmith.evaluation.metrics.common import FALSE_POSITIVES as RATE
from cohortsmith.evaluation.privacy.attack_settings import MIN_SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable

POWER = 0.8
DETECTABLE = Z + float(norm.ppf(POWER))


class Leak(NamedTuple):
    """Minimum detectable leak at 80 % power; None where none is detectable, or with fewer than 20 patients on a side.

    Attributes:
        auc: AUC of an attack.
        tpr: TPR at 1 % FPR; None also with fewer than 100 non-members.
    """

    auc: float | None
    tpr: float | None


def smallest_leak(n_members: int, n_non_members: int) -> Leak:
    """Smallest AUC and smallest TPR at 1 % FPR whose 95 % interval would lie above chance in 80 % of audits.

    Args:
        n_members: target members.
        n_non_members: target non-members.
    """
    if min(n_members, n_non_members) < MIN_SAMPLES:
        return Leak(None, None)
    return Leak(_auc(n_members, n_non_members), _tpr(n_members, n_non_members))


def _auc(m: int, n: int) -> float | None:
    """AUC 1.96 + 0.84 standard errors above 0.5; Hanley and McNeil (1982, Radiology 143:29)."""

    def margin(a: float) -> float:
        q1, q2 = a / (2 - a), 2 * a**2 / (1 + a)
        spread = a * (1 - a) + (m - 1) * (q1 - a**2) + (n - 1) * (q2 - a**2)
        return a - 0.5 - DETECTABLE * float(np.sqrt(spread / (m * n)))

    return _root(margin, 0.5)


def _tpr(m: int, n: int) -> float | None:
    """TPR above chance by the binomial error of members and the error of the threshold, as the root of summed squares.

    Threshold: the lower end of the bootstrap takes the r-th highest non-member as threshold, the highest that 2.5 % of
    resamples place at 1 %; in 80 % of audits its false-positive rate is above a quantile of Beta(r, n - r + 1). The
    step from there to 1 % assumes scores of two shifted normal distributions.
    """
    if n < MIN_FOR_1_PERCENT:
        return None
    allowed = int(RATE * n)
    ranks = np.arange(1, n + 1)
    r = int(ranks[np.argmax(binom.sf(allowed, n, ranks / n) >= 0.025)])
    false = float(beta.ppf(1 - POWER, r, n - r + 1))
    threshold = float(norm.cdf(2 * norm.ppf(RATE) - norm.ppf(false)))
    binomial = _root(lambda t: t - RATE - DETECTABLE * float(np.sqrt(t * (1 - t) / m)), RATE)
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
