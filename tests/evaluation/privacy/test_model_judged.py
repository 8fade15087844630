"""The model is judged, not one file: rows drawn from it, what it tells about a patient, and the limits of a policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cohortsmith.evaluation.privacy.advice import Commands, next_steps
from cohortsmith.evaluation.privacy.auditing import Audit, audit
from cohortsmith.evaluation.privacy.policy import DEFAULT, Policy
from cohortsmith.evaluation.privacy.scoring import REFITTED, WHITE_BOX, Evidence
from tests.evaluation.cohorts import bootstrap, patients

TRAIN, HOLDOUT, OTHERS = patients(300, 1), patients(200, 2), patients(300, 9)
COMMANDS = Commands("cohortsmith audit run", "cohortsmith release run --out released", "cohortsmith fit x")


def _outcomes(done: Audit) -> dict[str, str]:
    return {judgement.criterion.name: judgement.outcome for judgement in done.judgements}


def _told(attack: str, shift: float, asked: int | None = None) -> Evidence:
    rng = np.random.default_rng(0)
    train, holdout = rng.standard_normal(300) + shift, rng.standard_normal(200)
    if asked:
        train[asked:], holdout[asked:] = np.nan, np.nan
    return {(attack, "loss"): (train, holdout)}


def test_rows_drawn_from_the_model_are_attacked_and_the_file_is_scanned_for_copies() -> None:
    done = audit(TRAIN, HOLDOUT, OTHERS, more=bootstrap(TRAIN, 900, 3))
    assert _outcomes(done)["worst_attack_auc"] == "fail"
    assert _outcomes(done)["exact_copies"] == "pass"
    assert _outcomes(audit(TRAIN, HOLDOUT, OTHERS))["worst_attack_auc"] != "fail"


def test_a_model_that_tells_its_patients_fails_alone() -> None:
    done = audit(TRAIN, HOLDOUT, OTHERS, evidence=_told(WHITE_BOX, 1.5))
    assert _outcomes(done)["white_box"] == "fail"
    assert _outcomes(done)["worst_attack_auc"] != "fail"
    assert done.worst is not None
    assert done.worst.name == WHITE_BOX
    assert "white_box" not in _outcomes(audit(TRAIN, HOLDOUT, OTHERS))


def test_a_model_may_be_asked_about_some_rows_only() -> None:
    done = audit(TRAIN, HOLDOUT, OTHERS, evidence=_told(WHITE_BOX, 1.5, asked=120))
    found = next(a for a in done.found.attacks if a.name == WHITE_BOX and a.group == "all")
    assert (found.n_members, found.n_non_members) == (120, 120)
    assert found.auc.value == pytest.approx(0.86, abs=0.06)


def test_a_model_refitted_to_the_release_is_an_attack_on_the_samples() -> None:
    done = audit(TRAIN, HOLDOUT, OTHERS, evidence=_told(REFITTED, 1.5))
    assert _outcomes(done)["worst_attack_auc"] == "fail"
    assert "white_box" not in _outcomes(done)


def test_the_policy_sets_how_much_a_holdout_may_differ() -> None:
    shifted = replace(HOLDOUT, x=HOLDOUT.x + np.float32(0.5) * TRAIN.x.std(axis=0))
    strict = _outcomes(audit(TRAIN, shifted, OTHERS))
    assert strict["control"] == strict["worst_attack_auc"] == strict["near_copies"] == "not evaluable"
    criteria = (replace(c, limit=1.0) if c.name == "control" else c for c in DEFAULT.criteria)
    lenient = _outcomes(audit(TRAIN, shifted, OTHERS, policy=Policy("lenient", tuple(criteria))))
    assert lenient["control"] == "pass"
    assert lenient["worst_attack_auc"] == "fail"


def test_what_next_follows_from_the_decision() -> None:
    failed = audit(TRAIN, HOLDOUT, bootstrap(TRAIN, 300, 3))
    commands = [step.command for step in next_steps(failed, COMMANDS)]
    assert "cohortsmith fit x" in commands
    assert not any("--folds" in command for command in commands)
    small = audit(patients(80, 1), patients(60, 2), patients(80, 9))
    assert small.outcome == "not evaluable"
    steps = next_steps(small, COMMANDS)
    assert steps[0].command == "cohortsmith audit run --folds 7 --out audited-in-folds"
    assert "140 patients" in steps[0].words
    private = next_steps(small, COMMANDS, private=True)
    assert not any("140" in step.words for step in private)
    assert "cohortsmith fit x" not in [step.command for step in private]
