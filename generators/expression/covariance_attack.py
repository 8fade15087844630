"""How far a fitted structure gives its patients away: covariance attacks, cross-fitted inside the training cohort.

An outsider who holds the release and some real patients that were not learned from asks of a target whether it is
likelier under the release's covariance than under that of the known patients (the attack of the CAMDA 2026 red team on
bulk RNA-seq; evaluation/privacy/attacks has the judge's own). Here parts of train play release, known and others.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata
from sklearn.covariance import ledoit_wolf

from cohortsmith.generators.expression.class_modes import cells
from cohortsmith.generators.expression.structure import Detail, Structure, group_means

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

FOLDS = 10
_RIDGE = 0.1  # of the mean variance of a gene
_TIMES, _LEAST_DRAWN = 6, 300  # synthetic patients for a member, and at least, where genes are many
_DRAWN, _DRAWN_WIDE = 3000, 1000  # synthetic patients that an attack sees
_GENES = 2500  # that an attack looks at
_LEAST_GROUP = 50  # targets of a class that is attacked by itself
_WIDEST = 200  # genes up to which a class's own Gaussian is attacked
_ALLOWED = 0.05  # more that a single class may give away
_ROUNDS_WIDE = 6
_NARROW = 1000  # genes up to which, and up to the number of patients, every gene may stand for itself
_CELLS = (30, 60, 120)  # patients of a cell
_MODULES = (400, 150, 60, 30)
_MODULE_SHARES = (1 / 2, 1 / 3, 1 / 4, 1 / 6, 1 / 12)  # of the genes
_LEAST_PATIENTS = 40  # below, parts of train are too small to attack


def attacked(
    scores: Floats,
    groups: NDArray[np.int64],
    subjects: NDArray[np.int64],
    count: int,
    detail: Detail,
    rng: np.random.Generator,
) -> float:
    """Largest AUC of the attacks on a structure of this detail, averaged over folds.

    Args:
        scores: (n, genes) of train.
        groups: (n,) class, or mode of one, of each.
        subjects: (n,) patient of each row; a patient's rows stay together.
        count: number of groups.
        detail: what is fitted.
        rng: of folds and draws.
    """
    looked_at = rng.permutation(scores.shape[1])[:_GENES]
    scores, fold = scores[:, looked_at], _folds(groups, subjects, rng)
    wide = scores.shape[1] > _WIDEST
    found: list[NDArray[np.float64]] = []
    for part in range(_ROUNDS_WIDE if wide else FOLDS):
        others, known = fold == part, fold == (part + 1) % FOLDS
        members = ~(others | known)
        cell = cells(scores[members], groups[members], detail.cell, rng)
        structure = Structure.fit(scores[members], cell, int(cell.max()) + 1, detail, rng)
        size = min(_DRAWN_WIDE, max(_TIMES * int(members.sum()), _LEAST_DRAWN)) if wide else _DRAWN
        rows = rng.choice(np.flatnonzero(members), size)
        drawn = groups[rows]
        place = np.empty(len(scores), np.int64)
        place[members] = cell
        release = structure.decode(np.zeros((len(drawn), 0), np.float32), place[rows], rng)
        inside, outside, seen = (_Side(scores[rows], groups[rows]) for rows in (members, others, known))
        found.append(_aucs(inside, outside, seen, _Side(release, drawn), count))
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # no group may be large enough
        auc = float(np.nanmax(np.nanmean(np.stack(found), axis=0)))
    # The whole of train gives less away than its part: in proportion to its root, as measured, or to it where n < p.
    share = 1 - 2 / FOLDS
    return float(ndtr(ndtri(auc) * (share if scores.shape[1] > len(scores) else np.sqrt(share))))


def ladder(patients: int, genes: int) -> list[Detail]:
    """Details from the finest to the coarsest for a number of training patients and genes."""
    if genes > min(_NARROW, patients):
        return [Detail(modules, cell) for modules in _MODULES if modules < genes for cell in (_CELLS[1], 0)]
    modules = [0, *(max(round(genes * share), 2) for share in _MODULE_SHARES)]
    return [*(Detail(count, cell) for count in modules if count < genes for cell in _CELLS), Detail(modules[-1])]


def chosen(
    scores: Floats,
    groups: NDArray[np.int64],
    subjects: NDArray[np.int64],
    count: int,
    limit: float,
    rng: np.random.Generator,
) -> tuple[Detail, float]:
    """Finest detail whose attacks stay at or below `limit`; else the one that gives least away. Arguments: `attacked`.

    Returns:
        The detail, and the attack's AUC (NaN, and the coarsest, where train is too small to be attacked in parts).
    """
    details = ladder(len(scores), scores.shape[1])
    if len(np.unique(subjects)) < _LEAST_PATIENTS:
        return details[-1], float("nan")
    found: dict[int, float] = {}
    low, high = 0, len(details) - 1  # the coarser the detail, the less it gives away
    while low < high:
        middle = (low + high) // 2
        found[middle] = attacked(scores, groups, subjects, count, details[middle], rng)
        low, high = (low, middle) if found[middle] <= limit else (middle + 1, high)
    if low not in found:
        found[low] = attacked(scores, groups, subjects, count, details[low], rng)
    best = low if found[low] <= limit else min(found, key=lambda one: found[one])
    return details[best], found[best]


def _folds(groups: NDArray[np.int64], subjects: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Fold (n,) of each row: patients whole, groups spread evenly."""
    _, first, of = np.unique(subjects, return_index=True, return_inverse=True)
    order = rng.permutation(len(first))
    order = order[np.argsort(groups[first][order], kind="stable")]
    fold = np.empty(len(first), np.int64)
    fold[order] = np.arange(len(order)) % FOLDS
    return np.asarray(fold[of])


class _Side(NamedTuple):
    """Scores (n, genes) and groups (n,) of one part of the patients."""

    x: Floats
    y: NDArray[np.int64]


def _aucs(members: _Side, others: _Side, known: _Side, release: _Side, count: int) -> NDArray[np.float64]:
    """AUC of the covariance attack, of the groups' Gaussians, and of these within each group (NaN where none is)."""
    means = [group_means(side.x, side.y, count) for side in (release, known)]
    centred = [side.x - mean[side.y] for side, mean in zip((release, known), means, strict=True)]
    laws = [_Mahalanobis(x) for x in centred]
    ratios = [
        np.log(laws[1].distance(side.x - means[1][side.y])) - np.log(laws[0].distance(side.x - means[0][side.y]))
        for side in (members, others)
    ]
    found = np.full(2 + count, np.nan)
    found[0] = _auc(*ratios)
    if members.x.shape[1] > _WIDEST:
        return found
    pooled = [ledoit_wolf(x, assume_centered=True)[0] for x in centred]
    ratios = [np.full(len(side.x), np.nan) for side in (members, others)]
    for group in range(count):
        rows = [side.y == group for side in (members, others, known, release)]
        if min(row.sum() for row in rows) < 2:
            continue
        of_release = _density(release.x[rows[3]], pooled[0])
        of_known = _density(known.x[rows[2]], pooled[1])
        for values, row, side in zip(ratios, rows[:2], (members, others), strict=True):
            values[row] = of_release(side.x[row]) - of_known(side.x[row])
        if rows[0].sum() >= _LEAST_GROUP:
            found[2 + group] = _auc(ratios[0][rows[0]], ratios[1][rows[1]]) - _ALLOWED
    judged = [values[np.isfinite(values)] for values in ratios]
    if min(map(len, judged)):
        found[1] = _auc(*judged)
    return found


class _Mahalanobis:
    """Squared Mahalanobis distances with a ridge, by one eigendecomposition of the smaller Gram matrix."""

    def __init__(self, x: Floats) -> None:
        n, genes = x.shape
        if n < genes:
            variances, sides = eigh((x @ x.T).astype(np.float64) / n, driver="evd")
            kept = variances > variances[-1] * 1e-6
            self.variances = variances[kept]
            axes = x.T @ (sides[:, kept] / np.sqrt(n * self.variances)).astype(np.float32)
        else:
            variances, axes = eigh((x.T @ x).astype(np.float64) / n, driver="evd")
            self.variances = np.maximum(variances, 0)
        self.axes = axes.astype(np.float32)
        self.ridge = max(_RIDGE * float(self.variances.sum()) / genes, 1e-12)

    def distance(self, x: Floats) -> NDArray[np.float64]:
        """Of each row (n,), above 0."""
        along = (x @ self.axes).astype(np.float64) ** 2
        beside = np.maximum((x.astype(np.float64) ** 2).sum(axis=1) - along.sum(axis=1), 0)
        return np.asarray((along / (self.variances + self.ridge)).sum(axis=1) + beside / self.ridge + 1e-12)


def _density(rows: Floats, pooled: NDArray[np.float64]) -> Callable[[Floats], NDArray[np.float64]]:
    """Log density of the Gaussian of rows (n, genes), whose covariance is drawn towards the pooled one."""
    mean = rows.mean(axis=0, dtype=np.float64)
    own, _ = ledoit_wolf(rows - mean, assume_centered=True)
    weight = len(rows) / (len(rows) + rows.shape[1])
    covariance = weight * own + (1 - weight) * pooled
    covariance[np.diag_indices_from(covariance)] += 1e-6 * max(np.trace(covariance) / len(covariance), 1e-6)
    factor = cho_factor(covariance, lower=True)
    shift = np.log(np.diag(factor[0])).sum()

    def log_density(x: Floats) -> NDArray[np.float64]:
        apart = (x - mean).T
        return np.asarray(-0.5 * (apart * cho_solve(factor, apart)).sum(axis=0) - shift)

    return log_density


def _auc(members: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Area under the curve of members against others (Mann and Whitney 1947)."""
    ranks = rankdata(np.concatenate([members, others]))[: len(members)]
    return float((ranks.sum() - len(members) * (len(members) + 1) / 2) / (len(members) * len(others)))
