"""Who is attacked: patients of train and of one half of the holdout, and those among them who are easiest to find.

Groups: "all"; "rare classes", those under 5 % of train or else the rarest one; "outlying", the 10 % farthest from the 5
nearest of their own class among those whom the attacker knows; of sequences also "unique sequences", of patients whose
sequence nobody else in train or holdout has.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.evaluation.core import NotEvaluable, nearest, pick, proportional
from cohortsmith.evaluation.metrics.common import LEAST, SYNTHETIC, halves, unique

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

MEMBERS = 4000  # attacked of each side: enough for one false positive in a thousand, small enough for memory
RARE = 0.05
OUTLYING = 0.1
NEIGHBOURS = 5


class AttackSplit(NamedTuple):
    """Who plays which part.

    Everybody is attacked in one of two rounds; in each the attacker knows the half of the holdout that the other round
    attacks, so that all of the holdout are non-members and none is known to who attacks him.

    Attributes:
        members: (m,) rows of train.
        non_members: (n,) rows of the holdout.
        member_round: (m,) round in which each is attacked, 0 or 1.
        non_member_round: (n,) the same.
        known: rows of the holdout that are known in each round.
        synthetic: rows of the synthetic cohort.
        released: rows of train, one half, that stand in the synthetic cohort's place in the control.
        kept: (m,) which members are of the other half.
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
    """The cast of an attack, the same for the same seed.

    Raises:
        NotEvaluable: fewer than 20 samples in a half of the holdout or of train, or 20 synthetic ones.
    """
    return comparison.memo(("cast", seed), partial(_make, comparison, seed))


def _make(c: Comparison, seed: int) -> AttackSplit:
    rng = np.random.default_rng([seed, 81])
    out, apart = halves(c.holdout.y, c.holdout.subjects, rng)
    released, kept = halves(c.train.y, c.train.subjects, rng)
    if min(len(out), len(apart), len(kept), len(c.synthetic)) < LEAST:
        raise NotEvaluable(
            f"an attack needs at least {LEAST} samples in each half of the holdout, in each half of train and in the "
            f"synthetic cohort; there are {min(len(out), len(apart))}, {len(kept)} and {len(c.synthetic)}"
        )
    first, second = out[: MEMBERS // 2], apart[: MEMBERS // 2]
    non_members = np.concatenate([first, second])
    share = np.bincount(c.holdout.y[non_members], minlength=len(c.classes)) / len(non_members)
    members = pick(c.train.y, proportional(share, min(len(c.train), MEMBERS)), rng)
    members = members[np.argsort(c.train.y[members], kind="stable")]  # each class half in either round
    cast = AttackSplit(
        members=members,
        non_members=non_members,
        member_round=np.arange(len(members)) % 2,
        non_member_round=np.repeat([0, 1], [len(first), len(second)]),
        known=(apart[:SYNTHETIC], out[:SYNTHETIC]),
        synthetic=rng.permutation(len(c.synthetic))[:SYNTHETIC],
        released=released[:SYNTHETIC],
        kept=np.isin(members, kept),
        groups={},
    )
    cast.groups.update(_groups(c, cast, rng))
    return cast


def _groups(
    c: Comparison, cast: AttackSplit, rng: np.random.Generator
) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    inside, out = c.train.y[cast.members], c.holdout.y[cast.non_members]
    groups = {"all": (np.ones(len(inside), dtype=bool), np.ones(len(out), dtype=bool))}
    count = np.bincount(c.train.y, minlength=len(c.classes))
    if np.count_nonzero(count) > 1:
        few = np.flatnonzero((count < RARE * count.sum()) & (count > 0))
        few = few if len(few) else np.asarray([np.where(count > 0, count, len(c.train)).argmin()])
        groups["rare classes"] = (np.isin(inside, few), np.isin(out, few))
    far = np.empty(len(inside) + len(out))
    turn = np.concatenate([cast.member_round, cast.non_member_round])
    z, y = np.concatenate([c.z_train[cast.members], c.z_holdout[cast.non_members]]), np.concatenate([inside, out])
    for each, known in enumerate(cast.known):
        now = turn == each
        far[now] = _outlyingness(z[now], y[now], c.z_holdout[known], c.holdout.y[known])
    most = np.lexsort([rng.random(len(far)), -far])[: round(OUTLYING * len(far))]
    far_out = np.isin(np.arange(len(far)), most)
    groups["outlying"] = (far_out[: len(inside)], far_out[len(inside) :])
    if c.train.about.equals_are_usual:
        own, others = unique(c)
        groups["unique sequences"] = (own[cast.members], others[cast.non_members])
    return groups


def _outlyingness(x: Matrix, y: NDArray[np.int64], known: Matrix, known_y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean distance to the 5 nearest known patients of one's own class, or of any where the class has fewer; (n,)."""
    far = np.empty(len(x))
    for own in np.unique(y):
        mine, theirs = y == own, known_y == own
        others = known[theirs] if theirs.sum() >= NEIGHBOURS else known
        far[mine] = nearest(x[mine], others, NEIGHBOURS).mean(axis=1)
    return far
