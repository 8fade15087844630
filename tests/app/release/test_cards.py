"""Cards: Markdown and JSON agree, and differential privacy is stated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cohortsmith.app.release.audit_case import Case
from cohortsmith.app.release.audit_files import facts_of_audit
from cohortsmith.app.release.cards import data_card, markdown, model_card
from cohortsmith.data import simulate, split
from cohortsmith.evaluation.html.audit.page import UNSTATED
from cohortsmith.evaluation.privacy.auditing import Audit
from cohortsmith.evaluation.privacy.criteria import AttackResults
from cohortsmith.evaluation.privacy.policy import DEFAULT
from cohortsmith.evaluation.spaces.comparison import Comparison

PRIVACY = {"epsilon": 3.0, "delta": 1e-5, "sigma": 1.2, "accountant": "prv", "unit": "one record"}


DATE = "2026-01-31"


def case_and_facts(privacy: dict[str, Any] | None = None, **config: Any) -> tuple[Case, dict[str, Any]]:
    train, holdout = split(simulate("simulated-expression", 80, seed=0, genes=4, classes=2), seed=0)
    few = train.take(range(40))
    config = {"data": {"cohort": "in/patients.csv"}, **config}
    summary = {"privacy": privacy} if privacy else {}
    sealed = {"synthetic.csv": "0" * 64}
    case = Case(few, holdout, few, Path("synthetic.csv"), family="vae", config=config, summary=summary, sealed=sealed)
    found = AttackResults((), {}, {}, (), (), ())
    return case, facts_of_audit(Audit(DEFAULT, (), Comparison(few, holdout, few), 0, found, {}, None), case)


def test_privacy_budget_stands_in_both_cards_and_no_exact_counts_beside_it() -> None:
    case, facts = case_and_facts(PRIVACY)
    summary = {"privacy": PRIVACY, "device": "cpu", "class_counts": {"a": 3}}
    model = model_card(case, facts, summary, {"metrics": []}, date=DATE, forced=False)
    data = data_card(case, facts, summary, date=DATE, forced=False)
    for card in (model, data):
        assert PRIVACY.items() <= card["differential privacy"].items()
        assert "- epsilon: 3.0" in markdown(card)
    assert model["learnt from"]["classes"] == list(case.train.classes)
    assert data["from whom"]["classes of the training patients"] == list(case.train.classes)
    for card in (model, data):
        assert case.train.digest() not in markdown(card)
        assert "40" not in json.dumps(card["learnt from" if card is model else "from whom"])
    assert model["learnt from"]["patients"] == UNSTATED


def test_a_card_states_date_source_policy_and_what_the_institution_says() -> None:
    case, facts = case_and_facts(release={"licence": "CC BY 4.0", "contact": "data office"})
    data = data_card(case, facts, {}, date=DATE, forced=False)
    assert (data["date"], data["licence"], data["contact"]) == (DATE, "CC BY 4.0", "data office")
    assert (data["intended use"], data["auditor"]) == ("not stated", "not stated")
    assert data["from whom"]["digest of the training patients"] == case.train.digest()
    assert data["audit"]["policy digest"] == DEFAULT.digest()
    assert data["audit"]["limits looser than the default"] == "none"


def test_without_a_budget_it_is_said_and_small_classes_are_not_counted() -> None:
    case, facts = case_and_facts()
    rare = case.train.take([*(case.train.y == 0).nonzero()[0], *(case.train.y == 1).nonzero()[0][:3]])
    case = Case(rare, case.holdout, case.synthetic, case.samples, config=case.config)
    card = data_card(case, facts, {}, date=DATE, forced=True)
    assert str(card["differential privacy"]).startswith("none")
    assert card["from whom"]["cohort"] == "patients.csv"
    assert card["from whom"]["classes of the training patients"][rare.classes[1]] == "fewer than 5"
    assert markdown(card).splitlines()[2].startswith("> **Released by force")
