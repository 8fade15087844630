"""An audit in folds: copies fail, generators of other patients do not, at sizes where a holdout alone cannot decide."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.data import DataError, simulate, split
from cohortsmith.evaluation.privacy.auditing import audit
from cohortsmith.evaluation.privacy.folds import fit_folds, score_folds
from cohortsmith.evaluation.privacy.membership_attacks import attacks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.data import Cohort


def _sides(n: int) -> tuple[Cohort, Cohort]:
    return split(simulate("simulated-expression", n, seed=0, genes=12, classes=2), seed=0)


def _copies(cohort: Cohort, counts: Mapping[str, int], seed: int) -> Cohort:
    rng = np.random.default_rng(seed)
    return cohort.take(rng.integers(0, len(cohort), sum(counts.values())))


def _others(cohort: Cohort, counts: Mapping[str, int], seed: int) -> Cohort:
    return simulate("simulated-expression", sum(counts.values()), seed=1000 + seed % 1000, genes=12, classes=2)


def test_copies_fail_and_other_patients_do_not() -> None:
    train, holdout = _sides(200)
    copied = fit_folds(train, holdout, _copies, folds=5)
    done = audit(train, holdout, copied.made[0], folds=copied)
    assert done.folds == 5
    outcomes = {j.criterion.name: j.outcome for j in done.judgements}
    assert outcomes["worst_attack_auc"] == outcomes["worst_attack_tpr"] == "fail"
    honest = fit_folds(train, holdout, _others, folds=5)
    done = audit(train, holdout, _others(train, train.class_counts(), 9), folds=honest)
    assert "fail" not in {j.outcome for j in done.judgements}
    assert done.comparable


def test_every_patient_is_unseen_once_and_a_member_otherwise() -> None:
    train, holdout = _sides(120)
    folds = fit_folds(train, holdout, _others, folds=3)
    parts = score_folds(folds)
    unseen = np.concatenate([part.patients[1] for part in parts])
    assert sorted(unseen.tolist()) == list(range(120))
    found = attacks(parts, 0, share=0.7)
    everybody = next(a for a in found if a.group == "all")
    assert (everybody.n_members, everybody.n_non_members) == (120, 120)


def test_too_many_folds_are_refused_in_one_line() -> None:
    train, holdout = _sides(120)
    with pytest.raises(DataError, match="2 to 6 folds were expected, 20 patients or more in each; got 9 folds of 120"):
        fit_folds(train, holdout, _others, folds=9)


def test_what_is_released_is_attacked_itself_whatever_the_folds_say() -> None:
    train, holdout = _sides(300)
    honest = fit_folds(train, holdout, _others, folds=5)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.3 * train.x.std(axis=0), train.x.shape).astype(np.float32)
    noisy = replace(train, x=np.maximum(np.rint(train.x + noise), 0))  # no copies, and nearest to their patients by far
    done = audit(train, holdout, noisy, folds=honest)
    told = {j.criterion.name: j for j in done.judgements}
    assert told["worst_attack_auc"].outcome == "fail"
    assert "in what is released itself" in told["worst_attack_auc"].measured.note
    assert done.to_json()["attacks_on_released"]
    assert done.released is not None
    passed = audit(train, holdout, _others(train, train.class_counts(), 9), folds=honest)
    assert "fail" not in {j.outcome for j in passed.judgements}


def test_a_holdout_too_small_to_be_attacked_alone_still_shows_a_release_of_copies() -> None:
    train, holdout = _sides(200)
    holdout = holdout.take(np.arange(25))
    honest = fit_folds(train, holdout, _others, folds=5)
    noise = np.random.default_rng(0).normal(0, 0.1 * train.x.std(axis=0), train.x.shape).astype(np.float32)
    done = audit(train, holdout, replace(train, x=np.maximum(np.rint(train.x + noise), 0)), folds=honest)
    told = {j.criterion.name: j.outcome for j in done.judgements}
    assert told["worst_attack_auc"] == "fail"


def test_each_fold_draws_as_many_rows_as_are_asked_and_risks_are_of_as_many_as_it_learned_from() -> None:
    train, holdout = _sides(120)
    folds = fit_folds(train, holdout, _others, folds=3, rows=1000)
    assert all(len(made) >= 1000 for made in folds.made)
    for fold in range(3):
        comparison = folds.comparison(fold)
        assert len(comparison.synthetic) == len(comparison.train)
        assert set(comparison.synthetic.labels) == set(comparison.train.labels)
