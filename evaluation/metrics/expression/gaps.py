"""Gaps between clusters of a class, such as two studies under one label: whether synthetic patients fill them."""

from __future__ import annotations

import warnings
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from cohortsmith.evaluation.core import LARGE_SAMPLES_PER_SIDE, WILSON_INTERVAL, Finding, NotEvaluable, Stream, wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

LEAST = 40  # train patients of a class that is looked at
SHARE = 0.05  # of them, in the smallest cluster
COMPONENTS = 5
APART = 4.0  # Ashman's D; two halves of one Gaussian, cut at its mean, have 2.65
MOST_CLUSTERS = 4
BETWEEN = 0.35  # of the way from the mean of the nearest cluster to that of the next: the middle third begins


class _Clusters(NamedTuple):
    """A class of train that falls apart: its label, and the means (k, d) of its clusters."""

    label: int
    means: Matrix


def gap_share(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic patients in the middle third between two clusters of their class that stand apart in train.

    Clusters are found by k-means in a class's leading components, on one half of the train patients outside the draws,
    and stand apart where Ashman's D of any two is four or more on the other half (Ashman, Bird and Zepf 1994, equation
    4); of two, three and four clusters, the most that stand apart are taken. A patient lies between the two clusters
    nearest to it. Chance: independent genes.
    """
    draw = comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)
    rows, rng = draw.fitting_rows, np.random.default_rng([seed, Stream.GAPS])
    z, y = comparison.z_train[rows], comparison.train.y[rows]
    torn = [found for label in np.unique(y) if (found := _torn(z[y == label], int(label), rng)) is not None]
    if not torn:
        raise NotEvaluable("no class of train has two clusters that stand apart")

    def counted(x: Matrix, labels: NDArray[np.int64]) -> tuple[int, int]:
        inside = of = 0
        for label, means in torn:
            share = _way(x[labels == label], means)
            inside += int((share > BETWEEN).sum())
            of += len(share)
        return inside, of

    hits, n = counted(draw.synthetic, draw.synthetic_y)
    real, train, chance = (
        counted(x, labels)
        for x, labels in (
            (draw.real, draw.real_y),
            (draw.reference, draw.reference_y),
            (draw.structureless, draw.real_y),
        )
    )
    if not n or not real[1]:
        raise NotEvaluable("no patients of the classes with clusters")
    return Finding(
        *wilson(hits, n),
        reference=(real[0] + train[0]) / (real[1] + train[1]),
        chance=chance[0] / max(chance[1], 1),
        interval=WILSON_INTERVAL,
        detail={
            "n": n,
            "classes_with_clusters": [comparison.classes[label] for label, _ in torn],
            "clusters": [len(means) for _, means in torn],
        },
    )


def _torn(x: Matrix, label: int, rng: np.random.Generator) -> _Clusters | None:
    """The most clusters of a class that stand apart; None where it is one cloud."""
    if len(x) < LEAST:
        return None
    half = rng.permutation(len(x)) % 2
    start = int(rng.integers(2**31))
    for k in range(MOST_CLUSTERS, 1, -1):
        found = [_means(x[half == part], k, start) for part in (0, 1)]
        if all(_apart(x[half != part], means) for part, means in enumerate(found)):
            return _Clusters(label, _means(x, k, start))
    return None


def _means(x: Matrix, k: int, start: int) -> Matrix:
    """Means (k, d) of clusters."""
    kept = max(min(COMPONENTS, len(x) // 4, x.shape[1]), 1)
    with threadpool_limits(1), warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # equal patients
        codes = PCA(kept, svd_solver="randomized", random_state=start).fit_transform(x)
        found = KMeans(k, n_init=4, random_state=start).fit(codes).labels_
    return np.stack([x[found == cluster].mean(axis=0) for cluster in np.unique(found)])


def _apart(x: Matrix, means: Matrix) -> bool:
    """Whether any two clusters are far apart beside their spread along the way between them, and none is tiny."""
    if len(means) < 2:
        return False
    nearest = _squares(x, means).argmin(axis=1)
    if np.bincount(nearest, minlength=len(means)).min() < max(3, SHARE * len(x)):
        return False
    for first, second in combinations(range(len(means)), 2):
        way = means[second] - means[first]
        sides = [x[nearest == cluster] @ way for cluster in (first, second)]
        spread = np.sqrt(sides[0].var() + sides[1].var())
        if np.sqrt(2) * abs(sides[1].mean() - sides[0].mean()) < APART * max(spread, 1e-12):
            return False
    return True


def _way(x: Matrix, means: Matrix) -> Matrix:
    """How far each of x (n, d) lies from the mean of its nearest cluster to that of the next, (n,): at most a half."""
    order = np.argsort(_squares(x, means), axis=1)[:, :2]
    origin, way = means[order[:, 0]], means[order[:, 1]] - means[order[:, 0]]
    along: Matrix = ((x - origin) * way).sum(axis=1) / np.maximum((way**2).sum(axis=1), 1e-12)
    return along


def _squares(x: Matrix, means: Matrix) -> Matrix:
    """Squared distances of x (n, d) to means (k, d), less the square of x itself."""
    squares: Matrix = (means**2).sum(axis=1) - 2 * x @ means.T
    return squares
