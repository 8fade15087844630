"""Power: the smallest leak that so many patients would have shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from evaluation.intervals import Z

if TYPE_CHECKING:
    from collections.abc import Callable

POWER = 0.8
RATE = 0.01
LEAST_FOR_TPR = 100


class Leak(NamedTuple):
    """The smallest leak that would have been told from none, None where no leak would.

    Attributes:
        auc: AUC of an attack.
        tpr: share of members found at 1 % false positives; None also with fewer than 100 non-members.
    """

    auc: float | None
    tpr: float | None


def smallest_leak(n_members: int, n_non_members: int) -> Leak:
    """Smallest AUC and smallest TPR at 1 % FPR whose 95 % interval would lie above chance in 80 % of audits.

    Normal approximation: the leak is at least 1.96 + 0.84 standard errors away from chance. AUC: Hanley and McNeil
    (1982, Radiology 143:29). TPR: binomial, and the threshold is uncertain with the non-members; along two normal
    distributions of scores a shift apart, a threshold off by d false positives costs d times the slope of their ROC.

    Args:
        n_members: members attacked.
        n_non_members: non-members attacked.
    """
    away = Z + float(norm.ppf(POWER))

    def auc_margin(a: float) -> float:
        q1, q2 = a / (2 - a), 2 * a**2 / (1 + a)
        m, n = n_members, n_non_members
        spread = a * (1 - a) + (m - 1) * (q1 - a**2) + (n - 1) * (q2 - a**2)
        return a - 0.5 - away * float(np.sqrt(spread / (m * n)))

    def tpr_margin(t: float) -> float:
        shift = norm.ppf(t) - norm.ppf(RATE)
        slope = float(np.exp(shift * norm.isf(RATE) - shift**2 / 2))
        variance = t * (1 - t) / n_members + slope**2 * RATE * (1 - RATE) / n_non_members
        return t - RATE - away * float(np.sqrt(variance))

    return Leak(_root(auc_margin, 0.5), _root(tpr_margin, RATE) if n_non_members >= LEAST_FOR_TPR else None)


def _root(margin: Callable[[float], float], start: float) -> float | None:
    """Smallest value above `start` from which the margin is positive."""
    grid = np.linspace(start, 1 - 1e-6, 2000)
    signs = np.asarray([margin(v) > 0 for v in grid])
    if not signs.any():
        return None
    first = int(np.argmax(signs))
    return float(grid[0]) if first == 0 else float(brentq(margin, grid[first - 1], grid[first]))
