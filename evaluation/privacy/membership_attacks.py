"""The membership-inference suite: every attack, in every space, on all patients and on the groups at the highest risk.

Targets are patients of train (members) and of the holdout (non-members), both in the holdout's class proportions. The
attacker has the synthetic cohort and the half of the holdout that is not attacked; halves are split by patient.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from cohortsmith.evaluation.core import BLOCK, Interval, Z, auc, boosting, distances, nearest, quietly
from cohortsmith.evaluation.metrics.common import ATTACKS as KNOWN
from cohortsmith.evaluation.metrics.common import gan_leaks, shared_basis, true_positive_rate
from cohortsmith.evaluation.privacy.attack_settings import F1_STREAM, MIN_NON_MEMBERS, MIN_SAMPLES, ROC_POINTS
from cohortsmith.evaluation.privacy.targets import attack_split

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.privacy.targets import AttackSplit
    from cohortsmith.evaluation.spaces import Comparison

    See = Callable[[str, NDArray[np.int64], bool], Matrix]
    Roc = tuple[NDArray[np.float64], NDArray[np.float64]]

RESAMPLES = 200  # of the bootstrap of `f1_over_naive`
BY_DISTANCE = ("gan_leaks", "gan_leaks_calibrated")  # attacks that can use several views of a patient


@dataclass(frozen=True, eq=False)
class Attack:
    """Result of one attack on one group of patients.

    Attributes:
        name: a name in `ATTACKS`.
        group: "all", "rare classes", "outlying" or, for sequences, "unique sequences".
        space: space of the distances, in words.
        auc: AUC with its 95 % interval; 0.5 is chance.
        tpr: TPR at each false-positive rate for which there are enough non-members; chance is that rate.
        f1_gain: gain in F1 over the naive guess, relative to the possible gain, see `f1_over_naive`.
        n_members: target members.
        n_non_members: target non-members.
        roc: false- and true-positive rates, ascending from (0, 0) to (1, 1), at most 200 points.
        control: AUC of the same attack with one half of train in the synthetic cohort's place and the other half as
            members; None if they are too few.
        compared: number of attacks of which `auc` is the largest; its interval is corrected for it (Bonferroni).
    """

    name: str
    group: str
    auc: Interval
    tpr: Mapping[float, Interval]
    f1_gain: Interval
    n_members: int
    n_non_members: int
    roc: Roc
    space: str = ""
    control: Interval | None = None
    compared: int = 1


def monte_carlo(x: Matrix, synthetic: Matrix, reference: Matrix) -> NDArray[Any]:
    """Share of synthetic samples within epsilon, (n,); Hilprecht et al. (2019), eq. 4.

    Epsilon is the median distance of targets to their nearest synthetic sample, their eq. 8.
    """
    del reference
    epsilon = np.median(nearest(x, synthetic)[:, 0])
    share = np.empty(len(x))
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        share[rows] = (distances(x[rows], synthetic) <= epsilon).mean(axis=1)
    return share


def logan(x: Matrix, synthetic: Matrix, reference: Matrix) -> NDArray[Any]:
    """Log odds of "synthetic" by a discriminator of synthetic and reference samples, (n,); Hayes et al. (2019).

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
    """Every attack of `ATTACKS` on every group of `attack_split` that is large enough.

    Images also in the embedding of a fixed network and in eight orientations: a generator may rotate its copies.

    Raises:
        NotEvaluable: fewer than 20 patients in a half of the holdout or of train, or 20 synthetic samples.
    """
    return comparison.memo(("all attacks", seed), lambda: _attacks(comparison, seed))


def groups_left_out(comparison: Comparison, seed: int) -> dict[str, str]:
    """Groups that are too small to be attacked separately, and why."""
    split = attack_split(comparison, seed)
    return {
        group: f"it needs at least {MIN_SAMPLES} members and non-members, there are {inside.sum()} and {out.sum()}"
        for group, (inside, out) in split.groups.items()
        if min(inside.sum(), out.sum()) < MIN_SAMPLES
    }


def worst(found: Sequence[Attack]) -> Attack:
    """The attack with the largest AUC; its interval is corrected for the choice among all of them.

    Bonferroni over attacks, spaces and groups: with m of them, a 1 - 0.05 / m interval.
    """
    most = max(found, key=lambda attack: attack.auc.value)
    return replace(most, auc=allowing_for(most.auc, len(found)), compared=len(found))


def f1_over_naive(members: NDArray[Any], non_members: NDArray[Any], share: float, *, seed: int) -> Interval:
    """Gain in F1 over the naive guess, (F1 - naive) / (1 - naive); El Emam et al. (2022), eq. 3.

    The naive guess calls every target a member: F1 = 2 share / (1 + share). The threshold is the best one on one half
    of the targets and is tested on the other half, and vice versa. Interval: 200 bootstrap resamples.

    Args:
        members: (m,) scores.
        non_members: (n,) scores.
        share: share of members in the population, by which the two groups are weighted.
        seed: of halves and resamples.
    """
    rng = np.random.default_rng([seed, F1_STREAM])
    sides = [[side[rng.permutation(len(side))[part::2]] for part in (0, 1)] for side in (members, non_members)]
    naive = 2 * share / (1 + share)

    def gain(drawn: list[list[NDArray[Any]]]) -> float:
        (a, b), (c, d) = drawn
        found = (_f1(b, d, _best(a, c, share), share) + _f1(a, c, _best(b, d, share), share)) / 2
        return (found - naive) / (1 - naive)

    value = gain(sides)
    resampled = [gain([[rng.choice(part, len(part)) for part in side] for side in sides]) for _ in range(RESAMPLES)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Interval(value, min(float(low), value), max(float(high), value))


def _attacks(c: Comparison, seed: int) -> list[Attack]:
    split, found = attack_split(c, seed), []
    share = len(c.train) / (len(c.train) + len(c.holdout))
    for space, see, views in c.view.membership_spaces():
        synthetic, released = see("synthetic", split.synthetic, False), see("train", split.released, False)
        for name in BY_DISTANCE if views else ATTACKS:
            inside, out = _scores(ATTACKS[name], split, see, synthetic)
            real = _scores(ATTACKS[name], split, see, released)
            for group, (some, others) in split.groups.items():
                if min(some.sum(), others.sum()) < MIN_SAMPLES:
                    continue
                kept = some & split.kept
                control = auc(real[0][kept], real[1][others]) if kept.sum() >= MIN_SAMPLES else None
                found.append(attack_result(name, group, space, (inside[some], out[others]), control, share, seed))
    return found


def attack_result(
    name: str,
    group: str,
    space: str,
    scores: tuple[NDArray[Any], NDArray[Any]],
    control: Interval | None,
    share: float,
    seed: int,
    roc: Roc | None = None,
) -> Attack:
    """Figures of an attack from its scores of members and of non-members.

    Args:
        name: of the attack.
        group: of the targets.
        space: of the distances, in words.
        scores: of members, (m,), and of non-members, (n,); higher is more likely a member.
        control: AUC of the control.
        share: as `f1_over_naive`.
        seed: of resamples.
        roc: false- and true-positive rates; those at every score if None.
    """
    members, non_members = scores
    rates = [rate for rate, least in MIN_NON_MEMBERS.items() if len(non_members) >= least]
    return Attack(
        name=name,
        group=group,
        auc=auc(members, non_members),
        tpr={rate: true_positive_rate(members, non_members, seed=seed, false_positives=rate) for rate in rates},
        f1_gain=f1_over_naive(members, non_members, share, seed=seed),
        n_members=len(members),
        n_non_members=len(non_members),
        roc=thinned(*(roc or _roc(members, non_members))),
        space=space,
        control=control,
    )


def _scores(
    attack: Callable[[Matrix, Matrix, Matrix], NDArray[Any]], split: AttackSplit, see: See, synthetic: Matrix
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Scores of members and of non-members, in two rounds; the maximum over several views of a patient."""
    inside, out = np.empty(len(split.members)), np.empty(len(split.non_members))
    rounds = [(split.member_round == number, split.non_member_round == number) for number in (0, 1)]
    if attack in (gan_leaks, monte_carlo):  # these use no known patients: one round
        rounds = [(np.ones(len(inside), dtype=bool), np.ones(len(out), dtype=bool))]
    for (ours, theirs), known in zip(rounds, split.known, strict=False):
        x = see("train", split.members[ours], True), see("holdout", split.non_members[theirs], True)
        scores = attack(np.concatenate(x), synthetic, see("holdout", known, False))
        cut = len(x[0])
        inside[ours] = scores[:cut].reshape(-1, ours.sum()).max(axis=0)
        out[theirs] = scores[cut:].reshape(-1, theirs.sum()).max(axis=0)
    return inside, out


def allowing_for(interval: Interval, compared: int) -> Interval:
    """The interval of one of `compared` figures, corrected for multiple comparisons (Bonferroni)."""
    value, low, high = interval
    half = max(value - low, high - value) * float(ndtri(1 - 0.025 / compared)) / Z  # an end may have been cut at 0 or 1
    return Interval(value, max(0.0, value - half), min(1.0, value + half))


def _rates(members: NDArray[Any], non_members: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Thresholds, ascending, and the shares of non-members and of members at or above each."""
    cuts = np.unique(np.concatenate([members, non_members]))
    false, true = (1 - np.searchsorted(np.sort(side), cuts) / len(side) for side in (non_members, members))
    return cuts, false, true


def _best(members: NDArray[Any], non_members: NDArray[Any], share: float) -> float:
    """Lowest threshold of the largest F1; the one that calls every target a member is among the candidates."""
    cuts, false, true = _rates(members, non_members)
    return float(cuts[int(np.argmax(2 * share * true / (share * true + (1 - share) * false + share)))])


def _f1(members: NDArray[Any], non_members: NDArray[Any], threshold: float, share: float) -> float:
    true, false = float((members >= threshold).mean()), float((non_members >= threshold).mean())
    return 2 * share * true / (share * true + (1 - share) * false + share)


def _roc(members: NDArray[Any], non_members: NDArray[Any]) -> Roc:
    _, false, true = _rates(members, non_members)
    return np.append(0.0, false[::-1]), np.append(0.0, true[::-1])


def thinned(false: NDArray[np.float64], true: NDArray[np.float64]) -> Roc:
    """At most 200 points of a ROC curve, evenly spread over its points."""
    at = np.unique(np.linspace(0, len(false) - 1, ROC_POINTS).round().astype(np.int64))
    return false[at], true[at]
