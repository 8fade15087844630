"""Cards: Markdown and JSON agree, and differential privacy is stated."""

from __future__ import annotations

from pathlib import Path

from cohortsmith.app.release.audit_case import Case
from cohortsmith.app.release.cards import data_card, markdown, model_card
from cohortsmith.data import simulate, split
from cohortsmith.evaluation.privacy.auditing import Audit
from cohortsmith.evaluation.privacy.criteria import AttackResults
from cohortsmith.evaluation.privacy.policy import DEFAULT
from cohortsmith.evaluation.spaces.comparison import Comparison

PRIVACY = {"epsilon": 3.0, "delta": 1e-5, "sigma": 1.2, "accountant": "prv", "unit": "one record"}


def case_and_audit() -> tuple[Case, Audit]:
    train, holdout = split(simulate("simulated-expression", 80, seed=0, genes=4, classes=2), seed=0)
    few = train.take(range(40))
    case = Case(few, holdout, few, Path("synthetic.csv"), family="vae", config={"data": {"cohort": "in/patients.csv"}})
    found = AttackResults((), {}, {}, (), (), ())
    return case, Audit(DEFAULT, (), Comparison(few, holdout, few), 0, found, {}, None)


def test_privacy_budget_stands_in_both_cards_and_no_exact_counts_beside_it() -> None:
    case, audit = case_and_audit()
    summary = {"privacy": PRIVACY, "device": "cpu", "class_counts": {"a": 3}}
    model = model_card(case, audit, summary, {"metrics": []}, forced=False)
    data = data_card(case, audit, summary, forced=False)
    for card in (model, data):
        assert PRIVACY.items() <= card["differential privacy"].items()
        assert "- epsilon: 3.0" in markdown(card)
    assert model["learnt from"]["classes"] == list(case.train.classes)
    assert data["from whom"]["classes of the training patients"] == list(case.train.classes)


def test_without_a_budget_it_is_said_and_small_classes_are_not_counted() -> None:
    case, audit = case_and_audit()
    rare = case.train.take([*(case.train.y == 0).nonzero()[0], *(case.train.y == 1).nonzero()[0][:3]])
    case = Case(rare, case.holdout, case.synthetic, case.samples, config=case.config)
    card = data_card(case, audit, {}, forced=True)
    assert str(card["differential privacy"]).startswith("none")
    assert card["from whom"]["cohort"] == "patients.csv"
    assert card["from whom"]["classes of the training patients"][rare.classes[1]] == "fewer than 5"
    assert markdown(card).splitlines()[2].startswith("> **Released by force")
