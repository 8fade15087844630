"""Attacks by density: is a patient likelier under the law of the release than under that of real outsiders?

Each fits the same law to the synthetic cohort and to the known patients and takes the difference of the two logs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA

from cohortsmith.evaluation.core import distances
from cohortsmith.evaluation.metrics.common import log_density, shared_basis
from cohortsmith.evaluation.privacy.attacks.records import Records, classes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.privacy.attacks.records import Likeness

    Floats = NDArray[np.float64]

RIDGE = 0.1  # of the mean variance of a column
MAX_VALUES = 20_000_000  # of the records that a covariance is taken of: 80 MB
MAX_COLUMNS = 200  # above which a class's Gaussian is fitted to principal components
COMPONENTS, KERNEL_COMPONENTS = 100, 30
NEIGHBOURS = 20  # synthetic patients about a target whose likelihood is compared
_VARIANCES_FROM = 3  # patients of a class that has a covariance of its own


def covariance(records: Records) -> Likeness:
    """Minus the log of the Mahalanobis distance to records, with a ridge of a tenth of the mean variance."""
    law = _Covariance(records.x, records.x.mean(axis=0, dtype=np.float64))
    return lambda targets: -np.log(law.distance(targets.x))


def covariance_within(records: Records) -> Likeness:
    """The same about the mean of each class, with the covariance within classes."""
    means = records.class_means(classes_of(records))
    rows = _some(records.x)
    law = _Covariance(rows - means[records.y[: len(rows)]].astype(np.float32), np.zeros(records.x.shape[1]))

    def score(targets: Records) -> Floats:
        known = np.minimum(targets.y, len(means) - 1)
        return -np.log(law.distance(targets.x - means[known].astype(np.float32)))

    return score


def class_density(records: Records) -> Likeness:
    """Log density under the Gaussian of the class, in up to 100 principal components of the records."""
    project: Callable[[Matrix], Matrix] = _components(records.x)
    known = Records(project(records.x), records.y)
    return lambda targets: _class_log_density(Records(project(targets.x), targets.y), known)


def local_density(records: Records) -> Likeness:
    """Log Gaussian kernel density in the first 30 whitened principal components of the records."""
    rows = _some(records.x)
    components = max(1, min(KERNEL_COMPONENTS, rows.shape[1], len(rows) // 5))
    with np.errstate(invalid="ignore"):  # equal records have no variance to take a share of
        basis = PCA(components, whiten=True, svd_solver="randomized", random_state=0).fit(rows)
    points = np.asarray(basis.transform(rows), dtype=np.float32)
    return lambda targets: log_density(np.asarray(basis.transform(targets.x), dtype=np.float32), points)


def class_gaussian(targets: Records, synthetic: Records, known: Records) -> Floats:
    """Log ratio of the Gaussian densities of a patient's class in the synthetic cohort and in the known patients.

    Covariances are shrunk (Ledoit and Wolf 2004, J. Multivar. Anal. 88:365); those of small classes are drawn towards
    the covariance within classes. Profiles of more than 200 columns are reduced to principal components first.
    """
    project = _components(synthetic.x)
    targets, synthetic, known = (Records(project(side.x), side.y) for side in (targets, synthetic, known))
    return _class_log_density(targets, synthetic) - _class_log_density(targets, known)


def local_ratio(targets: Records, synthetic: Records, known: Records) -> Floats:
    """Gain in likelihood of the nearest synthetic patients if the target had been among the known ones.

    Gen-LRA (Ward et al. 2025, "Privacy auditing synthetic data release through local likelihood attacks"): the 20
    synthetic patients nearest to the target, under a Gaussian kernel density of the known patients with and without it.
    """
    points, made, seen = shared_basis(targets.x, synthetic.x, known.x)
    n, d = seen.shape
    width = n ** (-1 / (d + 4))
    near = np.empty((len(points), min(NEIGHBOURS, len(made))), dtype=np.int64)
    apart = np.empty(near.shape, dtype=np.float64)
    for start in range(0, len(points), 512):
        block = distances(points[start : start + 512], made)
        rows = slice(start, start + len(block))
        near[rows] = np.argpartition(block, near.shape[1] - 1, axis=1)[:, : near.shape[1]]
        apart[rows] = np.take_along_axis(block, near[rows], axis=1)
    base = np.full(len(made), -np.inf)
    asked = np.unique(near)
    for start in range(0, len(asked), 512):
        some = asked[start : start + 512]
        kernel = -np.square(distances(made[some], seen).astype(np.float64) / width) / 2
        base[some] = np.logaddexp.reduce(kernel, axis=1) - np.log(n)
    kernel = -np.square(apart / width) / 2
    gain = np.logaddexp(np.log(n) + base[near], kernel) - np.log(n + 1) - base[near]
    total: Floats = gain.sum(axis=1)
    return total


def _components(x: Matrix) -> Callable[[Matrix], Matrix]:
    """Map of profiles onto principal components of x where they have more than 200 columns, else as they are."""
    if x.shape[1] <= MAX_COLUMNS:
        return lambda profiles: profiles
    rows = _some(x)
    components = max(2, min(COMPONENTS, len(rows) // 5))
    basis = PCA(components, svd_solver="randomized", random_state=0).fit(rows)
    return lambda profiles: np.asarray(basis.transform(profiles), dtype=np.float32)


class _Covariance:
    """Mahalanobis distances by one eigendecomposition, of the smaller of the Gram and the covariance matrix.

    Args:
        x: (n, d) records.
        centre: (d,) subtracted from them and from targets.
    """

    def __init__(self, x: Matrix, centre: Floats) -> None:
        self.centre = centre.astype(np.float32)
        x = _some(x) - self.centre
        n, d = x.shape
        if n < d:
            gram = (x @ x.T).astype(np.float64) / n
            variances, sides = eigh(gram, overwrite_a=True, driver="evd")
            kept = variances > variances[-1] * 1e-6
            self.variances = variances[kept]
            axes = x.T @ (sides[:, kept] / np.sqrt(n * self.variances)).astype(np.float32)
        else:
            self.variances, axes = eigh((x.T @ x).astype(np.float64) / n, driver="evd")
            self.variances = np.maximum(self.variances, 0)
        self.axes = axes.astype(np.float32)
        self.ridge = max(RIDGE * float(self.variances.sum()) / d, 1e-12)

    def distance(self, x: Matrix) -> Floats:
        """Squared Mahalanobis distance of each row, (n,), above 0."""
        x = (x - self.centre).astype(np.float32)
        along = (x @ self.axes).astype(np.float64) ** 2
        beside = np.maximum((x.astype(np.float64) ** 2).sum(axis=1) - along.sum(axis=1), 0)
        found: Floats = (along / (self.variances + self.ridge)).sum(axis=1) + beside / self.ridge
        return np.maximum(found, 1e-12)


def _class_log_density(targets: Records, records: Records) -> Floats:
    """Log density (n,) of targets under the Gaussian of their class in records."""
    classes = classes_of(targets, records)
    d = records.x.shape[1]
    means = records.class_means(classes)
    pooled, _ = ledoit_wolf((records.x - means[records.y]).astype(np.float64), assume_centered=True)
    floor = 1e-3 * float(np.trace(pooled)) / d + 1e-9
    found = np.zeros(len(targets.x))
    for label in np.unique(targets.y):
        own = (records.of_class(label) - means[label]).astype(np.float64)
        law = pooled
        if len(own) >= _VARIANCES_FROM:
            law, _ = ledoit_wolf(own, assume_centered=True)
            share = min(1.0, len(own) / d)  # too few patients for a covariance of their own
            law = share * law + (1 - share) * pooled
        rows = targets.y == label
        found[rows] = _log_normal(targets.x[rows] - means[label], law + floor * np.eye(d))
    return found


def _log_normal(x: NDArray[np.float64], covariance: Floats) -> Floats:
    factor = cho_factor(covariance, lower=True)
    inside = np.einsum("ij,ji->i", x, cho_solve(factor, x.T))
    density: Floats = -0.5 * inside - np.log(np.diag(factor[0])).sum()
    return density


def _some(x: Matrix) -> Matrix:
    """The first rows, as many as memory and time allow for a covariance; rows come in random order."""
    return x[: max(500, MAX_VALUES // x.shape[1])]
