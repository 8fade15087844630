"""Copies among few synthetic records: whose nearest train patient is far nearer than the second nearest.

For a record that copies one patient, even with noise, the distance to that patient is small against the distance to the
next one, wherever the record lies. The same ratio against the holdout, whom no generator saw, is what it would be
without copying: ratios are compared by their order only, with an exact test, so that a handful of copies among
thousands of records is found. Source: the ratio test of Lowe (2004, Int. J. Computer Vision 60:91) with the control of
Meehan et al. (2020, AISTATS) in place of a fixed threshold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import hypergeom

from cohortsmith.evaluation.core import (
    BLOCK,
    LARGE_SAMPLES_PER_SIDE,
    MIN_PER_SIDE,
    Finding,
    NotEvaluable,
    Stream,
    distances,
    group_nearest,
    same_rows,
    wilson,
)
from cohortsmith.evaluation.metrics.images import TRAIN_SAMPLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

ALLOWED = (0, 1, 3, 10, 30)  # ratios against the holdout below the cut, each tested
ALPHA = 0.01
RARE = 0.05  # share of the ratios against the holdout that may lie below a cut
COPY = 0.8  # largest ratio of a copy; Lowe (2004)


class Excess(NamedTuple):
    """Ratios against train below nearly all ratios against the holdout.

    Attributes:
        cut: ratio below which they are counted.
        below: ratios against train below it.
        allowed: ratios against the holdout below it.
        p: probability of so many or more without copying, corrected for the number of cuts.
        proven: ratios that are copies at 99 % confidence: with fewer copies, p would be at most .01.
    """

    cut: float
    below: int
    allowed: int
    p: float
    proven: int


def nearness_ratio(comparison: Comparison, seed: int) -> Finding:
    """Excess share of synthetic records whose distance ratio to train is below nearly all ratios to the holdout.

    The ratio is the distance to the nearest over that to the second nearest patient. Equal synthetic records count
    once; records of one patient, and equal records of several, are one patient. The test of `count_excess` looks at the
    lowest ratio at each nearest patient, so that a generator that repeats itself near somebody is one event. The lower
    end of the interval is above 0 only if that test says so at 99 %: it is one of several.

    Raises:
        NotEvaluable: presence data, where equal records are usual; fewer than 20 patients or synthetic records.
    """
    c = comparison
    if c.view.presence:
        raise NotEvaluable("records of presence are often equal: the ratio of distances is undefined")
    c.require("a comparison of distances")
    rng = np.random.default_rng([seed, Stream.NEARNESS_RATIO])
    made = c.z_synthetic[_distinct(c.z_synthetic)]
    made = made[np.sort(rng.permutation(len(made))[:LARGE_SAMPLES_PER_SIDE])]
    most = min(TRAIN_SAMPLES, len(c.train))  # ratios are lower among fewer patients: never more in the holdout
    to_train, to_holdout = (
        _ratios(made, z, cohort, rng.permutation(len(z))[:most])
        for z, cohort in ((c.z_train, c.train), (c.z_holdout, c.holdout))
    )
    found = count_excess(_lowest(*to_train), _lowest(*to_holdout))
    below, real = (int((ratio < found.cut).sum()) for ratio, _ in (to_train, to_holdout))
    value = max(0, below - real, found.proven) / len(made)
    return Finding(
        value,
        low=found.proven / len(made),
        high=max(value, wilson(below, len(made)).high),
        reference=real / len(made),
        chance=0.0,
        interval="lower end by the negative hypergeometric distribution, upper end by Wilson",
        detail={
            "n": len(made),
            "below": below,
            "patients_below": found.below,
            "holdout_below": found.allowed,
            "p": found.p,
            "lowest": float(to_train[0].min()),
            "lowest_reference": float(to_holdout[0].min()),
        },
    )


def count_excess(train: NDArray[np.floating], holdout: NDArray[np.floating]) -> Excess:
    """The most significant excess of ratios against train (m,) below all but k ratios against the holdout (n,).

    Every record has a ratio on either side. Without copying, either is equally likely to be a low one: that j or more
    of train's come before the (k + 1)-th of the holdout's has the probability that at most k of the j + k lowest are
    the holdout's, hypergeometric for as many ratios on both sides. Of ties, those of the holdout come first. The five
    values of k, at most a twentieth of the holdout, are corrected for by Bonferroni. A ratio above 0.8 is no copy.
    """
    m = n = max(len(train), len(holdout))
    cuts, found = np.sort(holdout), []
    for allowed in (k for k in ALLOWED if k <= len(holdout) * RARE):
        cut = min(float(cuts[allowed]), COPY)
        below = int((train < cut).sum())
        # as many copies are proven as must be taken away before what remains is no longer unusual
        p = np.asarray(hypergeom.cdf(allowed, m + n, n, np.arange(below + 1) + allowed)) * len(ALLOWED)
        usual = int((p > ALPHA).sum()) - 1  # p falls with the number below
        found.append(Excess(cut, below, allowed, min(1.0, float(p[-1])), max(0, below - usual)))
    return min(found, key=lambda one: (-one.proven, one.p))


def _distinct(z: Matrix) -> NDArray[np.int64]:
    """First row of each distinct record."""
    number, _ = same_rows(z, z[:0])
    rows: NDArray[np.int64] = np.unique(number, return_index=True)[1]
    return np.sort(rows)


def _lowest(ratios: NDArray[np.float32], patient: NDArray[np.int64]) -> NDArray[np.float32]:
    """Lowest ratio at each patient who is nearest to any synthetic record, (patients,)."""
    order = np.lexsort((ratios, patient))
    return ratios[order[np.flatnonzero(np.diff(patient[order], prepend=-1))]]


def _ratios(
    made: Matrix, z: Matrix, cohort: Cohort, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Distance to the nearest over that to the second nearest patient among rows of a cohort, and who it is, (n,)."""
    patient = _patients(z[rows], cohort.subjects[rows])
    rows = rows[np.argsort(patient, kind="stable")]
    starts = np.flatnonzero(np.diff(np.sort(patient), prepend=-1))
    if len(starts) < MIN_PER_SIDE:
        raise NotEvaluable(f"it needs at least {MIN_PER_SIDE} different patients in train and in the holdout")
    known, ratios, who = z[rows], np.empty(len(made), dtype=np.float32), np.empty(len(made), dtype=np.int64)
    for start in range(0, len(made), BLOCK):
        near = group_nearest(distances(made[start : start + BLOCK], known), starts)
        first, second = np.partition(near, 1, axis=1)[:, :2].T
        ratios[start : start + BLOCK] = first / second  # not 0: equal records are one patient
        who[start : start + BLOCK] = near.argmin(axis=1)
    return ratios, who


def _patients(z: Matrix, subjects: NDArray[np.str_]) -> NDArray[np.int64]:
    """Number of the patient of each row, (n,): rows of one subject, and equal rows, are one patient."""
    number, _ = same_rows(z, z[:0])
    _, subject = np.unique(subjects, return_inverse=True)
    subject = subject + number.max() + 1
    size = int(subject.max()) + 1
    links = coo_array((np.ones(len(z), dtype=np.int8), (number, subject)), shape=(size, size))
    _, group = connected_components(links, directed=False)
    found: NDArray[np.int64] = np.unique(group[subject], return_inverse=True)[1].astype(np.int64)
    return found
