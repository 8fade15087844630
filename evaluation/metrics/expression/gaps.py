"""Gaps between clusters of a class, such as two studies under one label: whether synthetic patients fill them."""

from __future__ import annotations

import warnings
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
SHARE = 0.05  # of them, in the smaller cluster
COMPONENTS = 5
APART = 4.0  # Ashman's D; two halves of one Gaussian, cut at its mean, have 2.65
BETWEEN = (0.35, 0.65)  # of the way from one cluster's mean to the other's


class _Gap(NamedTuple):
    """The way between two clusters of a class: (d,) origin and direction of unit length 1 from mean to mean."""

    label: int
    origin: Matrix
    way: Matrix


def gap_share(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic patients in the middle third between two clusters of their class that stand apart in train.

    Clusters are found by 2-means in a class's leading components, on train patients outside the draws, and stand apart
    where Ashman's D is four or more (Ashman, Bird and Zepf 1994, equation 4). Chance: independent genes.
    """
    draw = comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)
    rows, rng = draw.fitting_rows, np.random.default_rng([seed, Stream.GAPS])
    z, y = comparison.z_train[rows], comparison.train.y[rows]
    gaps = [gap for label in np.unique(y) if (gap := _gap(z[y == label], int(label), rng)) is not None]
    if not gaps:
        raise NotEvaluable("no class of train has two clusters that stand apart")

    def counted(x: Matrix, labels: NDArray[np.int64]) -> tuple[int, int]:
        inside = of = 0
        for gap in gaps:
            along = (x[labels == gap.label] - gap.origin) @ gap.way
            inside += int(((along > BETWEEN[0]) & (along < BETWEEN[1])).sum())
            of += len(along)
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
        detail={"n": n, "classes_with_clusters": [comparison.classes[gap.label] for gap in gaps]},
    )


def _gap(x: Matrix, label: int, rng: np.random.Generator) -> _Gap | None:
    if len(x) < LEAST:
        return None
    half = rng.permutation(len(x)) % 2
    start = int(rng.integers(2**31))
    for part in (0, 1):  # found on one half, judged on the other
        found = _clusters(x[half == part], start)
        if found is None or not _apart(x[half != part], *found):
            return None
    found = _clusters(x, start)
    if found is None:
        return None
    origin, way = found
    second = ((x - origin) @ way > 0.5).mean()
    return _Gap(label, origin, way) if SHARE <= second <= 1 - SHARE else None


def _clusters(x: Matrix, start: int) -> tuple[Matrix, Matrix] | None:
    """The mean of one cluster, and the way to the other's over its squared length."""
    kept = max(min(COMPONENTS, len(x) // 4, x.shape[1]), 1)
    with threadpool_limits(1), warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # equal patients
        codes = PCA(kept, svd_solver="randomized", random_state=start).fit_transform(x)
        found = KMeans(2, n_init=4, random_state=start).fit(codes).labels_
    if not 0 < found.sum() < len(found):
        return None
    means = [x[found == side].mean(axis=0) for side in (0, 1)]
    way = means[1] - means[0]
    return means[0], way / max(float(way @ way), 1e-12)


def _apart(x: Matrix, origin: Matrix, way: Matrix) -> bool:
    along = (x - origin) @ way
    sides = along[along <= 0.5], along[along > 0.5]
    if min(map(len, sides)) < 3:
        return False
    spread = np.sqrt(sides[0].var() + sides[1].var())
    return bool(np.sqrt(2) * abs(sides[1].mean() - sides[0].mean()) >= APART * max(spread, 1e-12))
