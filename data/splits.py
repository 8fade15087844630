"""Train and holdout splits, stratified by class and grouped by patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.patients import shared_patients

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort

SPLIT = "split"  # column of `obs` with the split stated in an image file
SPLITS = ("train", "val", "test")


class Split(NamedTuple):
    """Two cohorts without a common patient."""

    train: Cohort
    holdout: Cohort


def split(cohort: Cohort, seed: int, holdout: float = 0.3, *, validation: bool = False) -> Split:
    """Split a cohort by subject, stratified by class.

    With one sample per subject this is the plain stratified split: the holdout of each class is its share of the
    samples, rounded so that the total matches. Subjects with several samples, also of several classes, are kept
    together: they are assigned one by one, rarest class first, to the side that still lacks most of that class
    (iterative stratification, Sechidis et al. 2011).

    Images whose file says which of them are train and which test (`obs["split"]`) are split that way, whatever the
    seed and the share: published results use that split. Images of val are left out, or join train.

    Args:
        cohort: what to split; samples keep their order on each side.
        seed: of the random assignment.
        holdout: share of the samples that generators never see, between 0 and 1.
        validation: whether images of the file's own val join train.

    Returns:
        `Split(train, holdout)`; each side has at least one patient of every class.

    Raises:
        DataError: `holdout` out of range, or a class that cannot be in both parts; a patient with images in
            both parts of the file's own split.
    """
    if not 0 < holdout < 1:
        raise DataError(f"holdout must be a share between 0 and 1, both excluded; got {holdout}")
    if has_own_split(cohort):
        return _own_split(cohort, validation)
    names, subject = np.unique(cohort.subjects, return_inverse=True)
    table = np.zeros((len(names), len(cohort.classes)), dtype=np.int64)  # samples of each class, one row per subject
    np.add.at(table, (subject, cohort.y), 1)
    patients = (table > 0).sum(axis=0)
    used = np.flatnonzero(patients)
    for c in used[patients[used] < 2]:
        raise DataError(
            f"class {cohort.classes[c]!r} has one patient, so it cannot be in both train and holdout; "
            "leave the class out or merge it with another"
        )
    out = _deal(table, _targets(table.sum(axis=0), holdout), np.random.default_rng(seed))
    for side, rows in (("train", ~out), ("holdout", out)):
        for c in used[table[rows].sum(axis=0)[used] == 0]:
            raise DataError(
                f"class {cohort.classes[c]!r} would have no patient in {side}: the samples of its {patients[c]} "
                "patients stay together; change the seed or the holdout share, or merge the class with another"
            )
    mask = out[subject]
    return Split(cohort.take(~mask), cohort.take(mask))


def has_own_split(cohort: Cohort) -> bool:
    """Whether the cohort's file says which samples are train and which test, and its data kind keeps to that."""
    return cohort.about.own_split and SPLIT in cohort.obs and {"train", "test"} <= set(cohort.obs[SPLIT].dropna())


def _own_split(cohort: Cohort, validation: bool) -> Split:
    """Train, with val if asked, against test, as the file has them."""
    side = cohort.obs[SPLIT].to_numpy()
    train, holdout = cohort.take((side == "train") | (validation & (side == "val"))), cohort.take(side == "test")
    both = shared_patients(train.subjects, holdout.subjects)
    if len(both):
        raise DataError(
            f"{len(both)} patients have images in train and in test of the file's own split, so test is not unseen; "
            "move their images to one side, or remove the split from the file to have one drawn by patient"
        )
    present = np.flatnonzero(np.bincount(cohort.y, minlength=len(cohort.classes)))
    for name, part in (("train", train), ("test", holdout)):
        for c in present[~np.isin(present, part.y)]:
            raise DataError(
                f"class {cohort.classes[c]!r} has no image in {name} of the file's own split; leave the class out, or "
                "remove the split from the file to have one drawn"
            )
    return Split(train, holdout)


def _targets(sizes: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """Samples of each class for the holdout: largest remainder, at least one of each class in each part."""
    exact = sizes * share
    target: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    missing = round(float(exact.sum())) - int(target.sum())
    target[np.argsort(target - exact, kind="stable")[:missing]] += 1
    target[sizes > 1] = np.clip(target, 1, np.maximum(sizes - 1, 1))[sizes > 1]
    return target


def _deal(table: NDArray[np.int64], target: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mask of the subjects that go to the holdout; `table` is (subjects, classes), `target` (classes,)."""
    n = len(table)
    out = np.zeros(n, dtype=bool)
    free = np.ones(n, dtype=bool)
    asked = np.stack([table.sum(axis=0) - target, target]).astype(np.float64)  # (train, holdout) x classes
    want = asked.copy()  # what each side still lacks
    order = rng.permutation(n)
    order = order[np.argsort(-table[order].sum(axis=1), kind="stable")]  # big subjects first, else random
    while free.any():
        left = ((table > 0) & free[:, None]).sum(axis=0)
        rarest = int(np.argmin(np.where(left > 0, left, n + 1)))
        for i in order[free[order] & (table[order, rarest] > 0)]:
            train, holdout = want[:, rarest] / np.maximum(asked[:, rarest], 1)
            share = asked[1, rarest] / asked[:, rarest].sum()
            out[i] = holdout > train if holdout != train else rng.random() < share
            want[int(out[i])] -= table[i]
            free[i] = False
    return out
