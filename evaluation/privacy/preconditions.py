"""Preconditions of an audit: a holdout without training patients, and enough patients to attack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.patients import keys_of, shared_patients
from cohortsmith.evaluation.core import same_rows
from cohortsmith.evaluation.privacy.attack_settings import MIN_SAMPLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.spaces import Comparison

MOST_EQUAL = 0.01  # of the holdout: some public data sets contain a few duplicates, which are reported, not refused


def require_apart(comparison: Comparison) -> str:
    """Check that the holdout is unseen; return a note about single records in both cohorts, "" if there are none.

    Different patients often have equal sequences, so only sequences count that are unique to one training patient and
    that a holdout patient with the same id has.

    Raises:
        DataError: more than 1 % of holdout records equal a training record, or one with the same sample or patient id.
    """
    train, holdout = comparison.train, comparison.holdout
    what = "patients that are in train too: an audit needs real patients unseen by the generator"
    if _names_patients(train) and _names_patients(holdout):
        both = shared_patients(train.subjects, holdout.subjects)
        if len(both) and not (train.about.equals_are_usual and not _same_people(train, holdout)):
            raise DataError(f"the holdout has {len(both)} {what}; remove them from one of the two")
    if train.about.equals_are_usual:
        if _same_people(train, holdout):
            raise DataError(f"the holdout has {what}; give others with --holdout")
        return ""
    own, theirs = same_rows(_rows(train), _rows(holdout))
    equal = np.isin(theirs, own)
    count = int(equal.sum())
    if count > MOST_EQUAL * len(holdout) or (count and len(shared_patients(holdout.ids[equal], train.ids))):
        raise DataError(f"{count} of {len(holdout)} holdout records are of {what}; remove them from one of the two")
    note = f"{count} holdout records equal a training record: duplicates in the source data resemble a leak"
    return note if count else ""


def require_enough(comparison: Comparison, *, in_folds: bool = False) -> None:
    """Check that there are enough patients to attack; in folds, that there are as many in train and holdout together.

    Raises:
        DataError: fewer than 20 samples in a half of train or of the holdout, or in the synthetic cohort.
    """
    real = 0 if in_folds else 2 * MIN_SAMPLES
    for name, least in (("train", real), ("holdout", real), ("synthetic", MIN_SAMPLES)):
        n = len(getattr(comparison, name))
        if n < least:
            folds = (
                "; in folds (--folds) train and holdout count together" if name != "synthetic" and not in_folds else ""
            )
            raise DataError(f"too few patients for an audit: {name} needs at least {least} samples; it has {n}{folds}")


def _names_patients(cohort: Cohort) -> bool:
    """Whether the user named the column of patient ids; without it, samples are numbered."""
    return bool(cohort.provenance.get("subject"))


def _rows(cohort: Cohort) -> NDArray[np.generic]:
    return cohort.x.reshape(len(cohort), -1)


def _same_people(train: Cohort, holdout: Cohort) -> bool:
    """Whether sequences with the same patient id are equal for at least half of the ids that both cohorts have.

    Only ids count whose sequence is unique in train: wild types are equal in any two people.
    """
    own, theirs = same_rows(train.x, holdout.x)
    if len(own) == len(theirs) and (own == theirs).all():
        return True
    unique = np.bincount(own, minlength=int(max(own.max(), theirs.max())) + 1)[own] == 1
    known = dict(zip(keys_of(train.subjects[unique]).tolist(), own[unique].tolist(), strict=True))
    same = [
        known[name] == row
        for name, row in zip(keys_of(holdout.subjects).tolist(), theirs.tolist(), strict=True)
        if name in known
    ]
    return bool(same) and 2 * sum(same) >= len(same)
