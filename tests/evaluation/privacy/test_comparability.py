"""A holdout of another hospital: the generator is not blamed for it, and copies are still found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cohortsmith.evaluation.html.audit.page import audit_page
from cohortsmith.evaluation.privacy.auditing import audit
from tests.evaluation.cohorts import bootstrap, patients


def test_a_shifted_holdout_is_told_and_what_differs_named() -> None:
    train, holdout = patients(500, 1), patients(300, 2)
    shifted = replace(holdout, x=holdout.x + np.float32(1.5) * train.x.std(axis=0))
    done = audit(train, shifted, patients(500, 9))
    assert done.outcome == "not evaluable"
    assert not done.comparable
    assert done.first_lines[0].startswith("Holdout not comparable")
    assert "columns differ in their mean" in done.first_lines[0]
    assert "the holdout is not comparable" in audit_page(done)
    assert audit(train, holdout, patients(500, 9)).comparable


def test_copies_fail_whatever_the_holdout() -> None:
    train, holdout = patients(500, 1), patients(300, 2)
    shifted = replace(holdout, x=holdout.x + np.float32(1.5) * train.x.std(axis=0))
    done = audit(train, shifted, bootstrap(train, 500, 3))
    assert done.outcome == "fail"
    assert done.hard_stops
