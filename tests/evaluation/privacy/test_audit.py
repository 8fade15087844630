"""The whole audit: leaks are detected, other patients do not fail, and the page states the decision."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data import Cohort, DataError, simulate, split
from cohortsmith.evaluation.html.audit.page import audit_page
from cohortsmith.evaluation.privacy.artefacts import ArtefactFinding
from cohortsmith.evaluation.privacy.auditing import Audit, audit
from cohortsmith.evaluation.privacy.criteria import SMOKE
from cohortsmith.evaluation.privacy.policy import DEFAULT, Policy

ALL = (
    "control",
    "worst_attack_auc",
    "worst_attack_tpr",
    "singling_out",
    "linkability",
    "inference",
    "exact_copies",
    "near_copies",
)


@cache
def sides(n: int = 3400) -> tuple[Cohort, Cohort]:
    return tuple(split(simulate("simulated-expression", n, seed=0, genes=12, classes=3), seed=0))  # type: ignore[return-value]


@cache
def copied() -> Audit:
    train, holdout = sides()
    rows = np.random.default_rng(0).integers(0, len(train), len(train))
    return audit(train, holdout, train.take(rows), seed=0)


@cache
def others() -> Audit:
    """A synthetic cohort of other real patients, which leaks nothing."""
    train, holdout = sides()
    every = simulate("simulated-expression", 6000, seed=0, genes=12, classes=3)
    seen = {row.tobytes() for cohort in (train, holdout) for row in cohort.x}
    fresh = [i for i, row in enumerate(every.x) if row.tobytes() not in seen]
    return audit(train, holdout, every.take(fresh[: len(train)]), seed=0)


def outcomes(done: Audit) -> dict[str, str]:
    return {judgement.criterion.name: judgement.outcome for judgement in done.judgements}


def test_a_resample_of_the_patients_is_blocked() -> None:
    done = copied()
    assert done.outcome == "fail"
    assert done.blocked
    assert outcomes(done) == {"control": "pass"} | dict.fromkeys(ALL[1:], "fail")
    assert done.worst is not None
    assert done.worst.auc.value > 0.75


def test_other_people_are_not_caught() -> None:
    done = others()
    assert "fail" not in outcomes(done).values()
    assert not done.blocked
    assert outcomes(done)["exact_copies"] == outcomes(done)["near_copies"] == "pass"


def test_the_same_cohorts_and_seed_give_the_same_audit() -> None:
    train, holdout = sides(400)
    virtual = holdout.take(np.arange(60))
    first, second = (audit(train, holdout.take(np.arange(60, 120)), virtual, seed=3).to_json() for _ in range(2))
    assert first == second


def test_few_patients_are_not_evaluable_and_say_what_is_missing() -> None:
    train, holdout = sides(160)
    done = audit(train, holdout, simulate("simulated-expression", 200, seed=9, genes=12, classes=3), seed=0)
    judged = {judgement.criterion.name: judgement for judgement in done.judgements}
    assert judged["worst_attack_auc"].outcome == "not evaluable"
    assert "too few patients" in judged["worst_attack_auc"].words
    assert judged["worst_attack_tpr"].outcome == "pass"  # an exact count decides at any size
    assert done.outcome in ("not evaluable", "fail")
    assert any("Not excluded, on all patients: an attack with an AUC of up to" in line for line in done.first_lines)


def test_limits_of_the_policy_decide() -> None:
    train, holdout = sides(400)
    generous = Policy("generous", tuple(replace(c, limit=1.0, block=None, least=None) for c in DEFAULT.criteria))
    found = outcomes(audit(train, holdout, train, policy=generous, seed=0))
    assert found.pop("exact_copies") == "fail"  # a hard stop, which no policy lifts
    assert "fail" not in found.values()


def test_json_is_whole_and_plain() -> None:
    told = copied().to_json()
    json.dumps(told, allow_nan=False)
    assert told["decision"] == "fail"
    assert {row["name"] for row in told["criteria"]} == set(ALL)
    assert told["worst_attack"]["auc"]["low"] < told["worst_attack"]["auc"]["value"]
    assert {"all", "outlying"} <= set(told["power"])
    assert set(told["digests"]) == {"train", "holdout", "synthetic"}
    assert set(SMOKE) <= {row["name"] for row in told["figures"]}


@pytest.mark.parametrize("done", [copied, others])
def test_page_leads_with_the_decision_and_promises_nothing(done: Any) -> None:
    stamp = {"program": "cohortsmith", "version": "1", "seed": 0, "sha256": {"samples": {"virtual.csv": "ab" * 32}}}
    page = audit_page(done(), stamp=stamp)
    text = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    assert "anonymous" not in (text + json.dumps(done().to_json())).lower()
    assert text.index("decision</span>") < text.index("Membership inference</h2>")
    for words in ("05/2014", "motivated intruder", "0.09", "SP 800-226", "smoke tests", "ab" * 32):
        assert words in text
    assert ("Passed these tests under these attackers" in text) == (done().outcome == "pass")


def test_scanned_files_are_judged_and_others_are_not() -> None:
    train, holdout = sides(400)
    assert "artefacts" not in outcomes(copied())
    finding = ArtefactFinding("2 training records", "model.safetensors", "fail")
    done = audit(train, holdout, train, seed=0, artefacts=[finding])
    assert outcomes(done)["artefacts"] == "fail"
    assert "2 training records" in audit_page(done)


def test_an_audit_needs_unseen_patients_and_enough_of_them() -> None:
    train, holdout = sides(400)
    some = np.arange(len(train))
    with pytest.raises(DataError, match="in train too"):
        audit(train, train, holdout)
    with pytest.raises(DataError, match="in train too"):
        audit(train, train.take(some[:60]), holdout)
    with pytest.raises(DataError, match="too few patients.*holdout"):
        audit(train, holdout.take(np.arange(30)), train)
    with pytest.raises(DataError, match="too few patients.*train"):
        audit(train.take(some[:30]), holdout, train)
    with pytest.raises(DataError, match="of kind image"):
        audit(train, holdout, simulate("simulated-cells", 40, seed=0))
    with pytest.raises(DataError, match="lacks"):
        audit(train, holdout, replace(train, x=train.x[:, :-1], features=train.features[:-1]))


def test_one_patient_on_both_sides_is_refused_when_patients_are_named() -> None:
    train, holdout = sides(400)
    train, holdout = (replace(c, provenance={**c.provenance, "subject": "patient"}) for c in (train, holdout))
    shared = replace(holdout, subjects=np.append(holdout.subjects[:-1], train.subjects[0]))
    with pytest.raises(DataError, match="1 patients that are in train too"):
        audit(train, shared, train)


def test_equal_wild_types_are_no_overlap_and_equal_names_with_equal_variants_are() -> None:
    train, holdout = split(simulate("tp53-cohort", 300, seed=0), seed=0)
    assert audit(train, holdout, holdout, seed=0).judgements
    with pytest.raises(DataError, match="in train too"):
        audit(train, train.take(np.arange(100)), holdout)


def test_a_file_that_leaks_is_not_thinned_out_by_further_rows_of_its_model() -> None:
    train, holdout = split(simulate("simulated-expression", 400, seed=0, genes=12, classes=2), seed=0)
    honest = simulate("simulated-expression", 4000, seed=900, genes=12, classes=2)
    noise = np.random.default_rng(0).normal(0, 0.3 * train.x.std(axis=0), train.x.shape)
    noisy = replace(train, x=np.maximum(np.rint(train.x + noise), 0).astype(np.float32))
    x, y = np.concatenate([noisy.x, honest.x]), np.concatenate([noisy.y, honest.y])
    ids = np.asarray([f"row-{row}" for row in range(len(x))])
    both = replace(noisy, x=x, y=y, subjects=ids, obs=pd.DataFrame(index=pd.Index(ids)))
    done = audit(train, holdout, noisy, more=both)
    told = {j.criterion.name: j for j in done.judgements}
    assert told["worst_attack_auc"].outcome == "fail"
    assert "in what is released itself" in told["worst_attack_auc"].measured.note
