"""The comparisons that a decision hangs on, each at its edge: on which side of a limit a figure falls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cohortsmith.evaluation.core import Interval
from cohortsmith.evaluation.privacy.criteria import (
    INCOMPARABLE,
    AttackResults,
    decides,
    incomparable,
    measured,
)
from cohortsmith.evaluation.privacy.looks import Look, joint_factor, look_at
from cohortsmith.evaluation.privacy.looks import Scores as LookScores
from cohortsmith.evaluation.privacy.membership_attacks import Above, Attack
from cohortsmith.evaluation.privacy.policy import ALPHA, DEFAULT, Measured, judge, read_policy
from cohortsmith.evaluation.privacy.statements import statements

AUC, TPR = DEFAULT["worst_attack_auc"], DEFAULT["worst_attack_tpr"]
CURVE = np.asarray([0.0, 1.0]), np.asarray([0.0, 1.0])


def attack(
    value: float = 0.5,
    half: float = 0.02,
    *,
    joint_half: float | None = None,
    group: str = "all",
    control: tuple[float, float, float] | None = None,
    space: str = "values",
    above: Above | None = None,
    name: str = "gan_leaks",
) -> Attack:
    wide = half if joint_half is None else joint_half
    return Attack(
        name=name,
        group=group,
        auc=Interval(value, value - half, value + half),
        tpr={},
        f1_gain=None,
        n_members=1000,
        n_non_members=600,
        roc=CURVE,
        space=space,
        control=Interval(*control) if control else None,
        joint=Interval(value, value - wide, value + wide),
        above=above,
    )


def found(*attacks: Attack, **more: Any) -> AttackResults:
    return AttackResults(attacks, {}, {}, (), (), (), **more)


def on_auc(*attacks: Attack) -> Measured:
    return measured(AUC, found(*attacks), {}, None, 600)


def test_an_attack_is_proven_only_over_the_limit_and_with_its_interval_above_one_half() -> None:
    assert judge(AUC, on_auc(attack(0.57, 0.02))).outcome == "fail"
    assert judge(AUC, on_auc(attack(0.57, 0.08))).outcome == "not evaluable"
    assert judge(AUC, on_auc(attack(0.54, 0.02))).outcome == "pass"
    one_and_another = on_auc(attack(0.52, 0.01), attack(0.58, 0.02, space="components"))
    assert one_and_another.value == 0.58
    assert "components" in one_and_another.note


def test_the_upper_end_of_every_attack_counts_and_not_only_that_of_the_worst() -> None:
    wide = attack(0.51, 0.12, space="components")
    assert on_auc(attack(0.53, 0.02), wide).high == pytest.approx(0.63)
    assert judge(AUC, on_auc(attack(0.53, 0.02), wide)).outcome == "not evaluable"


def test_a_group_is_judged_where_an_honest_cohort_of_its_size_would_pass() -> None:
    assert decides([attack(half=0.039)], 0.55)  # 2.5 standard errors of .0199
    assert not decides([attack(half=0.040)], 0.55)
    small = attack(0.56, 0.12, group="class A")
    told = on_auc(attack(0.52, 0.02), small)
    assert "too few patients to judge separately: class A" in told.caveat
    assert judge(AUC, told).outcome == "pass"
    leaking = attack(0.80, 0.12, group="class A")  # a leak that is proven counts in any group
    assert judge(AUC, on_auc(attack(0.52, 0.02), leaking)).outcome == "fail"


@pytest.mark.parametrize(
    ("control", "differs"),
    [
        ((0.56, 0.51, 0.61), True),
        ((0.55, 0.51, 0.59), False),  # at the limit
        ((0.56, 0.50, 0.62), False),  # within chance
        ((0.53, 0.51, 0.55), False),
    ],
)
def test_a_control_tells_that_the_holdout_differs(control: tuple[float, float, float], differs: bool) -> None:
    one = attack(0.7, 0.02, control=control)
    assert incomparable(one, 0.55) == differs
    told = on_auc(one)
    assert (told.reason == INCOMPARABLE) == differs
    assert judge(DEFAULT["control"], measured(DEFAULT["control"], found(one), {}, None, 600)).outcome == (
        "not evaluable" if differs else "pass"
    )


def test_a_count_must_be_over_the_limit_and_beyond_chance_with_all_attacks_allowed_for() -> None:
    def on_tpr(*chances: float, members: int = 40) -> str:
        attacks = [attack(above=Above(members, 6, p), space=f"space {i}") for i, p in enumerate(chances)]
        return judge(TPR, measured(TPR, found(*attacks), {}, None, 600)).outcome

    assert on_tpr(0.015) == "fail"
    assert on_tpr(0.03) == "pass"
    assert on_tpr(0.015, 0.9) == "pass"  # two attacks: twice the chance
    assert on_tpr(0.001, members=20) == "pass"  # 2 % of the members is within the limit


@pytest.mark.parametrize(
    ("chance", "outcome"), [(ALPHA, "fail"), (ALPHA * 1.001, "pass"), (0.03, "pass"), (0.019, "fail")]
)
def test_an_exact_test_decides_at_two_per_cent(chance: float, outcome: str) -> None:
    assert judge(TPR, Measured(0.04, 0.03, 0.05, 0.01, chance=chance)).outcome == outcome


def test_edges_of_block_and_rule() -> None:
    assert not judge(AUC, Measured(0.60, 0.56, 0.64, 0.5)).blocked  # over it, not at it
    assert judge(AUC, Measured(0.601, 0.56, 0.64, 0.5)).blocked
    copies = DEFAULT["near_copies"]
    assert judge(copies, Measured(0.02, 0.01, 0.03, 0.01)).outcome == "fail"  # a lower end over its limit needs no more


def test_a_block_may_be_the_limit_and_not_below_it(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("[worst_attack_auc]\nlimit = 0.52\nblock = 0.52\n")
    assert read_policy(tmp_path / "p.toml")["worst_attack_auc"].block == 0.52


def test_what_is_not_excluded_is_the_end_that_holds_for_all_attacks_together() -> None:
    (said, *_) = statements(found(attack(0.52, 0.02, joint_half=0.06)), DEFAULT, 600)
    assert "up to 0.580" in said


def test_joint_intervals_are_never_narrower_than_those_of_one_attack() -> None:
    still = Look(0.5, 0.1, np.arange(3), np.zeros(3))
    assert joint_factor([still]) == pytest.approx(1.96, abs=1e-2)


def test_parts_that_share_their_errors_have_a_wider_one() -> None:
    rng = np.random.default_rng(0)
    side = LookScores(rng.standard_normal(50), rng.standard_normal(50), np.arange(50), np.arange(50, 100))
    assert look_at([side], inflation=4.0).error == pytest.approx(2 * look_at([side]).error)


def test_a_proven_count_is_not_hidden_by_a_larger_one_within_chance() -> None:
    by_chance = attack(above=Above(60, 6, 0.4), space="values")
    proven = attack(above=Above(40, 6, 0.001), space="components")
    told = measured(TPR, found(by_chance, proven), {}, None, 600)
    assert "components" in told.note
    assert judge(TPR, told).outcome == "fail"
