"""Membership attacks in force: every attack, in every space, on everybody and on those who are easiest to find.

Who is attacked: patients of train (members) and of the holdout (non-members), the latter's classes in both. The
attacker holds the synthetic cohort and the half of the holdout whom he does not attack; halves are made by patient.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from cohortsmith.evaluation.core import BLOCK, Interval, Z, auc, boosting, distances, nearest, quietly
from cohortsmith.evaluation.metrics.common import ATTACKS as KNOWN
from cohortsmith.evaluation.metrics.common import LEAST, gan_leaks, shared_basis, true_positive_rate
from cohortsmith.evaluation.privacy.targets import attack_split

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.privacy.targets import AttackSplit
    from cohortsmith.evaluation.spaces import Comparison

    See = Callable[[str, NDArray[np.int64], bool], Matrix]

LEAST_FOR = {0.01: 100, 0.001: 1000}
"""False positive rates, and how many non-members each needs at the least."""
ROUNDS = 200
POINTS = 200
BY_DISTANCE = ("gan_leaks", "gan_leaks_calibrated")  # attacks that may be shown several views of a person


@dataclass(frozen=True, eq=False)
class Attack:
    """What one attack on one group of patients achieved.

    Attributes:
        name: a name in `ATTACKS`.
        group: "all", "rare classes", "outlying" or, of sequences, "unique sequences".
        space: what distances are measured in, in words.
        auc: AUC with its 95 % interval; 0.5 is chance.
        tpr: share of members found at each false positive rate that the non-members suffice for; chance is the rate.
        f1_gain: how much of the way from the naive guess's F1 to 1 the attacker comes, see `f1_over_naive`.
        n_members: members attacked.
        n_non_members: non-members attacked.
        roc: false and true positive rates, ascending from (0, 0) to (1, 1), at most 200 points.
        control: AUC of the same attack on real patients in the synthetic cohort's place, one half of train, the other
            half being the members; None where they are too few.
        compared: how many attacks `auc` is the largest of; its interval allows for that (Bonferroni).
    """

    name: str
    group: str
    auc: Interval
    tpr: Mapping[float, Interval]
    f1_gain: Interval
    n_members: int
    n_non_members: int
    roc: tuple[NDArray[np.float64], NDArray[np.float64]]
    space: str = ""
    control: Interval | None = None
    compared: int = 1


def monte_carlo(x: Matrix, synthetic: Matrix, reference: Matrix) -> NDArray[Any]:
    """Share of synthetic samples within epsilon, (n,); Hilprecht et al. (2019), eq. 4.

    Epsilon is the median distance of those attacked to their nearest synthetic sample, their eq. 8.
    """
    del reference
    epsilon = np.median(nearest(x, synthetic)[:, 0])
    share = np.empty(len(x))
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        share[rows] = (distances(x[rows], synthetic) <= epsilon).mean(axis=1)
    return share


def logan(x: Matrix, synthetic: Matrix, reference: Matrix) -> NDArray[Any]:
    """Log odds that a discriminator of synthetic from reference samples calls it synthetic, (n,); Hayes et al. (2019).

    Their black-box attack with some real samples known (section 4.3). The discriminator is gradient boosting in the
    basis of DOMIAS.
    """
    points, made, known = shared_basis(x, synthetic, reference)
    y = np.repeat([1, 0], [len(made), len(known)])
    with quietly():
        odds: NDArray[Any] = boosting(np.concatenate([made, known]), y, 0).decision_function(points)
    return odds


ATTACKS: dict[str, Callable[[Matrix, Matrix, Matrix], NDArray[Any]]] = {
    **KNOWN,
    "monte_carlo": monte_carlo,
    "logan": logan,
}


def attacks(comparison: Comparison, seed: int) -> list[Attack]:
    """Every attack of `ATTACKS` on every group of `attacked` that is large enough.

    Images also as a fixed network sees them, and in eight orientations: a generator may turn what it copies.

    Raises:
        NotEvaluable: fewer than 20 patients in a half of the holdout or of train, or 20 synthetic samples.
    """
    return comparison.memo(("all attacks", seed), lambda: _attacks(comparison, seed))


def groups_left_out(comparison: Comparison, seed: int) -> dict[str, str]:
    """Groups that are too small to be attacked by themselves, and why."""
    cast = attack_split(comparison, seed)
    return {
        group: f"it needs at least {LEAST} members and as many non-members, there are {inside.sum()} and {out.sum()}"
        for group, (inside, out) in cast.groups.items()
        if min(inside.sum(), out.sum()) < LEAST
    }


def worst(found: Sequence[Attack]) -> Attack:
    """The attack with the largest AUC; its interval allows for having been chosen from all of them.

    Bonferroni over attacks, spaces and groups: with m of them, each end is the one of a 1 - 0.05 / m interval.
    """
    most = max(found, key=lambda attack: attack.auc.value)
    return replace(most, auc=allowing_for(most.auc, len(found)), compared=len(found))


def f1_over_naive(members: NDArray[Any], non_members: NDArray[Any], share: float, *, seed: int) -> Interval:
    """How much of the way from the naive guess's F1 to 1 an attacker comes; El Emam et al. (2022), eq. 3.

    Naive is to call everybody a member: F1 = 2 share / (1 + share). The attacker's threshold is the best one on half of
    those attacked and is tried on the other half, and the other way round. Interval: 200 bootstrap draws.

    Args:
        members: (m,) scores.
        non_members: (n,) scores.
        share: of all who could be asked for, how many are members; what the two are weighted by.
        seed: seed of halves and draws.
    """
    rng = np.random.default_rng([seed, 82])
    sides = [[side[rng.permutation(len(side))[part::2]] for part in (0, 1)] for side in (members, non_members)]
    naive = 2 * share / (1 + share)

    def gain(drawn: list[list[NDArray[Any]]]) -> float:
        (a, b), (c, d) = drawn
        found = (_f1(b, d, _best(a, c, share), share) + _f1(a, c, _best(b, d, share), share)) / 2
        return (found - naive) / (1 - naive)

    value = gain(sides)
    again = [gain([[rng.choice(part, len(part)) for part in side] for side in sides]) for _ in range(ROUNDS)]
    low, high = np.quantile(again, [0.025, 0.975])
    return Interval(value, min(float(low), value), max(float(high), value))


def _attacks(c: Comparison, seed: int) -> list[Attack]:
    cast, found = attack_split(c, seed), []
    share = len(c.train) / (len(c.train) + len(c.holdout))
    for space, see, views in c.view.membership_spaces():
        synthetic, released = see("synthetic", cast.synthetic, False), see("train", cast.released, False)
        for name in BY_DISTANCE if views else ATTACKS:
            inside, out = _scores(ATTACKS[name], cast, see, synthetic)
            real = _scores(ATTACKS[name], cast, see, released)
            for group, (some, others) in cast.groups.items():
                if min(some.sum(), others.sum()) < LEAST:
                    continue
                kept = some & cast.kept
                control = auc(real[0][kept], real[1][others]) if kept.sum() >= LEAST else None
                found.append(_attack(name, group, space, (inside[some], out[others]), control, share, seed))
    return found


def _attack(
    name: str,
    group: str,
    space: str,
    scores: tuple[NDArray[Any], NDArray[Any]],
    control: Interval | None,
    share: float,
    seed: int,
) -> Attack:
    members, non_members = scores
    rates = [rate for rate, least in LEAST_FOR.items() if len(non_members) >= least]
    return Attack(
        name=name,
        group=group,
        auc=auc(members, non_members),
        tpr={rate: true_positive_rate(members, non_members, seed=seed, false_positives=rate) for rate in rates},
        f1_gain=f1_over_naive(members, non_members, share, seed=seed),
        n_members=len(members),
        n_non_members=len(non_members),
        roc=_roc(members, non_members),
        space=space,
        control=control,
    )


def _scores(
    attack: Callable[[Matrix, Matrix, Matrix], NDArray[Any]], cast: AttackSplit, see: See, synthetic: Matrix
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Scores of members and of non-members, in two rounds; of several views of a person, that which tells most."""
    inside, out = np.empty(len(cast.members)), np.empty(len(cast.non_members))
    rounds = [(cast.member_round == turn, cast.non_member_round == turn) for turn in (0, 1)]
    if attack in (gan_leaks, monte_carlo):  # know nobody: one round
        rounds = [(np.ones(len(inside), dtype=bool), np.ones(len(out), dtype=bool))]
    for (ours, theirs), known in zip(rounds, cast.known, strict=False):
        x = see("train", cast.members[ours], True), see("holdout", cast.non_members[theirs], True)
        scores = attack(np.concatenate(x), synthetic, see("holdout", known, False))
        cut = len(x[0])
        inside[ours] = scores[:cut].reshape(-1, ours.sum()).max(axis=0)
        out[theirs] = scores[cut:].reshape(-1, theirs.sum()).max(axis=0)
    return inside, out


def allowing_for(interval: Interval, compared: int) -> Interval:
    """The interval of one of `compared` figures that are looked at together (Bonferroni)."""
    value, low, high = interval
    half = max(value - low, high - value) * float(ndtri(1 - 0.025 / compared)) / Z  # an end may have been cut at 0 or 1
    return Interval(value, max(0.0, value - half), min(1.0, value + half))


def _rates(members: NDArray[Any], non_members: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Thresholds, ascending, and the shares of non-members and of members at or above each."""
    cuts = np.unique(np.concatenate([members, non_members]))
    false, true = (1 - np.searchsorted(np.sort(side), cuts) / len(side) for side in (non_members, members))
    return cuts, false, true


def _best(members: NDArray[Any], non_members: NDArray[Any], share: float) -> float:
    """Threshold of the largest F1, the lowest of them: accusing everybody is among them."""
    cuts, false, true = _rates(members, non_members)
    return float(cuts[int(np.argmax(2 * share * true / (share * true + (1 - share) * false + share)))])


def _f1(members: NDArray[Any], non_members: NDArray[Any], threshold: float, share: float) -> float:
    true, false = float((members >= threshold).mean()), float((non_members >= threshold).mean())
    return 2 * share * true / (share * true + (1 - share) * false + share)


def _roc(members: NDArray[Any], non_members: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    _, false, true = _rates(members, non_members)
    x, y = np.append(0.0, false[::-1]), np.append(0.0, true[::-1])
    at = np.unique(np.linspace(0, len(x) - 1, POINTS).round().astype(np.int64))
    return x[at], y[at]
