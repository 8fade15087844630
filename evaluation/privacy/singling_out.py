"""Singling out: predicates built from one synthetic sample each, tried on populations of real patients of equal size.

"Class A, and gene 7 between 1.2 and 1.7, and ..." for expression and for images (of their principal components); "has
edit 524G>A, and has not ..." for sequences. Conditions are added until the predicate holds for exactly one
synthetic sample; multivariate attack of Giomi et al. (2023), section 4.1. A few more make it so narrow that it seldom
holds for an unrelated patient by chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.evaluation.core import Interval, NotEvaluable, pick, proportional, same_rows, wilson
from cohortsmith.evaluation.privacy.attack_settings import MAX_TARGETS, MIN_SAMPLES, PREDICATES_STREAM
from cohortsmith.evaluation.privacy.targets import one_per_patient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

POPULATION = 10000  # patients or samples that a predicate is tried on, at most
BLOCK = 200  # predicates in memory at a time
HALF_WIDTH = 0.25  # standard deviations in the synthetic cohort on either side of the sample's value
MAX_CONDITIONS = 12  # that a predicate may need to hold for exactly one synthetic sample
EXTRA_CONDITIONS = 2


class Singled(NamedTuple):
    """Share of predicates that hold for exactly one patient of a population, of train and of the holdout.

    Attributes:
        attack: predicates from the synthetic cohort, on train.
        control: the same on the holdout.
        naive: on train, predicates from values of the holdout, each column drawn independently.
        n: predicates.
        people: size of the population each is tried on.
        scale: patients of train over `people`.
        length: mean number of conditions of a predicate, without the class.
    """

    attack: Interval
    control: Interval
    naive: Interval
    n: int
    people: int
    scale: float
    length: float


class Predicates(NamedTuple):
    """Conditions `low <= x[:, column] <= high`, (n, conditions) each, joined by "and", and the class, (n,)."""

    column: NDArray[np.int64]
    low: Matrix
    high: Matrix
    y: NDArray[np.int64]

    def hold(self, x: Matrix, y: NDArray[np.int64]) -> Iterator[NDArray[np.bool_]]:
        """Whether each holds for patients x (m, d) of classes y (m,), in blocks of predicates, (block, m)."""
        for start in range(0, len(self.y), BLOCK):
            rows = slice(start, start + BLOCK)
            held = self.y[rows, None] == y
            for column, low, high in zip(self.column[rows].T, self.low[rows].T, self.high[rows].T, strict=True):
                values = x.T[column]
                held &= (values >= low[:, None]) & (values <= high[:, None])
            yield held


def single_out(comparison: Comparison, seed: int) -> Singled:
    """Tries predicates of the synthetic cohort on train and on the holdout.

    Raises:
        NotEvaluable: fewer than 20 patients on a side, or fewer than 20 predicates that hold for exactly one synthetic
            sample.
    """
    c = comparison
    c.require("singling out")
    rng = np.random.default_rng([seed, PREDICATES_STREAM])
    sides, y = _attributes(c, rng)
    train, holdout = (rng.permutation(one_per_patient(side.subjects, rng)) for side in (c.train, c.holdout))
    people = min(len(train), len(holdout), POPULATION)
    if people < MIN_SAMPLES:
        raise NotEvaluable(f"singling out needs at least {MIN_SAMPLES} patients on each side, there are {people}")
    made = _predicates(sides["synthetic"], y, c.view.presence, rng)
    # an uninformed guess knows the distribution of each column and of classes in other patients, not their correlations
    others, n = sides["holdout"], len(y)
    independent = np.column_stack([rng.choice(column, n) for column in others.T])
    naive = _predicates(independent, rng.choice(c.holdout.y, n), c.view.presence, rng)
    if min(len(made.y), len(naive.y)) < MIN_SAMPLES:
        raise NotEvaluable(
            f"only {len(made.y)} predicates hold for exactly one synthetic sample, {MIN_SAMPLES} are needed"
        )
    quota = proportional(np.bincount(c.holdout.y[holdout], minlength=len(c.classes)) / len(holdout), people)
    scale, inside = len(train) / people, []
    for _ in range(len(train) // people):
        rows = train[pick(c.train.y[train], quota, rng)]
        inside.append((sides["train"][rows], c.train.y[rows]))
        train = train[~np.isin(train, rows)]
    out = holdout[:people]
    length = float((np.isfinite(made.low) | np.isfinite(made.high)).sum(axis=1).mean())
    control = _rate(made, [(others[out], c.holdout.y[out])])
    return Singled(_rate(made, inside), control, _rate(naive, inside[:1]), len(made.y), people, scale, length)


def _rate(predicates: Predicates, populations: list[tuple[Matrix, NDArray[np.int64]]]) -> Interval:
    """Share of predicates that hold for exactly one patient of a population, mean over populations.

    Wilson's interval at the effective number of predicates: one patient may be singled out by several.
    """
    by_patient = []
    for x, y in populations:
        times = np.zeros(len(y))
        for held in predicates.hold(x, y):
            times += held[held.sum(axis=1) == 1].sum(axis=0)
        by_patient.append(times)
    times, tries = np.concatenate(by_patient), len(predicates.y) * len(populations)
    p = float(times.sum()) / tries
    variance = len(times) * float(times.var(ddof=1)) / tries**2
    effective = min(p * (1 - p) / variance if variance > 0 else tries, tries)
    return wilson(p * effective, effective)


def _attributes(c: Comparison, rng: np.random.Generator) -> tuple[dict[str, Matrix], NDArray[np.int64]]:
    """Columns for conditions, (n, d) per side, and the classes of the synthetic samples, without duplicates."""
    _, number = same_rows(c.z_synthetic[:0], c.z_synthetic)
    rows = rng.permutation(np.unique(number, return_index=True)[1])[:POPULATION]
    sides = {"train": c.z_train, "holdout": c.z_holdout, "synthetic": c.z_synthetic[rows]}
    return c.view.predicate_space(sides, rng), c.synthetic.y[rows]


def _predicates(x: Matrix, y: NDArray[np.int64], presence: bool, rng: np.random.Generator) -> Predicates:
    """Predicates that hold for exactly one row of `x` (n, d) of classes `y` (n,), for rows that have one."""
    rows = rng.permutation(len(x))[:MAX_TARGETS]
    most = min(MAX_CONDITIONS + EXTRA_CONDITIONS, x.shape[1])
    column = _columns(x, rows, most, presence, rng)
    value = np.take_along_axis(x[rows], column, axis=1)
    half = np.full(x.shape[1], 0.5, dtype=np.float32) if presence else HALF_WIDTH * x.std(axis=0)
    low, high = value - half[column], value + half[column]
    needed = np.full(len(rows), most + 1)
    for start in range(0, len(rows), BLOCK):
        at = slice(start, start + BLOCK)
        held = y[rows[at], None] == y
        for step in range(most):
            values = x.T[column[at, step]]
            held &= (values >= low[at, step, None]) & (values <= high[at, step, None])
            alone = held.sum(axis=1) == 1
            needed[at] = np.where(alone & (needed[at] > most), step + 1, needed[at])
    kept = needed <= most
    more = most if presence else EXTRA_CONDITIONS  # similar patients differ in few edits, but in many genes
    unused = np.arange(most) >= (needed + more)[:, None]
    low[unused], high[unused] = -np.inf, np.inf
    return Predicates(column[kept], low[kept], high[kept], y[rows[kept]])


def _columns(
    x: Matrix, rows: NDArray[np.int64], most: int, presence: bool, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Columns of the conditions of each row's predicate, in order, (rows, most).

    At random; for sequences, the row's own edits from the rarest on, then common ones that it lacks.
    """
    if not presence:
        return np.stack([rng.permutation(x.shape[1])[:most] for _ in rows])
    carriers = x.sum(axis=0)
    order = np.where(x[rows] > 0, carriers - x.sum() - 1, -carriers)
    return np.argsort(order, axis=1, kind="stable")[:, :most]
