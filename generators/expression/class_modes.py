"""`ClassModes`: groups within classes, such as two studies under one label, sampled by their share in train."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import eigh
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from cohortsmith.data import DataError, log_expression

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

    Floats = NDArray[np.float32]

LEAST = 20  # patients of a mode
_COMPONENTS = 5
_MOST_CELLS = 8  # of a mode
_SHARE = 0.05  # of the class, in the smaller mode
_HALVES = 2
_GAP = 4.0  # Ashman's D of two modes; two halves of one Gaussian, cut at its mean, have 2.65


@dataclass(frozen=True)
class ClassModes:
    """Groups of patients of one class that networks and statistics are conditioned on in place of the class.

    Modes and cells. Modes are found on train: a class is split in two by k-means in its leading components, and again,
    as long as the parts stand apart: on patients that the split was not found with, the distance of the two means is at
    least four standard deviations (Ashman, Bird and Zepf 1994, equation 4). Or they are told: the values of a
    covariate. Cells divide a large mode further by k-means: a mixture of Gaussians of one covariance.

    Attributes:
        of_class: (groups,) class of each group.
        share: (groups,) share of the group in its class.
        centre: (groups, genes) mean of log2 values over `spread`, of at least twenty patients where a class has several
            groups.
        spread: (genes,) standard deviation over train.
        column: covariate that tells the groups; empty where they are found.
        values: (groups,) value of the covariate that a group stands for.
    """

    of_class: NDArray[np.int64]
    share: NDArray[np.float64]
    centre: Floats
    spread: Floats
    column: str = ""
    values: tuple[str, ...] = ()

    @classmethod
    def find(cls, cohort: Cohort, most: int, rng: np.random.Generator) -> ClassModes:
        """Modes of a training cohort, at most `most` of a class."""
        (x, spread), parts = _standardised(cohort), []
        for label in np.unique(cohort.y):
            own = np.flatnonzero(cohort.y == label)
            parts.append([own])
            while len(parts[-1]) < most:
                halves = [(part, _split(x[rows], cohort.subjects[rows], rng)) for part, rows in enumerate(parts[-1])]
                found = next(((part, second) for part, second in halves if second is not None), None)
                if found is None:
                    break
                rows = parts[-1].pop(found[0])
                parts[-1] += [rows[~found[1]], rows[found[1]]]
        return cls._of(x, spread, cohort.y, parts)

    @classmethod
    def told(cls, cohort: Cohort, column: str) -> ClassModes:
        """Groups by the values of a covariate; values of fewer than twenty patients of a class are one group.

        Raises:
            DataError: the cohort has no such covariate.
        """
        if column not in cohort.obs.columns:
            known = ", ".join(map(str, cohort.obs.columns)) or "none"
            raise DataError(f"mode_column: the cohort has no covariate {column!r}; it has {known}")
        (x, spread), of, parts, values = _standardised(cohort), _values(cohort, column), [], []
        for label in np.unique(cohort.y):
            own = np.flatnonzero(cohort.y == label)
            named = {
                value: own[of[own] == value]
                for value in np.unique(of[own])
                if len(np.unique(cohort.subjects[own[of[own] == value]])) >= LEAST
            }
            rest = own[~np.isin(of[own], list(named))]
            if len(rest) and (len(np.unique(cohort.subjects[rest])) >= LEAST or not named):
                named[_OTHER] = rest
            elif len(rest):  # too few to be a group: they join the largest
                largest = max(named, key=lambda value: len(named[value]))
                named[largest] = np.sort(np.concatenate([named[largest], rest]))
            parts.append(list(named.values()))
            values += list(named)
        return cls._of(x, spread, cohort.y, parts, column, tuple(values))

    def divided(self, cohort: Cohort, least: int, rng: np.random.Generator) -> ClassModes:
        """The same groups divided into cells of at least `least` training patients; 0 divides nothing."""
        if not least:
            return self
        x, groups = log_expression(cohort) / self.spread, self.groups(cohort)
        cell = cells(x, groups, least, rng)
        _, first = np.unique(cell, return_index=True)
        parts = [
            [
                rows
                for rows in (np.flatnonzero(cell == number) for number in range(len(first)))
                if cohort.y[rows[0]] == y
            ]
            for y in np.unique(cohort.y)
        ]
        values = tuple(self.values[groups[rows[0]]] for part in parts for rows in part) if self.values else ()
        return ClassModes._of(x, self.spread, cohort.y, parts, self.column, values)

    @classmethod
    def _of(
        cls,
        x: Floats,
        spread: Floats,
        y: NDArray[np.int64],
        parts: list[list[NDArray[np.int64]]],
        column: str = "",
        values: tuple[str, ...] = (),
    ) -> ClassModes:
        flat = [(rows, len(rows) / sum(map(len, of_class))) for of_class in parts for rows in of_class]
        return cls(
            np.array([y[rows[0]] for rows, _ in flat], np.int64),
            np.array([share for _, share in flat]),
            np.stack([x[rows].mean(axis=0) for rows, _ in flat]).astype(np.float32),
            spread,
            column,
            values,
        )

    def __len__(self) -> int:
        return len(self.share)

    def groups(self, cohort: Cohort) -> NDArray[np.int64]:
        """Group (n,) of each patient: of the covariate's value where the cohort has it, and of the nearest centre.

        Raises:
            DataError: a class that had no training patient.
        """
        found = np.zeros(len(cohort), np.int64)
        x = log_expression(cohort) / self.spread
        told = _values(cohort, self.column) if self.column and self.column in cohort.obs.columns else None
        values = np.array(self.values)
        for label in np.unique(cohort.y):
            rows, own = np.flatnonzero(cohort.y == label), np.flatnonzero(self.of_class == label)
            if not len(own):
                raise DataError(f"class {cohort.classes[label]!r} had no training patient")
            apart = _distances(x[rows], self.centre[own])
            if told is not None:
                other = told[rows][:, None] != values[own]
                apart[other & ~other.all(axis=1, keepdims=True)] = np.inf
            found[rows] = own[apart.argmin(axis=1)]
        return found

    def draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Groups (n,) drawn for classes y (n,) by their shares in train."""
        found = np.zeros(len(y), np.int64)
        for label in np.unique(y):
            rows, own = np.flatnonzero(y == label), np.flatnonzero(self.of_class == label)
            found[rows] = rng.choice(own, size=len(rows), p=self.share[own] / self.share[own].sum())
        return found

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Arrays to save, by name."""
        return {"of_class": self.of_class, "share": self.share, "centre": self.centre, "spread": self.spread}


_OTHER = "other values"


def cells(x: Floats, groups: NDArray[np.int64], least: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Cell (n,) of each patient, numbered through all groups: each group of x (n, genes) divided by k-means.

    Args:
        x: values of comparable spread.
        groups: (n,).
        least: patients for a cell; 0 leaves groups as they are.
        rng: of the starts.
    """
    found, number = np.zeros(len(x), np.int64), 0
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        wanted = min(_MOST_CELLS, len(rows) // least) if least else 1
        own = np.zeros(len(rows), np.int64)
        if wanted > 1:
            with threadpool_limits(1), warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
                start = int(rng.integers(2**31))
                own = KMeans(wanted, n_init=2, random_state=start).fit(_leading(x[rows])).labels_.astype(np.int64)
            own = _settled(x[rows], own, min(LEAST, least))
        found[rows] = number + own
        number += int(own.max()) + 1
    return found


def _settled(x: Floats, cell: NDArray[np.int64], least: int) -> NDArray[np.int64]:
    """Cells (n,) by the nearest centre, those of fewer than `least` patients given up one after the other."""
    centres = np.stack([x[cell == number].mean(axis=0) for number in range(int(cell.max()) + 1)])
    while True:
        cell = _distances(x, centres).argmin(axis=1)
        counts = np.bincount(cell, minlength=len(centres))
        if counts.min() >= least or len(centres) == 1:
            return np.asarray(cell, np.int64)
        centres = np.delete(centres, counts.argmin(), axis=0)


def _distances(x: Floats, centres: Floats) -> NDArray[np.float64]:
    """Squared distances (n, centres)."""
    return np.stack([((x - centre) ** 2).sum(axis=1, dtype=np.float64) for centre in centres], axis=1)


def _standardised(cohort: Cohort) -> tuple[Floats, Floats]:
    """Log2 values over the genes' standard deviations, and these."""
    x = log_expression(cohort)
    spread = np.maximum(x.std(axis=0), 1e-6).astype(np.float32)
    return x / spread, spread


def _values(cohort: Cohort, column: str) -> NDArray[np.str_]:
    return cohort.obs[column].astype(object).where(cohort.obs[column].notna(), "missing").astype(str).to_numpy(str)


def _split(x: Floats, subjects: NDArray[Any], rng: np.random.Generator) -> NDArray[np.bool_] | None:
    """Whether each of x (n, genes) is in the second of two modes; None where they do not stand apart."""
    if len(np.unique(subjects)) < 2 * LEAST:
        return None
    codes = _leading(x)
    names, of = np.unique(subjects, return_inverse=True)
    half = rng.permutation(len(names))[of] % _HALVES
    for part in range(_HALVES):  # found on one half, judged on the other
        found = _two(codes[half == part], rng)
        if found is None or not _apart(codes[half != part], *found):
            return None
    found = _two(codes, rng)
    if found is None:
        return None
    second = _second(codes, *found)
    sizes = [len(np.unique(subjects[side])) for side in (~second, second)]
    return second if min(sizes) >= max(LEAST, _SHARE * len(names)) else None


def _leading(x: Floats) -> NDArray[np.floating]:
    """The leading principal components (n, 5 or fewer) of x (n, genes)."""
    centred = x - x.mean(axis=0)
    n, genes = centred.shape
    kept = max(min(_COMPONENTS, n // 4, genes), 1)
    if genes > n:
        variances, sides = eigh((centred @ centred.T).astype(np.float64), subset_by_index=(n - kept, n - 1))
        return np.asarray(sides * np.sqrt(np.maximum(variances, 0)))
    _, axes = eigh((centred.T @ centred).astype(np.float64), subset_by_index=(genes - kept, genes - 1))
    return np.asarray(centred @ axes)


def _two(
    codes: NDArray[np.floating], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    if len(codes) < 4:
        return None
    with threadpool_limits(1), warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # equal patients
        centres = KMeans(2, n_init=4, random_state=int(rng.integers(2**31))).fit(codes).cluster_centers_
    return centres[0].astype(np.float64), centres[1].astype(np.float64)


def _second(codes: NDArray[np.floating], first: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((codes - (first + other) / 2) @ (other - first) > 0)


def _apart(codes: NDArray[np.floating], first: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether the two sides of codes (n, d), along the line between two centres, have Ashman's D of `_GAP` or more."""
    along = codes @ ((other - first) / max(float(np.linalg.norm(other - first)), 1e-12))
    second = _second(codes, first, other)
    sides = along[~second], along[second]
    if min(map(len, sides)) < 3:
        return False
    spread = np.sqrt(sides[0].var() + sides[1].var())
    return bool(np.sqrt(2) * abs(sides[1].mean() - sides[0].mean()) >= _GAP * max(spread, 1e-12))
