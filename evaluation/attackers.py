"""Membership attacks in force: every attack, in every space, on everybody and on those who are easiest to find.

Who is attacked: patients of train (members) and of one half of the holdout (non-members), the latter's classes in both.
The attacker holds the synthetic cohort and the other half of the holdout; halves are made by patient.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import ndtri

from evaluation.classifiers import boosting, quietly
from evaluation.comparison import pick, proportional
from evaluation.distances import BLOCK, distances, nearest
from evaluation.estimate import NotEvaluable
from evaluation.image_space import fixed_features, fixed_train
from evaluation.intervals import Interval, Z, auc
from evaluation.membership import ATTACKS as KNOWN
from evaluation.membership import LEAST, SYNTHETIC, Scene, halves, shared_basis, true_positive_rate, unique

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from evaluation.comparison import Comparison, Matrix

MEMBERS = 4000  # attacked of each side: enough for one false positive in a thousand, small enough for memory
LEAST_FOR = {0.01: 100, 0.001: 1000}
"""False positive rates, and how many non-members each needs at the least."""
RARE = 0.05
OUTLYING = 0.1
NEIGHBOURS = 5
ROUNDS = 200
POINTS = 200
PROFILES = {"expression": "genes", "sequence": "edits", "image": "tiles of 2 x 2 pixels"}


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
    """Every attack of `ATTACKS` on every group that is large enough, in profiles and in what a fixed network sees.

    Groups: "all"; "rare classes", those under 5 % of train or else the rarest one; "outlying", the 10 % farthest from
    the 5 nearest of their own class among patients who are not attacked; of sequences also "unique sequences", of
    patients whose sequence nobody else in train or holdout has.

    Raises:
        NotEvaluable: fewer than 20 patients in a half of the holdout or of train, or 20 synthetic samples.
    """
    return comparison.memo(("all attacks", seed), lambda: _attacks(comparison, seed))


def groups_left_out(comparison: Comparison, seed: int) -> dict[str, str]:
    """Groups that `attacks` says nothing about, and why."""
    cast = _cast(comparison, seed)
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


class _Cast(NamedTuple):
    """Who plays which part: rows of train, holdout and synthetic cohort, and masks over the attacked, by group."""

    members: NDArray[np.int64]
    non_members: NDArray[np.int64]
    synthetic: NDArray[np.int64]
    reference: NDArray[np.int64]
    released: NDArray[np.int64]
    kept: NDArray[np.int64]
    groups: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]


def _attacks(c: Comparison, seed: int) -> list[Attack]:
    cast, found = _cast(c, seed), []
    share = len(c.train) / (len(c.train) + len(c.holdout))
    for space, (train, holdout, synthetic) in _spaces(c).items():
        known = (holdout[cast.non_members], synthetic[cast.synthetic], holdout[cast.reference])
        scene = Scene(train[cast.members], *known)
        real = Scene(train[cast.kept], known[0], train[cast.released], known[2])
        for name, attack in ATTACKS.items():
            scores, control = (_scores(attack, each) for each in (scene, real))
            for group, (inside, out) in cast.groups.items():
                if min(inside.sum(), out.sum()) < LEAST:
                    continue
                at = np.isin(cast.kept, cast.members[inside])
                pair = scores[0][inside], scores[1][out]
                null = auc(control[0][at], control[1][out]) if at.sum() >= LEAST else None
                found.append(_attack(name, group, space, pair, null, share, seed))
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


def _scores(attack: Callable[[Matrix, Matrix, Matrix], NDArray[Any]], scene: Scene) -> tuple[Any, Any]:
    scores = attack(np.concatenate([scene.members, scene.non_members]), scene.synthetic, scene.reference)
    return scores[: len(scene.members)], scores[len(scene.members) :]


def _spaces(c: Comparison) -> dict[str, tuple[Matrix, Matrix, Matrix]]:
    """Train, holdout and synthetic cohort in each space that distances are measured in."""
    spaces = {PROFILES[c.kind]: (c.z_train, c.z_holdout, c.z_synthetic)}
    if c.eyes is not None and c.kind == "image":
        seen = fixed_train(c), fixed_features(c, c.holdout.x), fixed_features(c, c.synthetic.x)
        spaces["a fixed network"] = seen
    return spaces


def _cast(comparison: Comparison, seed: int) -> _Cast:
    return comparison.memo(("cast", seed), partial(_make_cast, comparison, seed))


def _make_cast(c: Comparison, seed: int) -> _Cast:
    rng = np.random.default_rng([seed, 81])
    out, apart = halves(c.holdout.y, c.holdout.subjects, rng)
    released, kept = halves(c.train.y, c.train.subjects, rng)
    if min(len(out), len(apart), len(kept), len(c.synthetic)) < LEAST:
        raise NotEvaluable(
            f"an attack needs at least {LEAST} samples in each half of the holdout, in each half of train and in the "
            f"synthetic cohort; there are {min(len(out), len(apart))}, {len(kept)} and {len(c.synthetic)}"
        )
    out, apart = out[:MEMBERS], apart[:SYNTHETIC]
    share = np.bincount(c.holdout.y[out], minlength=len(c.classes)) / len(out)
    members = pick(c.train.y, proportional(share, min(len(c.train), MEMBERS)), rng)
    kept = kept[np.isin(kept, members)] if np.isin(kept, members).sum() >= LEAST else kept[:MEMBERS]
    made = rng.permutation(len(c.synthetic))[:SYNTHETIC]
    cast = _Cast(members, out, made, apart, released[:SYNTHETIC], kept, {})
    cast.groups.update(_groups(c, cast, rng))
    return cast


def _groups(
    c: Comparison, cast: _Cast, rng: np.random.Generator
) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    inside, out = c.train.y[cast.members], c.holdout.y[cast.non_members]
    groups = {"all": (np.ones(len(inside), dtype=bool), np.ones(len(out), dtype=bool))}
    count = np.bincount(c.train.y, minlength=len(c.classes))
    if np.count_nonzero(count) > 1:
        few = np.flatnonzero((count < RARE * count.sum()) & (count > 0))
        few = few if len(few) else np.asarray([np.where(count > 0, count, len(c.train)).argmin()])
        groups["rare classes"] = (np.isin(inside, few), np.isin(out, few))
    known, known_y = c.z_holdout[cast.reference], c.holdout.y[cast.reference]
    far = np.concatenate(
        [
            _outlyingness(c.z_train[cast.members], inside, known, known_y),
            _outlyingness(c.z_holdout[cast.non_members], out, known, known_y),
        ]
    )
    most = np.lexsort([rng.random(len(far)), -far])[: round(OUTLYING * len(far))]
    far_out = np.isin(np.arange(len(far)), most)
    groups["outlying"] = (far_out[: len(inside)], far_out[len(inside) :])
    if c.kind == "sequence":
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
