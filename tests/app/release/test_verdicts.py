"""Decisions that rest on more than one audit: the worse of two, criterion by criterion."""

from __future__ import annotations

from functools import cache

import pytest

from cohortsmith.app.release.unstated import _rounded
from cohortsmith.app.release.verdicts import undecided, worse_of
from cohortsmith.evaluation.privacy import DEFAULT, Audit, Judgement, Measured, judge
from cohortsmith.evaluation.privacy.criteria import AttackResults
from cohortsmith.evaluation.spaces import Comparison
from tests.evaluation.cohorts import patients

AUC = DEFAULT["worst_attack_auc"]
PASSED, OPEN, FAILED, BLOCKED = (
    judge(AUC, Measured(value, low, high, 0.5))
    for value, low, high in ((0.52, 0.50, 0.54), (0.52, 0.4, 0.7), (0.57, 0.55, 0.59), (0.65, 0.6, 0.7))
)


@cache
def comparison() -> Comparison:
    return Comparison(patients(60, 1), patients(40, 2), patients(60, 3))


def audit_of(*judgements: Judgement) -> Audit:
    return Audit(DEFAULT, judgements, comparison(), 0, AttackResults((), {}, {}, (), (), ()), {}, None)


@pytest.mark.parametrize(
    ("one", "other"), [(PASSED, OPEN), (PASSED, FAILED), (OPEN, FAILED), (FAILED, BLOCKED), (PASSED, BLOCKED)]
)
def test_the_worse_of_two_counts_whichever_comes_first(one: Judgement, other: Judgement) -> None:
    for first, second in ((one, other), (other, one)):
        (made,) = worse_of(audit_of(first), audit_of(second)).judgements
        assert (made.outcome, made.blocked) == (other.outcome, other.blocked)


def test_the_larger_of_two_passes_is_shown() -> None:
    lower = judge(AUC, Measured(0.49, 0.47, 0.51, 0.5))
    assert worse_of(audit_of(lower), audit_of(PASSED)).judgements[0].measured.value == 0.52
    assert worse_of(audit_of(PASSED), audit_of(lower)).judgements[0].measured.value == 0.52


def test_what_was_not_counted_makes_a_pass_undecided_and_no_fail_milder() -> None:
    assert undecided(audit_of(PASSED), "lost").outcome == "not evaluable"
    assert undecided(audit_of(FAILED), "lost").outcome == "fail"
    assert undecided(audit_of(OPEN), "lost").judgements[0] == OPEN


def test_a_figure_is_not_rounded_across_its_limit() -> None:
    over = judge(AUC, Measured(0.5502, 0.54, 0.56, 0.5))
    assert over.outcome == "fail"
    assert _rounded(over).measured.value == 0.5502
    assert _rounded(judge(AUC, Measured(0.54321, 0.53, 0.5567, 0.5))).measured.value == 0.543
