"""Attacks by distance: does the release lie nearer to a patient than real outsiders do?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.decomposition import PCA

from cohortsmith.evaluation.core import BLOCK, distances, nearest
from cohortsmith.evaluation.privacy.attacks.presence import is_presence, rare_edits_shared
from cohortsmith.evaluation.privacy.attacks.records import Records, classes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.privacy.attacks.records import Likeness

    Floats = NDArray[np.float64]

RIDGE = 0.1
MAX_VALUES = 20_000_000  # of the records that are whitened by
MAX_WHITENED = 64  # components of the variation within classes that are whitened
MAX_MATCHED = 64  # columns that are compared value by value
TOLERANCE = 0.02  # standard deviations within which two values match


def nearness(records: Records) -> Likeness:
    """Minus the distance to the nearest record."""
    return lambda targets: -nearest(targets.x, records.x)[:, 0].astype(np.float64)


def monte_carlo(targets: Records, synthetic: Records, known: Records) -> Floats:
    """Share of synthetic samples within epsilon, (n,); Hilprecht et al. (2019), eq. 4.

    Epsilon is the median distance of targets to their nearest synthetic sample, their eq. 8.
    """
    del known
    epsilon = np.median(nearest(targets.x, synthetic.x)[:, 0])
    share = np.empty(len(targets.x))
    for start in range(0, len(share), BLOCK):
        rows = slice(start, start + BLOCK)
        share[rows] = (distances(targets.x[rows], synthetic.x) <= epsilon).mean(axis=1)
    return share


def class_nearest(targets: Records, synthetic: Records, known: Records) -> Floats:
    """Log ratio of the distances to the nearest known and the nearest synthetic patient of the same class, (n,).

    Distances are taken after the variation within classes is whitened, so that directions of little variance count.
    """
    classes = classes_of(targets, synthetic, known)
    whiten = _whitener(synthetic, classes)
    x, made, seen = (whiten(side.x) for side in (targets, synthetic, known))
    score = np.zeros(len(x))
    for label in np.unique(targets.y):
        rows = targets.y == label
        near, far = made[synthetic.y == label], seen[known.y == label]
        near, far = (near if len(near) else made), (far if len(far) else seen)
        score[rows] = np.log(nearest(x[rows], far)[:, 0] + 1e-6) - np.log(nearest(x[rows], near)[:, 0] + 1e-6)
    return score


def matching_values(targets: Records, synthetic: Records, known: Records) -> Floats:
    """Surprise of the values that one synthetic patient shares with the target, the largest over them, (n,).

    Values match within 0.02 standard deviations; a match counts -log of its share among the synthetic patients, so that
    common values (floors) say nothing. It finds parts of records: halves of two patients joined, or copies of which
    some values were changed. Up to 64 columns, evenly spaced; presence (0 or 1) by `rare_edits_shared`.
    """
    del known
    if is_presence(synthetic.x):
        return rare_edits_shared(targets, synthetic)
    if synthetic.x.shape[1] > MAX_MATCHED:
        at = np.linspace(0, synthetic.x.shape[1] - 1, MAX_MATCHED).round().astype(np.int64)
        targets, synthetic = (Records(side.x[:, at], side.y) for side in (targets, synthetic))
    weights = _surprise(targets.x, synthetic.x)
    found = np.zeros(len(targets.x))
    made = np.ascontiguousarray(synthetic.x.T)
    for start in range(0, len(found), BLOCK):
        rows = slice(start, start + BLOCK)
        total = np.zeros((len(targets.x[rows]), made.shape[1]), np.float32)
        for column, values in enumerate(made):
            x = targets.x[rows, column, None]
            total += np.where(np.abs(values - x) <= TOLERANCE, weights[rows, column, None], np.float32(0))
        found[rows] = total.max(axis=1)
    return found


def _surprise(x: Matrix, made: Matrix) -> NDArray[np.float32]:
    """Minus the log share of synthetic patients who match each value, (n, d)."""
    out = np.empty(x.shape, dtype=np.float32)
    for column in range(x.shape[1]):
        known = np.sort(made[:, column])
        count = np.searchsorted(known, x[:, column] + TOLERANCE, "right")
        count = count - np.searchsorted(known, x[:, column] - TOLERANCE, "left")
        out[:, column] = -np.log((count + 1) / (len(known) + 1))
    return out


def _whitener(records: Records, classes: int) -> Callable[[Matrix], Matrix]:
    """Map of profiles (n, d) onto the main components within classes, whitened with a ridge."""
    rows = records.x[: max(500, MAX_VALUES // records.x.shape[1])]
    within = rows - records.class_means(classes)[records.y[: len(rows)]].astype(np.float32)
    components = max(1, min(MAX_WHITENED, len(within) // 5, within.shape[1]))
    with np.errstate(invalid="ignore"):  # equal records have no variance to take a share of
        basis = PCA(components, svd_solver="auto", random_state=0).fit(within)
    variances, axes = basis.explained_variance_, basis.components_.T.astype(np.float32)
    scale = (1 / np.sqrt(variances + RIDGE * variances.mean() + 1e-12)).astype(np.float32)
    return lambda x: np.asarray((x @ axes) * scale, dtype=np.float32)
