"""What an audit cannot begin with: a holdout that holds training patients, or too few patients to attack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.core import same_rows
from cohortsmith.evaluation.metrics.common import LEAST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.spaces import Comparison

MOST_EQUAL = 0.01  # of the holdout: some public sets hold a few records twice, which is told, not refused


def require_apart(comparison: Comparison) -> str:
    """Check that the holdout is unseen; give a note about single records that stand on both sides, "" without such.

    Sequences are often equal without being of one person, so of them only those count that one patient of train alone
    has and whose patient bears the same name in the holdout.

    Raises:
        DataError: more than 1 % of the holdout equals a train record, or one with the same sample id or patient does.
    """
    train, holdout = comparison.train, comparison.holdout
    what = "patients that are in train too: an audit needs real patients that the generator never saw"
    if _names_patients(train) and _names_patients(holdout):
        both = np.intersect1d(train.subjects, holdout.subjects)
        if len(both) and not (train.about.equals_are_usual and not _same_people(train, holdout)):
            raise DataError(f"the holdout has {len(both)} {what}; leave them out of one side")
    if train.about.equals_are_usual:
        if _same_people(train, holdout):
            raise DataError(f"the holdout has {what}; give others with --holdout")
        return ""
    own, theirs = same_rows(_rows(train), _rows(holdout))
    equal = np.isin(theirs, own)
    count = int(equal.sum())
    if count > MOST_EQUAL * len(holdout) or (count and np.isin(holdout.ids[equal], train.ids).any()):
        raise DataError(f"{count} of {len(holdout)} holdout records are of {what}; leave them out of one side")
    return f"{count} holdout records equal a record of train: copies in the source look like a leak" if count else ""


def require_enough(comparison: Comparison) -> None:
    """Check that there are patients for an attack.

    Raises:
        DataError: fewer than 20 samples in a half of train or of the holdout, or in the synthetic cohort.
    """
    for name, least in (("train", 2 * LEAST), ("holdout", 2 * LEAST), ("synthetic", LEAST)):
        n = len(getattr(comparison, name))
        if n < least:
            raise DataError(f"too few patients for an audit: {name} needs at least {least} samples; it has {n}")


def _names_patients(cohort: Cohort) -> bool:
    """Whether a person said which column names the patient; without, samples are merely numbered."""
    return bool(cohort.provenance.get("subject"))


def _rows(cohort: Cohort) -> NDArray[np.generic]:
    return cohort.x.reshape(len(cohort), -1)


def _same_people(train: Cohort, holdout: Cohort) -> bool:
    """Whether sequences of one name agree in at least half of the names that both sides use.

    Only names count whose sequence one sample of train alone has: wild types agree in any two people.
    """
    own, theirs = same_rows(train.x, holdout.x)
    if len(own) == len(theirs) and (own == theirs).all():
        return True
    alone = np.bincount(own, minlength=int(max(own.max(), theirs.max())) + 1)[own] == 1
    known = dict(zip(train.subjects[alone].tolist(), own[alone].tolist(), strict=True))
    same = [
        known[name] == row
        for name, row in zip(holdout.subjects.tolist(), theirs.tolist(), strict=True)
        if name in known
    ]
    return bool(same) and 2 * sum(same) >= len(same)
