"""An audit in folds: copies fail, generators of other patients do not, at sizes where a holdout alone cannot decide."""

from __future__ import annotations

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
