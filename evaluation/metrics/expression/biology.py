"""What biologists ask of a cohort: genes that differ between classes, fold changes, pathways, a classifier's genes."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import false_discovery_control
from scipy.stats import t as student
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from cohortsmith.evaluation.core import (
    JACKKNIFE_INTERVAL,
    SAMPLES_PER_SIDE,
    Finding,
    NotEvaluable,
    Stream,
    jackknife,
    leave_group_out,
    logistic,
    quietly,
)
from cohortsmith.evaluation.metrics.common import pearson
from cohortsmith.evaluation.metrics.expression.tight_pairs import within_classes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Draw, Matrix
    from cohortsmith.evaluation.spaces import Comparison

    Floats = NDArray[np.float64]

LEVEL = 0.05  # false discovery rate
LEAST = 5  # patients of a class on either side
GENES = 500  # of wide data, that a classifier's weights are compared on
TOP = 50
MODULES = 30
LEAST_MODULES = 3  # whose correlations can be compared
GENES_A_MODULE = 5


class _Side(NamedTuple):
    """Fold changes and whether a gene is differentially expressed, (classes, genes) each."""

    change: Floats
    found: NDArray[np.bool_]


def de_recall(comparison: Comparison, seed: int) -> Finding:
    """Share of the holdout's differentially expressed genes that synthetic patients show, too, averaged over classes.

    Each class against the others by Welch's t, at a false discovery rate of 5 % (Benjamini and Hochberg 1995), with
    equally many patients on both sides; a gene counts if it changes in the same direction.
    """
    return _measured(comparison, seed, lambda real, other: _overlap(real, other, of=real), finder="unseen real")


def de_precision(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic patients' differentially expressed genes that the holdout shows, too; as `de_recall`."""
    return _measured(comparison, seed, lambda real, other: _overlap(real, other, of=other), finder="synthetic")


def fold_change_slope(comparison: Comparison, seed: int) -> Finding:
    """Slope through the origin of synthetic on holdout fold changes of a class against the others, over all genes.

    Below the reference differences between classes are flattened, above it exaggerated. Unit of a fold change: standard
    deviations of the gene in train.
    """

    def slope(real: _Side, other: _Side) -> float:
        square = float((real.change**2).sum())
        return float((real.change * other.change).sum()) / square if square > 0 else 0.0

    return _measured(comparison, seed, slope)


def pathway_agreement(comparison: Comparison, seed: int) -> Finding:
    """Correlation, over classes and modules of genes, of the real and the synthetic classes' mean module scores.

    Modules stand for pathways: up to 30 clusters of genes that vary together in train outside the draws. A score is the
    mean of a module's genes, in standard deviations of a gene, around that of all patients. Without two classes, what
    is compared are the correlations between modules instead (`compared` in the details).
    """
    draw = comparison.draw(SAMPLES_PER_SIDE, seed)
    classes = _large_classes(comparison, draw)
    rng = np.random.default_rng([seed, Stream.MODULES])
    rows = rng.permutation(draw.fitting_rows)[:SAMPLES_PER_SIDE]
    genes = draw.real.shape[1]
    count = min(MODULES, genes // GENES_A_MODULE)
    least = LEAST_MODULES if len(classes) < 2 else 2
    if count < least:
        raise NotEvaluable(f"modules need {least * GENES_A_MODULE} genes; there are {genes}")
    with threadpool_limits(1), warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # equal genes
        start = int(rng.integers(2**31))
        module = KMeans(count, n_init=1, max_iter=20, random_state=start).fit(comparison.z_train[rows][:300].T).labels_
    member = np.zeros((genes, count), np.float32)
    member[np.arange(genes), module] = 1
    member /= np.maximum(member.sum(axis=0), 1)

    def scores(x: Matrix, y: NDArray[np.int64]) -> Floats:
        if len(classes) < 2:
            r = np.atleast_2d(np.corrcoef(within_classes(x @ member, y).T.astype(np.float64)))
            return np.asarray(np.nan_to_num(r[np.triu_indices(count, 1)]))
        values = (x - x.mean(axis=0)) @ member
        return np.stack([values[y == label].mean(axis=0) for label in classes]).ravel().astype(np.float64)

    found = _jackknifed(draw, classes, lambda a, ya, b, yb: pearson(scores(a, ya), scores(b, yb)))
    compared = "correlations between modules" if len(classes) < 2 else "means of modules in classes"
    return replace(found, detail={**found.detail, "modules": count, "compared": compared})


def attribution_agreement(comparison: Comparison, seed: int) -> Finding:
    """Share of the 50 genes with most weight for each class that two classifiers have in common, averaged over classes.

    One logistic regression is fitted to holdout patients, one to as many synthetic ones; of wide data on 500 genes (a
    seeded draw); of few genes a quarter.
    """
    draw, classes = _draw(comparison, seed)
    genes = np.arange(draw.real.shape[1])
    if len(genes) > GENES:
        genes = np.sort(np.random.default_rng([seed, Stream.MODULES]).choice(genes, GENES, replace=False))
    top = min(TOP, len(genes) // 4)
    if top < 2:
        raise NotEvaluable(f"the genes with most weight need 8 genes; there are {len(genes)}")

    def heads(x: Matrix, y: NDArray[np.int64]) -> list[set[int]]:
        kept = np.isin(y, classes)
        with quietly():
            weights = logistic(x[kept][:, genes], y[kept], seed).weights()
        return [set(np.argsort(-np.abs(row), kind="stable")[:top].tolist()) for row in weights]

    def common(a: Matrix, ya: NDArray[np.int64], b: Matrix, yb: NDArray[np.int64]) -> float:
        return float(np.mean([len(one & other) / top for one, other in zip(heads(a, ya), heads(b, yb), strict=True)]))

    return _jackknifed(draw, classes, common)


def _draw(comparison: Comparison, seed: int) -> tuple[Draw, NDArray[np.int64]]:
    """The draw, and its classes of enough patients on every side."""
    draw = comparison.draw(SAMPLES_PER_SIDE, seed)
    classes = _large_classes(comparison, draw)
    if len(classes) < 2:
        raise NotEvaluable(f"two classes of {2 * LEAST} patients on each side are compared; there are {len(classes)}")
    return draw, classes


def _large_classes(comparison: Comparison, draw: Draw) -> NDArray[np.int64]:
    size = len(comparison.classes)
    counts = np.stack([np.bincount(y, minlength=size) for y in (draw.real_y, draw.synthetic_y, draw.reference_y)])
    return np.flatnonzero((counts >= 2 * LEAST).all(axis=0))


def _measured(
    comparison: Comparison, seed: int, statistic: Callable[[_Side, _Side], float], finder: str = ""
) -> Finding:
    """A statistic of both sides' differential expression, which the finder's patients must show at all."""
    draw, classes = _draw(comparison, seed)
    finders = {"": None, "unseen real": (draw.real, draw.real_y), "synthetic": (draw.synthetic, draw.synthetic_y)}
    if (side := finders[finder]) is not None and not _expressed(*side, classes).found.any():
        raise NotEvaluable(f"no gene is differentially expressed between classes of {finder} patients")
    return _jackknifed(
        draw, classes, lambda a, ya, b, yb: statistic(_expressed(a, ya, classes), _expressed(b, yb, classes))
    )


def _jackknifed(
    draw: Draw,
    classes: NDArray[np.int64],
    statistic: Callable[[Matrix, NDArray[np.int64], Matrix, NDArray[np.int64]], float],
) -> Finding:
    """A statistic of real against synthetic patients, with train as the reference and independent genes as chance."""

    def without(keep: NDArray[np.bool_]) -> float:
        return statistic(draw.real[keep], draw.real_y[keep], draw.synthetic[keep], draw.synthetic_y[keep])

    return Finding(
        *jackknife(
            statistic(draw.real, draw.real_y, draw.synthetic, draw.synthetic_y), leave_group_out(len(draw), without)
        ),
        reference=statistic(draw.real, draw.real_y, draw.reference, draw.reference_y),
        chance=statistic(draw.real, draw.real_y, draw.structureless, draw.real_y),
        interval=JACKKNIFE_INTERVAL,
        detail={"n": len(draw), "classes": len(classes)},
    )


def _expressed(x: Matrix, y: NDArray[np.int64], classes: NDArray[np.int64]) -> _Side:
    """Welch's t of each class against all others (Welch 1947), corrected over genes."""
    total, squares, n = x.sum(axis=0, dtype=np.float64), (x.astype(np.float64) ** 2).sum(axis=0), len(x)
    changes, found = [], []
    for label in classes:
        own = x[y == label].astype(np.float64)
        m, rest = len(own), n - len(own)
        if m < 2 or rest < 2:
            changes.append(np.zeros(x.shape[1]))
            found.append(np.zeros(x.shape[1], dtype=bool))
            continue
        mean, other = own.mean(axis=0), (total - own.sum(axis=0)) / rest
        variance = own.var(axis=0, ddof=1) / m
        spread = np.maximum((squares - (own**2).sum(axis=0)) / rest - other**2, 0) / max(rest - 1, 1)
        whole = np.maximum(variance + spread, 1e-12)
        freedom = whole**2 / np.maximum(variance**2 / (m - 1) + spread**2 / max(rest - 1, 1), 1e-24)
        p = 2 * student.sf(np.abs(mean - other) / np.sqrt(whole), freedom)
        changes.append(mean - other)
        found.append(false_discovery_control(np.clip(p, 0, 1)) < LEVEL)
    return _Side(np.stack(changes), np.stack(found))


def _overlap(real: _Side, other: _Side, of: _Side) -> float:
    both = real.found & other.found & (np.sign(real.change) == np.sign(other.change))
    counts = of.found.sum(axis=1)
    if not counts.any():
        return 0.0
    return float((both.sum(axis=1) / np.maximum(counts, 1))[counts > 0].mean())
