"""Who is in an arm of a grid: the split, the labelled part, the virtual patients, and what each of them is for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from cohortsmith.app.config import BALANCE
from cohortsmith.data import DataError, split
from cohortsmith.data.splits import SPLIT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from cohortsmith.app.config import GridData
    from cohortsmith.data import Cohort

WORDS = {"full": 1.0, "half": 0.5, "quarter": 0.25}
_LABELLED = 11  # stream of the draw of labelled parts


class Parts(NamedTuple):
    """Training patients, validation patients for choices, and test patients for figures."""

    train: Cohort
    validation: Cohort
    test: Cohort


def parts_of(cohort: Cohort, part: GridData, seed: int) -> Parts:
    """Split by patient and class; images whose file says who is train, val and test keep to that.

    Raises:
        DataError: a share out of range, a class too small to stand everywhere, or a patient on two sides of the
            file's own split.
    """
    train, test = split(cohort, seed=seed, holdout=part.holdout)
    left = ~np.isin(cohort.ids, train.ids.union(test.ids))
    own = left & (cohort.obs[SPLIT].to_numpy() == "val") if SPLIT in cohort.obs else np.zeros(len(cohort), dtype=bool)
    if own.any():
        validation = cohort.take(own)
        if np.isin(validation.subjects, np.concatenate([train.subjects, test.subjects])).any():
            raise DataError(
                "patients have images in val and in train or test of the file's own split, so that choices would be "
                "made on training or test patients; move their images to one side"
            )
        return Parts(train, validation, test)
    if not 0 < part.validation < 1:
        raise DataError(f"validation must be a share of train between 0 and 1, both excluded; got {part.validation}")
    return Parts(*split(train, seed=seed, holdout=part.validation), test)


def labelled_number(wanted: str, train: Cohort) -> int:
    """How many patients of `train` have labels, from a number, a share, or a word.

    Raises:
        DataError: no such word, a number larger than train, or too small for one patient of each class.
    """
    present = [name for name, count in train.class_counts().items() if count]
    share = WORDS.get(wanted)
    try:
        n = int(wanted) if share is None else round(share * len(train))
    except ValueError:
        try:
            share = float(wanted)
        except ValueError:
            raise DataError(
                f"labelled: a number, a share or one of {', '.join(WORDS)} was expected; got {wanted!r}"
            ) from None
        if not 0 < share <= 1:
            raise DataError(f"labelled: a share must be above 0 and at most 1; got {wanted}") from None
        n = round(share * len(train))
    if n > len(train):
        raise DataError(
            f"labelled: {n} patients with labels were asked for, and train has {len(train)}; ask for fewer, or for "
            "'full'"
        )
    if n < len(present):
        raise DataError(
            f"labelled: {wanted} is {n} patients, fewer than the {len(present)} classes, so that class "
            f"{present[max(n, 0)]!r} would be absent; ask for {len(present)} or more"
        )
    return n


def labelled_part(train: Cohort, wanted: str, seed: int) -> Cohort:
    """Patients whose classes are known, in the order of train.

    Each class has its share (seats by the method of Webster, one at least), and a larger part holds a smaller one of
    the same seed, so that learning curves are paired. Samples of one patient follow each other in the draw: whole
    patients come in, but for the last of each class.

    Raises:
        DataError: as `labelled_number`.
    """
    n = labelled_number(wanted, train)
    rng = np.random.default_rng([seed, _LABELLED])
    names, subject = np.unique(train.subjects, return_inverse=True)
    rank = rng.permutation(len(names))[subject]
    order = np.lexsort((rank, train.y))  # by class, then patient by patient
    y = train.y[order]
    sizes = np.bincount(train.y, minlength=len(train.classes))
    seat = np.arange(len(y)) - np.concatenate([[0], np.cumsum(sizes)])[y]  # 0 for the first of each class
    claim = np.where(seat == 0, np.inf, sizes[y] / (2 * seat + 1))
    taken = order[np.argsort(-claim, kind="stable")[:n]]
    return train.take(np.sort(taken))


def virtual_counts(labelled: Cohort, ratio: str) -> NDArray[np.int64]:
    """Virtual patients of each class, (classes,), for a ratio to the labelled ones or `BALANCE`."""
    sizes = np.bincount(labelled.y, minlength=len(labelled.classes))
    if ratio == BALANCE:
        return np.asarray(np.where(sizes > 0, sizes.max() - sizes, 0), dtype=np.int64)
    return np.asarray(np.floor(float(ratio) * sizes + 0.5), dtype=np.int64)


def most_counts(labelled: Cohort, ratios: Iterable[str]) -> NDArray[np.int64]:
    """As many of each class, (classes,), as the largest of several ratios needs."""
    most: NDArray[np.int64] = np.max([virtual_counts(labelled, ratio) for ratio in ratios], axis=0)
    return most


def first_of_each(virtual: Cohort, counts: NDArray[np.int64]) -> Cohort:
    """The first virtual patients of each class, so that a smaller ratio is a part of a larger one."""
    rows = [np.flatnonzero(virtual.y == label)[:count] for label, count in enumerate(counts)]
    return virtual.take(np.concatenate(rows))


def learning_set(role: str, labelled: Cohort, virtual: Cohort | None) -> Cohort:
    """What the classifier learns with classes, by the role of the virtual patients."""
    if virtual is None or role == "unlabelled":
        return labelled
    return virtual if role == "alone" else joined(labelled, virtual)


def pretext_cohort(role: str, unlabelled: Cohort, virtual: Cohort | None) -> Cohort:
    """What the pretext learns without classes, by the role of the virtual patients."""
    if virtual is None or role == "labelled":
        return unlabelled
    return virtual if role == "alone" else joined(unlabelled, virtual)


def with_extra(unlabelled: Cohort, extra: Cohort, parts: Parts) -> Cohort:
    """What a pretext learns, and more patients whose classes are not read.

    Those whose values are exactly a validation or test patient's are left out.

    Raises:
        DataError: another data kind or other features.
    """
    if (extra.kind, extra.features) != (unlabelled.kind, unlabelled.features):
        raise DataError(
            f"extra_unlabelled: {unlabelled.kind} data of the same features as the cohort's were expected; got "
            f"{extra.kind} data of {len(extra.features)} features, the first {extra.features[0]!r}"
        )
    kept = {row.tobytes() for side in (parts.validation, parts.test) for row in side.x}
    extra = extra.take([row for row, values in enumerate(extra.x) if values.tobytes() not in kept])
    ids = np.array([f"extra-{row}" for row in range(len(extra))], dtype=np.str_)
    unlabelled_y = np.zeros(len(extra), dtype=np.int64)
    own = replace(extra, y=unlabelled_y, classes=unlabelled.classes, subjects=ids, obs=pd.DataFrame(index=ids))
    return joined(unlabelled, own)


def joined(real: Cohort, more: Cohort) -> Cohort:
    """Both cohorts as one, covariates left out.

    Raises:
        DataError: other features or classes.
    """
    if (real.kind, real.features, real.classes) != (more.kind, more.features, more.classes):
        raise DataError("virtual patients of the same kind, features and classes as the real ones were expected")
    ids = pd.Index([*map(str, real.ids), *map(str, more.ids)], name=real.ids.name)
    return replace(
        real,
        x=np.concatenate([real.x, more.x]),
        y=np.concatenate([real.y, more.y]),
        subjects=np.concatenate([real.subjects, more.subjects]),
        obs=pd.DataFrame(index=ids),
    )
