"""The membership-inference suite: every attack, in every space, on all patients and on the groups at the highest risk.

Targets are patients of train (members) and of the holdout (non-members), both in the holdout's class proportions. The
attacker has the synthetic cohort and the half of the holdout that is not attacked; halves are split by patient. All
statistics are by patient: the samples of one are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import hypergeom

from cohortsmith.evaluation.core import Interval, Z
from cohortsmith.evaluation.metrics.common import FALSE_POSITIVES, true_positive_rate
from cohortsmith.evaluation.privacy.attack_settings import (
    F1_STREAM,
    MIN_NON_MEMBERS,
    MIN_SAMPLES,
    ROC_POINTS,
    ROC_POINTS_OF_CLASS,
)
from cohortsmith.evaluation.privacy.looks import (
    Look,
    Scores,
    joint_factor,
    look_at,
    members_above,
    wider_for_few,
)
from cohortsmith.evaluation.privacy.scoring import MODELS, Scored, scored
from cohortsmith.evaluation.privacy.targets import CLASS, EVERYBODY, LINKED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cohortsmith.evaluation.privacy.scoring import Evidence
    from cohortsmith.evaluation.spaces import Comparison

    Roc = tuple[NDArray[np.float64], NDArray[np.float64]]

RESAMPLES = 200  # of the bootstrap of `f1_over_naive`
MIN_IN_FOLD = 5  # patients of a group in a fold, if there are 20 in all


class Above(NamedTuple):
    """The count test: members above all but the k highest unseen patients.

    Attributes:
        members: how many.
        allowed: k, 1 % of the unseen patients, rounded down.
        chance: probability of so many if members could not be told apart.
    """

    members: int
    allowed: int
    chance: float


@dataclass(frozen=True, eq=False)
class Attack:
    """Result of one attack on one group of patients.

    Attributes:
        name: a name in `attacks.METHODS`, or "combined", "shadow" or "white_box".
        group: "all", "rare classes", "outlying", "class X", "linked donors" or, for sequences, "unique sequences".
        space: space of the distances, or what the model was asked, in words.
        auc: AUC with its 95 % interval; 0.5 is chance.
        joint: the same with an interval that holds for all attacks together.
        tpr: TPR at each false-positive rate for which there are enough non-members; chance is that rate.
        f1_gain: of all patients, gain in F1 over the naive guess, relative to the possible gain, see `f1_over_naive`.
        n_members: target patients among members.
        n_non_members: target patients among non-members.
        roc: false- and true-positive rates, ascending from (0, 0) to (1, 1), at most 200 points.
        control: AUC of the same attack with one half of train in the synthetic cohort's place and the other half as
            members, with its joint interval; None if they are too few.
        above: the count test.
        compared: number of attacks that the joint interval allows for.
    """

    name: str
    group: str
    auc: Interval
    tpr: Mapping[float, Interval]
    f1_gain: Interval | None
    n_members: int
    n_non_members: int
    roc: Roc
    space: str = ""
    control: Interval | None = None
    compared: int = 1
    joint: Interval = Interval(float("nan"), float("nan"), float("nan"))
    above: Above | None = None


def attacks(parts: Sequence[Scored], seed: int, *, share: float, independent: int = 0) -> list[Attack]:
    """Every scored attack on every group that is large enough, with intervals that hold for all together.

    Args:
        parts: scores on the targets of one generator, or of each fold of an audit in folds.
        seed: of resamples.
        share: of members in the population, see `f1_over_naive`.
        independent: further attacks that will be judged with these.
    """
    keys = [(key, group) for key in parts[0].scores for group in parts[0].split.groups if _attacked(key[0], group)]
    looked = []
    for key, group in keys:
        whole = [part.of(key, group) for part in parts if group in part.split.groups]
        if len(whole) < len(parts) or not _enough([(len(s.members), len(s.non_members)) for s in whole]):
            continue
        known = None
        if all(key in part.control for part in parts):
            controls = [part.of(key, group, control=True) for part in parts]
            known = _look(parts, key, group, control=True) if _large(controls) else None
        looked.append((key, group, whole, _look(parts, key, group), known))
    factor = joint_factor([look for *_, look, _ in looked], independent=independent, seed=seed)
    factor_of_control = joint_factor([known for *_, known in looked if known], seed=seed)
    compared = len(looked) + independent
    found = []
    for (name, space), group, sides, look, known in looked:
        one = _figures(name, space, group, sides, look, share, seed)
        few = min(one.n_members, one.n_non_members)
        found.append(
            replace(
                one,
                joint=look.interval(wider_for_few(factor, few)),
                control=known.interval(wider_for_few(factor_of_control, few)) if known else None,
                compared=compared,
            )
        )
    return found


def attacks_on(comparison: Comparison, seed: int, evidence: Evidence | None = None) -> list[Attack]:
    """Every attack on every group, see `scored` and `attacks`.

    Raises:
        NotEvaluable: fewer than 20 patients in a half of the holdout or of train, or 20 synthetic samples.
    """
    share = len(comparison.train) / (len(comparison.train) + len(comparison.holdout))
    return attacks([scored(comparison, seed, evidence)], seed, share=share)


def groups_left_out(parts: Sequence[Scored]) -> dict[str, str]:
    """Groups that are too small to be attacked separately, and why."""
    split, out = parts[0].split, {}
    for group in split.groups:
        people = [part.people(group) for part in parts if group in part.split.groups]
        least = (sum(m for m, _ in people) // len(people), sum(n for _, n in people))
        if len(people) < len(parts) or not _enough(people):
            out[group] = f"it needs at least {MIN_SAMPLES} members and non-members, there are {least[0]} and {least[1]}"
    return out


def worst(found: Sequence[Attack]) -> Attack:
    """The attack with the largest AUC, with the interval that holds for all attacks together."""
    most = max(found, key=lambda attack: attack.auc.value)
    return replace(most, auc=most.joint)


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
    members, non_members = (np.asarray(side, dtype=np.float64) for side in scores)
    ids = np.arange(len(members) + len(non_members))
    sides = Scores(members, non_members, ids[: len(members)], ids[len(members) :])
    look = look_at([sides])
    found = _figures(name, space, group, [sides], look, share, seed, roc)
    return replace(found, control=control, joint=look.interval())


def _figures(
    name: str,
    space: str,
    group: str,
    sides: Sequence[Scores],
    look: Look,
    share: float,
    seed: int,
    roc: Roc | None = None,
) -> Attack:
    members, non_members, patients = _pooled(sides)
    rates = [rate for rate, least in MIN_NON_MEMBERS.items() if len(non_members) >= least]
    of_class = group.startswith(CLASS)
    resamples = 0 if of_class else RESAMPLES
    return Attack(
        name=name,
        group=group,
        auc=look.interval(),
        tpr={
            rate: true_positive_rate(members, non_members, seed=seed, false_positives=rate, resamples=resamples)
            for rate in rates
        },
        f1_gain=f1_over_naive(members, non_members, share, seed=seed) if group == EVERYBODY else None,
        n_members=patients[0],
        n_non_members=patients[1],
        roc=thinned(*(roc or _roc(members, non_members)), ROC_POINTS_OF_CLASS if of_class else ROC_POINTS),
        space=space,
        above=_above(members, non_members, patients),
    )


def _above(members: NDArray[Any], non_members: NDArray[Any], patients: tuple[int, int]) -> Above:
    """The count test; in folds a member counts by the share of the generators that give it away."""
    allowed = int(FALSE_POSITIVES * len(non_members))
    found, chance = members_above(members, non_members, allowed)
    if len(members) > patients[0]:
        found = int(found / len(members) * patients[0])
        n = patients[1]
        chance = float(hypergeom.cdf(allowed, patients[0] + n, n, found + allowed)) if found else 1.0
    return Above(found, allowed, chance)


def _pooled(sides: Sequence[Scores]) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[int, int]]:
    """Scores of all parts on one scale, the spread of each part's patients; and how many patients there are."""
    if len(sides) == 1:
        only = sides[0]
        return only.members, only.non_members, (len(only.members), len(only.non_members))
    scaled = []
    for side in sides:
        both = np.concatenate([side.members, side.non_members])
        middle, spread = both.mean(), both.std() + 1e-12
        scaled.append(((side.members - middle) / spread, (side.non_members - middle) / spread))
    people = [len(np.unique(np.concatenate([getattr(s, name) for s in sides]))) for name in _IDS]
    members, others = (np.concatenate(parts) for parts in zip(*scaled, strict=True))
    return members, others, (people[0], people[1])


_IDS = ("member_ids", "non_member_ids")


def _look(parts: Sequence[Scored], key: tuple[str, str], group: str, *, control: bool = False) -> Look:
    """AUC over parts; two halves that were scored by regressions fitted to each other share their error."""
    sides = [side for part in parts for side in part.parts_of(key, group, control=control)]
    return look_at(sides, inflation=len(sides) / len(parts))


def _large(sides: Sequence[Scores]) -> bool:
    return min(len(side.members) for side in sides) >= MIN_SAMPLES


def _attacked(name: str, group: str) -> bool:
    """Whether an attack is made on a group: donors are linked by one attack alone, which is made on no one else."""
    return (name == "linked_donor") == (group == LINKED) or (name in MODELS and group != LINKED)


def _enough(people: Sequence[tuple[int, int]]) -> bool:
    """Whether there are enough members and non-members, in all parts together and in each."""
    least = MIN_SAMPLES if len(people) == 1 else MIN_IN_FOLD
    in_all = min(max(m for m, _ in people), sum(n for _, n in people))
    return in_all >= MIN_SAMPLES and min(min(pair) for pair in people) >= least


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


def thinned(false: NDArray[np.float64], true: NDArray[np.float64], points: int = ROC_POINTS) -> Roc:
    """At most so many points of a ROC curve, evenly spread over its points."""
    at = np.unique(np.linspace(0, len(false) - 1, points).round().astype(np.int64))
    return false[at], true[at]
