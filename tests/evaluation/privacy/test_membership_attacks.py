"""Attacks on cohorts whose answer is known: copies are detected, also noisy or rotated ones, other patients are not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.core.intervals import Interval
from cohortsmith.evaluation.privacy import membership_attacks
from cohortsmith.evaluation.privacy.attacks.distance import monte_carlo
from cohortsmith.evaluation.privacy.attacks.records import Records
from cohortsmith.evaluation.privacy.attacks.registry import METHODS
from cohortsmith.evaluation.privacy.membership_attacks import Attack, allowing_for, f1_over_naive, worst
from cohortsmith.evaluation.privacy.membership_attacks import attacks_on as attacks
from cohortsmith.evaluation.privacy.scoring import scored
from cohortsmith.evaluation.privacy.targets import attack_split
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation import images, sequences
from tests.evaluation.cohorts import bootstrap, cohort, patients

if TYPE_CHECKING:
    from cohortsmith.data.cohort import Cohort


def groups_left_out(c: Comparison, seed: int) -> dict[str, str]:
    return membership_attacks.groups_left_out([scored(c, seed)])


def _noisy(train: Cohort, spread: float) -> Cohort:
    """An overfitted generator: every patient with a little noise."""
    noise = np.random.default_rng(4).standard_normal(train.x.shape)
    return cohort(train.x + spread * noise, train.y)


@cache
def _against(what: str) -> Comparison:
    train = patients(500, 1)
    made = {"copies": bootstrap(train, 500, 3), "noisy": _noisy(train, 0.3), "others": patients(500, 9)}
    return Comparison(train, patients(420, 2), made[what])


def _of(found: list[Attack], group: str, space: str = "") -> dict[str, Attack]:
    return {a.name: a for a in found if a.group == group and a.space.startswith(space)}


def test_every_attack_catches_copies() -> None:
    """A bootstrap holds 63 % of train: .63 + .37 / 2 for an attack that sees copies."""
    found = _of(attacks(_against("copies"), 0), "all", "genes")
    usual = {name for name, method in METHODS.items() if not method.presence_only}
    assert set(found) == usual - {"linked_donor"}
    for name, attack in found.items():
        assert attack.auc.low > (0.5 if "covariance" in name or name == "class_gaussian" else 0.6), name
        assert attack.control is not None
        assert attack.control.value == pytest.approx(0.5, abs=0.1)
    assert found["gan_leaks"].auc.value == pytest.approx(0.82, abs=0.04)
    assert found["gan_leaks"].tpr[0.01].value == pytest.approx(0.63, abs=0.06)
    groups = {a.group for a in attacks(_against("copies"), 0)}
    assert groups == {"all", "rare classes", "outlying", "class a", "class b", "class c"}


def test_an_overfitted_generator_is_caught() -> None:
    found = attacks(_against("noisy"), 0)
    assert worst(found).auc.low > 0.9
    assert _of(found, "all")["combined"].auc.value > 0.9


def test_a_generator_of_other_patients_does_not_leak() -> None:
    found = attacks(_against("others"), 0)
    most = worst(found)
    assert most.compared == len(found)
    assert most.auc.low <= 0.5
    assert most.auc.value == max(a.auc.value for a in found)
    assert all(a.joint.low <= a.auc.low <= a.auc.high <= a.joint.high for a in found)
    assert np.mean([a.auc.low <= 0.5 <= a.auc.high for a in found]) > 0.8


def test_epsilon_of_monte_carlo_is_the_median_distance_to_the_nearest() -> None:
    x, made = np.asarray([[0], [10], [20]], dtype=np.float32), np.asarray([[1], [2], [12], [26]], dtype=np.float32)
    none = np.zeros(0, dtype=np.int64)
    targets, synthetic = Records(x, none), Records(made, none)
    assert monte_carlo(targets, synthetic, synthetic).tolist() == [0.5, 0.25, 0]  # nearest at 1, 2 and 6


def test_a_false_positive_in_a_thousand_needs_a_thousand_non_members() -> None:
    for attack in _of(attacks(_against("copies"), 0), "all").values():
        assert set(attack.tpr) == {0.1, 0.01}
        assert (attack.n_members, attack.n_non_members) == (500, 420)
        fpr, tpr = attack.roc
        assert len(fpr) <= 200
        assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
        assert (np.diff(fpr) >= 0).all()
        assert (np.diff(tpr) >= 0).all()


def test_f1_of_the_naive_guess_is_no_gain() -> None:
    rng = np.random.default_rng(0)
    apart = f1_over_naive(rng.random(400) + 1, rng.random(200), 0.7, seed=0)
    assert apart.value == pytest.approx(1, abs=0.02)
    alike = f1_over_naive(rng.random(400), rng.random(200), 0.7, seed=0)
    assert alike.value == pytest.approx(0, abs=0.05)
    assert alike.low <= 0 <= alike.high
    # a tenth are members and half of these are found: F1 = 2 * .05 / (.05 + .1), naive 2 * .1 / 1.1
    half = f1_over_naive(np.repeat([1.0, 0], 200), np.zeros(200), 0.1, seed=0)
    assert half.value == pytest.approx((2 / 3 - 2 / 11) / (1 - 2 / 11), abs=0.05)


def test_the_worst_of_many_has_a_wider_interval() -> None:
    assert allowing_for(Interval(0.6, 0.5, 0.7), 1) == pytest.approx((0.6, 0.5, 0.7), abs=1e-6)
    low, high = allowing_for(Interval(0.6, 0.5, 0.7), 15)[1:]
    assert high - 0.6 == pytest.approx(0.1 * 2.935 / 1.96, abs=1e-3)
    assert 0.6 - low == pytest.approx(high - 0.6)


def test_the_outlying_are_those_far_from_their_own_class() -> None:
    train, holdout = patients(300, 1), patients(300, 2)
    x = train.x.copy()
    x[:30] += np.float32(8)
    c = Comparison(cohort(x, train.y), holdout, holdout)
    split = attack_split(c, 0)
    far = split.members[split.groups["outlying"][0]]
    assert set(range(30)) <= set(far.tolist())
    few = groups_left_out(c, 0)
    assert "outlying" in few  # nearly all of those are members: no non-members to compare with
    assert "outlying" not in {a.group for a in attacks(c, 0)}


def test_rare_classes_are_those_under_a_twentieth() -> None:
    def some(n: int, seed: int) -> Cohort:
        source = patients(n, seed)
        return replace(source, y=np.where(np.arange(n) < n // 40, 2, source.y % 2))

    c = Comparison(some(1000, 1), some(1000, 2), some(400, 3))
    split = attack_split(c, 0)
    inside, out = split.groups["rare classes"]
    assert set(c.train.y[split.members[inside]].tolist()) == {2}
    assert set(c.holdout.y[split.non_members[out]].tolist()) == {2}


def test_no_attacker_knows_a_target() -> None:
    c = _against("others")
    split = attack_split(c, 0)
    for turn, known in enumerate(split.known):
        assert not set(known.tolist()) & set(split.non_members[split.non_member_round == turn].tolist())
    assert sorted(split.non_members.tolist()) == list(range(len(c.holdout)))
    assert not set(split.released.tolist()) & set(split.members[split.kept].tolist())


def test_too_few_patients_are_not_evaluable() -> None:
    with pytest.raises(NotEvaluable, match="at least 20 samples in each half of the holdout"):
        attacks(Comparison(patients(200, 1), patients(30, 2), patients(200, 3)), 0)


def test_same_seed_same_figures() -> None:
    c = _against("others")
    again = Comparison(c.train, c.holdout, c.synthetic)
    for a, b in zip(attacks(c, 0), attacks(again, 0), strict=True):
        assert (a.name, a.group, a.auc, dict(a.tpr), a.f1_gain) == (b.name, b.group, b.auc, dict(b.tpr), b.f1_gain)


def test_copied_sequences_reveal_patients_with_unique_ones() -> None:
    train, holdout = sequences.patients(500, 1, deletions=0), sequences.patients(400, 2, deletions=0)
    copied = attacks(Comparison(train, holdout, bootstrap(train, 500, 3)), 0)
    assert _of(copied, "unique sequences")["gan_leaks"].auc.value == pytest.approx(0.82, abs=0.07)
    assert worst(copied).auc.low > 0.65
    assert worst(attacks(Comparison(train, holdout, sequences.patients(500, 9, deletions=0)), 0)).auc.low <= 0.5


@pytest.mark.slow
def test_turned_copies_of_images_are_caught() -> None:
    train, holdout = images.cells(160, 1), images.cells(120, 2)
    turns = np.random.default_rng(0).integers(0, 4, len(train))
    turned = replace(train, x=np.stack([np.rot90(x, k) for x, k in zip(train.x, turns, strict=True)]))
    found = attacks(Comparison(train, holdout, turned), 0)
    assert _of(found, "all", "tiles of 4 x 4")["gan_leaks"].auc.value > 0.99
    assert _of(found, "all", "tiles of 2 x 2")["gan_leaks"].auc.value < 0.75
    others = attacks(Comparison(train, holdout, images.cells(160, 9), image_models=images.image_models()), 0)
    assert {a.space for a in others} >= {
        "",  # of all spaces combined
        "tiles of 2 x 2 pixels",
        "a fixed network",
        "tiles of 4 x 4 pixels in all orientations",
    }
    assert worst(others).auc.low <= 0.5
