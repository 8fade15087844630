"""Statistics of many attacks at once: AUCs by patient, intervals that hold together, and an exact count test.

Every attack on every group is a look at the same patients, so looks are correlated. Their intervals are widened by one
factor, the 98 % quantile of the largest standardised error of all looks (max-T; Hothorn, Bretz and Westfall 2008, Biom.
J. 50:346), from the influence of each patient on each AUC (DeLong et al. 1988, Biometrics 44:837).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import ndtr, stdtrit
from scipy.stats import hypergeom, rankdata

from cohortsmith.evaluation.core import Interval, Z
from cohortsmith.evaluation.privacy.attack_settings import JOINT_STREAM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SIMULATED = 2000  # draws of the largest error
JOINT = 0.98  # confidence of all intervals together


class Scores(NamedTuple):
    """Scores of one attack on one group, one per patient.

    Attributes:
        members: (m,), higher is more likely a member.
        non_members: (n,).
        member_ids: (m,) numbers of the patients.
        non_member_ids: (n,).
    """

    members: Floats
    non_members: Floats
    member_ids: NDArray[np.int64]
    non_member_ids: NDArray[np.int64]


class Look(NamedTuple):
    """AUC of an attack on a group, and what each patient contributes to its error.

    Attributes:
        value: AUC, the mean over parts.
        error: standard error; at least Hanley and McNeil's half a pair away from a perfect AUC.
        ids: (p,) numbers of the patients.
        influence: (p,) their contributions, which sum to zero.
    """

    value: float
    error: float
    ids: NDArray[np.int64]
    influence: Floats

    def interval(self, factor: float = Z) -> Interval:
        """The AUC with so many standard errors to either side."""
        half = factor * self.error
        return Interval(self.value, max(0.0, self.value - half), min(1.0, self.value + half))


def wider_for_few(factor: float, patients: int) -> float:
    """So many standard errors of a normal distribution as those of Student's t, as the error is estimated from few."""
    return float(stdtrit(max(patients - 1, 1), ndtr(factor)))


def by_patient(scores: NDArray[Any], patients: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """Mean score of the rows of each patient, (p,), and the patients' numbers."""
    ids, at = np.unique(patients, return_inverse=True)
    return np.bincount(at, scores) / np.bincount(at), ids


def look_at(parts: Sequence[Scores], *, inflation: float = 1.0) -> Look:
    """Mean AUC over parts, each with members and non-members of its own; patients may recur in several.

    With one part the error is DeLong's. With the parts of an audit in folds, a patient who is a non-member once and a
    member otherwise contributes to both sides, which cancels what makes that patient easy to recognise anyway.

    Args:
        parts: scores, ranked within each part only.
        inflation: factor on the variance, where parts share their errors.
    """
    values, ids, shares, least = [], [], [], 0.0
    for part in parts:
        m, n = len(part.members), len(part.non_members)
        ranks = rankdata(np.concatenate([part.members, part.non_members]))
        over = (ranks[:m] - rankdata(part.members)) / n
        under = 1 - (ranks[m:] - rankdata(part.non_members)) / m
        value = float(over.mean())
        values.append(value)
        ids += [part.member_ids, part.non_member_ids]
        shares += [(over - value) / m, (under - value) / n]
        least += _near_perfect(value, m, n)
    every, at = np.unique(np.concatenate(ids), return_inverse=True)
    influence = np.asarray(np.bincount(at, np.concatenate(shares)) / len(parts), dtype=np.float64)
    p = len(every)
    error = float(np.sqrt((influence**2).sum() * p / max(p - 1, 1) * inflation))
    return Look(float(np.mean(values)), max(error, np.sqrt(least) / len(parts)), every, influence)


def joint_factor(looks: Sequence[Look], *, independent: int = 0, seed: int = 0) -> float:
    """Standard errors to either side that hold for all looks together in 98 %, by simulation.

    An accusation by the upper side is then wrong in 1 of 100 audits; other criteria take their share of 5 %.

    Args:
        looks: on the same patients.
        independent: further looks whose error is taken as independent.
        seed: of the simulation.
    """
    rng = np.random.default_rng([seed, JOINT_STREAM])
    most = np.zeros(SIMULATED)
    used = [look for look in looks if (look.influence**2).sum() > 0]
    if used:
        patients = np.unique(np.concatenate([look.ids for look in used]))
        table = np.zeros((len(patients), len(used)), dtype=np.float32)
        for column, look in enumerate(used):
            scale = float(np.sqrt((look.influence**2).sum()))
            table[np.searchsorted(patients, look.ids), column] = look.influence / scale
        for start in range(0, SIMULATED, 250):
            drawn = rng.standard_normal((250, len(patients)), dtype=np.float32) @ table
            most[start : start + 250] = np.abs(drawn).max(axis=1)
    if independent:
        most = np.maximum(most, np.abs(rng.standard_normal((SIMULATED, independent))).max(axis=1))
    return max(Z, float(np.quantile(most, JOINT)))


def members_above(members: NDArray[Any], non_members: NDArray[Any], allowed: int) -> tuple[int, float]:
    """Members above all but the `allowed` highest non-members, and the chance of so many if no one can be told apart.

    Exact at any size: among the highest j + k of all patients there are at most k non-members (negative
    hypergeometric).

    Args:
        members: (m,) scores.
        non_members: (n,) scores.
        allowed: non-members who may lie above.
    """
    m, n = len(members), len(non_members)
    threshold = np.sort(non_members)[::-1][min(allowed, n - 1)]
    above = int((members > threshold).sum())
    if not above:
        return 0, 1.0
    return above, float(hypergeom.cdf(allowed, m + n, n, above + allowed))


def _near_perfect(value: float, m: int, n: int) -> float:
    """Variance of Hanley and McNeil (1982, Radiology 143:29) of an AUC half a pair away from 0 or 1; else 0."""
    inside = min(max(value, 0.5 / (m * n)), 1 - 0.5 / (m * n))
    if inside == value:
        return 0.0
    q1, q2 = inside / (2 - inside), 2 * inside**2 / (1 + inside)
    return float((inside * (1 - inside) + (m - 1) * (q1 - inside**2) + (n - 1) * (q2 - inside**2)) / (m * n))
