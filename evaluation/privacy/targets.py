"""Targets of the attacks: patients of train and of the holdout, and the groups among them at the highest risk.

Groups: "all"; "rare classes", those under 5 % of train or else the rarest one; "outlying", the 10 % farthest from the 5
nearest of their own class among the patients known to the attacker; "class X", each class that is large enough; for
sequences also "unique sequences", of patients whose sequence no other patient of train or holdout has; where patients
have samples of several classes, "linked donors", those patients.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.evaluation.core import NotEvaluable, nearest, pick, proportional
from cohortsmith.evaluation.metrics.common import halves, unique
from cohortsmith.evaluation.privacy.attack_settings import (
    ATTACK_SPLIT_STREAM,
    MAX_MEMBERSHIP_TARGETS,
    MAX_SYNTHETIC,
    MIN_SAMPLES,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

RARE = 0.05
OUTLYING = 0.1
NEIGHBOURS = 5
EVERYBODY, RARE_CLASSES, LINKED, CLASS = "all", "rare classes", "linked donors", "class "


class AttackSplit(NamedTuple):
    """Rows of the cohorts for each part of a membership attack.

    Each target is attacked in one of two rounds. In each round the attacker knows the half of the holdout that the
    other round attacks: so all of the holdout are non-members, and no attacker knows a target.

    Attributes:
        members: (m,) rows of train.
        non_members: (n,) rows of the holdout.
        member_round: (m,) round in which each is attacked, 0 or 1.
        non_member_round: (n,) the same.
        known: rows of the holdout that are known in each round.
        synthetic: rows of the synthetic cohort.
        released: rows of one half of train, which replaces the synthetic cohort in the control.
        kept: (m,) which members are in the other half.
        groups: masks of members, (m,), and of non-members, (n,), by name.
    """

    members: NDArray[np.int64]
    non_members: NDArray[np.int64]
    member_round: NDArray[np.int64]
    non_member_round: NDArray[np.int64]
    known: tuple[NDArray[np.int64], NDArray[np.int64]]
    synthetic: NDArray[np.int64]
    released: NDArray[np.int64]
    kept: NDArray[np.bool_]
    groups: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]


def attack_split(comparison: Comparison, seed: int) -> AttackSplit:
    """Split for the membership attacks, the same for the same seed.

    Raises:
        NotEvaluable: fewer than 20 samples in a half of the holdout or of train, or 20 synthetic ones.
    """
    return comparison.memo(("attack split", seed), partial(_make, comparison, seed))


def _make(c: Comparison, seed: int) -> AttackSplit:
    rng = np.random.default_rng([seed, ATTACK_SPLIT_STREAM])
    first_half, second_half = halves(c.holdout.y, c.holdout.subjects, rng)
    released, kept = halves(c.train.y, c.train.subjects, rng)
    if min(len(first_half), len(second_half), len(kept), len(c.synthetic)) < MIN_SAMPLES:
        raise NotEvaluable(
            f"an attack needs at least {MIN_SAMPLES} samples in each half of the holdout, in each half of train and in "
            "the synthetic cohort; there are "
            f"{min(len(first_half), len(second_half))}, {len(kept)} and {len(c.synthetic)}"
        )
    first, second = first_half[: MAX_MEMBERSHIP_TARGETS // 2], second_half[: MAX_MEMBERSHIP_TARGETS // 2]
    non_members = np.concatenate([first, second])
    share = np.bincount(c.holdout.y[non_members], minlength=len(c.classes)) / len(non_members)
    members = pick(c.train.y, proportional(share, min(len(c.train), MAX_MEMBERSHIP_TARGETS)), rng)
    members = members[np.argsort(c.train.y[members], kind="stable")]  # half of each class in either round
    split = AttackSplit(
        members=members,
        non_members=non_members,
        member_round=np.arange(len(members)) % 2,
        non_member_round=np.repeat([0, 1], [len(first), len(second)]),
        known=(second_half[:MAX_SYNTHETIC], first_half[:MAX_SYNTHETIC]),
        synthetic=rng.permutation(len(c.synthetic))[:MAX_SYNTHETIC],
        released=released[:MAX_SYNTHETIC],
        kept=np.isin(members, kept),
        groups={},
    )
    split.groups.update(_groups(c, split, rng))
    return split


def _groups(
    c: Comparison, split: AttackSplit, rng: np.random.Generator
) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    inside, out = c.train.y[split.members], c.holdout.y[split.non_members]
    groups = {EVERYBODY: (np.ones(len(inside), dtype=bool), np.ones(len(out), dtype=bool))}
    classes = of_classes(c.train)
    rare = classes.pop(RARE_CLASSES, None)
    if rare is not None:
        groups[RARE_CLASSES] = (np.isin(inside, rare), np.isin(out, rare))
    far = np.empty(len(inside) + len(out))
    rounds = np.concatenate([split.member_round, split.non_member_round])
    z, y = np.concatenate([c.z_train[split.members], c.z_holdout[split.non_members]]), np.concatenate([inside, out])
    for turn, known in enumerate(split.known):
        now = rounds == turn
        far[now] = _outlyingness(z[now], y[now], c.z_holdout[known], c.holdout.y[known])
    most = np.lexsort([rng.random(len(far)), -far])[: round(OUTLYING * len(far))]
    far_out = np.isin(np.arange(len(far)), most)
    groups["outlying"] = (far_out[: len(inside)], far_out[len(inside) :])
    if c.train.about.equals_are_usual:
        own, others = unique(c)
        groups["unique sequences"] = (own[split.members], others[split.non_members])
    linked = _of_several_classes(c.train), _of_several_classes(c.holdout)
    if min(side.sum() for side in linked) >= MIN_SAMPLES:
        groups[LINKED] = (linked[0][split.members], linked[1][split.non_members])
    groups |= {name: (np.isin(inside, labels), np.isin(out, labels)) for name, labels in classes.items()}
    return groups


def of_classes(cohort: Cohort) -> dict[str, NDArray[np.int64]]:
    """Labels of the groups made of classes: the rare ones, under 5 % or else the rarest, and each; none of one."""
    count = np.bincount(cohort.y, minlength=len(cohort.classes))
    if np.count_nonzero(count) < 2:
        return {}
    rare = np.flatnonzero((count < RARE * count.sum()) & (count > 0))
    rarest = np.asarray([np.where(count > 0, count, len(cohort)).argmin()])
    each = {f"{CLASS}{name}": np.asarray([label]) for label, name in enumerate(cohort.classes)}
    return {RARE_CLASSES: rare if len(rare) else rarest} | each


def _of_several_classes(cohort: Cohort) -> NDArray[np.bool_]:
    """Rows (n,) of patients who have samples of several classes, as tumour and normal."""
    _, patient = np.unique(cohort.subjects, return_inverse=True)
    pairs = np.unique(np.column_stack([patient, cohort.y]), axis=0)
    several: NDArray[np.bool_] = np.bincount(pairs[:, 0])[patient] > 1
    return several


def _outlyingness(x: Matrix, y: NDArray[np.int64], known: Matrix, known_y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean distance to the 5 nearest known patients of the same class, or of any if the class has fewer; (n,)."""
    far = np.empty(len(x))
    for own in np.unique(y):
        mine, theirs = y == own, known_y == own
        others = known[theirs] if theirs.sum() >= NEIGHBOURS else known
        far[mine] = nearest(x[mine], others, NEIGHBOURS).mean(axis=1)
    return far


def one_per_patient(subjects: NDArray[np.str_], rng: np.random.Generator) -> NDArray[np.int64]:
    """One row of each patient, drawn at random, (patients,)."""
    order = rng.permutation(len(subjects))
    return order[np.unique(subjects[order], return_index=True)[1]]
