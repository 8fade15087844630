"""What stands first under a decision: leaks that are not excluded, and groups too small to judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.evaluation.privacy.criteria import GROUPS, LARGEST_BY_CHANCE, NEAR, decides, excess
from cohortsmith.evaluation.privacy.scoring import WHITE_BOX
from cohortsmith.evaluation.privacy.targets import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.evaluation.privacy.criteria import AttackResults
    from cohortsmith.evaluation.privacy.membership_attacks import Attack
    from cohortsmith.evaluation.privacy.policy import Policy

LEAST_MARGIN = 0.005  # between 0.5 and a limit: a policy may set it at 0.5 itself


def statements(found: AttackResults, policy: Policy, n_holdout: int) -> tuple[str, ...]:
    """Sentences on the largest leak that is not excluded, and on the groups that are too small to judge.

    Args:
        found: results of the attacks.
        policy: the limits.
        n_holdout: samples of the holdout.
    """
    said = []
    attacks = [a for a in found.attacks if a.name != WHITE_BOX]
    everybody = [a for a in attacks if a.group == EVERYBODY]
    if everybody:
        most = max(a.joint.high for a in everybody)
        said.append(
            f"Not excluded, on all patients: an attack with an AUC of up to {most:.3f} (98 %, {everybody[0].compared} "
            "attacks allowed for)"
        )
    shares = [excess(e, n_holdout)[2] for e in found.figures if e.name in NEAR and e.ok]
    if shares:
        said.append(f"Not excluded: {max(*shares, 0):.1%} of the virtual patients are near copies")
    criterion = policy["worst_attack_auc"]
    small = [g for g in _groups(attacks) if not decides(_of(attacks, g), criterion.limit)]
    few = [GROUPS.get(group, group) for group in small if group != EVERYBODY]
    few += [GROUPS.get(group, group) for group in found.left_out]
    if few:
        said.append(f"Too few patients to judge separately: {', '.join(few)}")
    return tuple(said)


def patients_needed(policy: Policy, holdout_share: float) -> int:
    """Patients, train and holdout together, from which an honest cohort is likely to pass.

    From the standard error of an AUC near 0.5, the root of (1 / m + 1 / n) / 12: `LARGEST_BY_CHANCE` of them must lie
    between 0.5 and the limit.

    Args:
        policy: the limits.
        holdout_share: share of the patients in the holdout.
    """
    error = max(policy["worst_attack_auc"].limit - 0.5, LEAST_MARGIN) / LARGEST_BY_CHANCE
    return int(np.ceil(1 / (12 * error**2 * holdout_share * (1 - holdout_share)) / 10) * 10)


def _groups(attacks: Sequence[Attack]) -> list[str]:
    return list(dict.fromkeys(a.group for a in attacks))


def _of(attacks: Sequence[Attack], group: str) -> list[Attack]:
    return [a for a in attacks if a.group == group]
