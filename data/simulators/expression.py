"""Simulated expression cohorts with known gene modules and class differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd

from cohortsmith.data.cohort import Cohort, Scale
from cohortsmith.data.errors import DataError
from cohortsmith.data.io import LABEL, SAMPLE_ID, tidy

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 1 << 22


def simulate_expression(
    n: int, seed: int, *, genes: int = 200, classes: int = 3, modules: int = 0, scale: Scale = "counts"
) -> Cohort:
    """Expression cohort with gene modules, class shifts, library sizes and dropout.

    Log2 abundance of gene g in sample i of class c: `base[g] + weight[g] * (shift[c, module[g]] + score[i, module[g]])
    + noise`, with module scores and noise normal. Counts are Poisson around the sample's library size (log-normal,
    median 1000 per gene); a count drops out with a probability that falls with abundance. "linear" gives microarray
    intensities with additive background (some are negative), "log" their log2 without it.

    Args:
        n: patients, one sample each; classes shrink geometrically in size, each has at least two patients.
        seed: of all random draws.
        genes: number of genes; every fifth belongs to no module.
        classes: number of classes.
        modules: number of gene modules; 0 takes one per 20 genes, between 4 and 30.
        scale: scale of the values.

    Returns:
        The cohort; `provenance["truth"]` holds `module` (of each gene, -1 for none), `weight`, and `shift` (classes x
        modules).

    Raises:
        DataError: too few patients, genes or classes.
    """
    if classes < 2 or genes < 2 or n < 2 * classes:
        raise DataError(
            f"the simulation needs at least 2 classes, 2 genes and 2 patients per class; "
            f"got {classes} classes, {genes} genes, {n} patients"
        )
    if scale not in get_args(Scale):
        raise DataError(f"scale must be one of {', '.join(get_args(Scale))}; got {scale!r}")
    rng = np.random.default_rng(seed)
    modules = modules or int(np.clip(genes // 20, 4, 30))
    module = np.where(np.arange(genes) % 5 == 4, -1, rng.integers(modules, size=genes))
    weight = np.where(module < 0, 0.0, rng.uniform(0.5, 1.2, genes) * rng.choice([-1, 1], genes, p=[0.25, 0.75]))
    base = rng.normal(4.0, 2.0, genes)
    shift = rng.normal(0.0, 1.0, (classes, modules))
    y = rng.permutation(np.repeat(np.arange(classes), _class_sizes(n, classes)))
    score = shift[y] + rng.normal(0.0, 0.8, (n, modules))
    library = 1000.0 * genes * rng.lognormal(0.0, 0.35, n)
    age = np.clip(rng.normal(60, 12, n) + 4 * score[:, 0], 18, 95).round()
    sex = rng.choice(["female", "male"], n)

    x = np.empty((n, genes), dtype=np.float32)
    rows = max(1, _BLOCK // genes)
    for start in range(0, n, rows):
        part = slice(start, min(start + rows, n))
        log = base + weight * score[part][:, np.maximum(module, 0)]
        log += rng.normal(0.0, 0.4, log.shape)
        x[part] = _measure(log, library[part, None], scale, rng)
    ids = pd.Index([f"sim-{i:06d}" for i in range(n)], dtype=object, name=SAMPLE_ID)
    return Cohort(
        kind="expression",
        x=x,
        y=y.astype(np.int64),
        classes=tuple(f"class-{i:02d}" if classes > 26 else f"class-{chr(65 + i)}" for i in range(classes)),
        features=tuple(f"gene{i:05d}" for i in range(genes)),
        subjects=np.asarray(ids, dtype=np.str_),
        obs=tidy(pd.DataFrame({"age": age, "sex": sex}, index=ids)),
        provenance={
            "source": "simulated",
            "scale": scale,
            "label": LABEL,
            "seed": seed,
            "constant_genes": int((x == x[:1]).all(axis=0).sum()),
            "truth": {"module": module.tolist(), "weight": weight.tolist(), "shift": shift.tolist()},
        },
    )


def _measure(
    log: NDArray[np.float64], library: NDArray[np.float64], scale: Scale, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Values of one block as measured; `log` is (samples, genes), `library` (samples, 1)."""
    abundance: NDArray[np.float64] = np.exp2(log)
    if scale == "log":
        logged: NDArray[np.float64] = np.log2(1 + 16 * abundance)
        return logged
    if scale == "linear":
        return 16 * abundance + rng.normal(0.0, 8.0, log.shape)
    rate = abundance / abundance.sum(axis=1, keepdims=True) * library
    counts: NDArray[np.float64] = rng.poisson(rate).astype(np.float64)
    dropped = rng.random(log.shape) < 1 / (1 + np.exp(1.5 * (log - 1.5)))
    counts[dropped] = 0
    return counts


def _class_sizes(n: int, classes: int) -> NDArray[np.int64]:
    """Class sizes that shrink by a quarter from class to class, at least two each, summing to n."""
    share = 0.75 ** np.arange(classes)
    sizes: NDArray[np.int64] = 2 + np.floor((n - 2 * classes) * share / share.sum()).astype(np.int64)
    sizes[0] += n - sizes.sum()
    return sizes
