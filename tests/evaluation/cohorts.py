"""Small cohorts with known faults, for the tests of the metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cohortsmith.data.cohort import Cohort

GENES = 12
_WEIGHTS = np.random.default_rng(1).standard_normal((4, GENES))
_MEANS = 2 * np.random.default_rng(2).standard_normal((3, GENES))


def cohort(x: Any, y: Any, *, genes: list[str] | None = None, scale: str = "log", classes: str = "abc") -> Cohort:
    x = np.asarray(x, dtype=np.float32)
    names = genes or [f"g{i}" for i in range(x.shape[1])]
    return Cohort(
        kind="expression",
        x=x,
        y=np.asarray(y, dtype=np.int64),
        classes=tuple(classes),
        features=tuple(names),
        subjects=np.asarray([f"p{i}" for i in range(len(x))], dtype=np.str_),
        obs=pd.DataFrame(index=[f"s{i}" for i in range(len(x))]),
        provenance={"scale": scale},
    )


def patients(n: int, seed: int) -> Cohort:
    """Three classes, four latent factors, a little noise."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 3)
    x = rng.standard_normal((n, 4)) @ _WEIGHTS + _MEANS[y] + 0.5 * rng.standard_normal((n, GENES))
    return cohort(x, y)


def bootstrap(train: Cohort, n: int, seed: int) -> Cohort:
    return train.take(np.random.default_rng(seed).integers(0, len(train), n))


def independent(train: Cohort, seed: int) -> Cohort:
    """Every gene shuffled by itself: right values, no structure."""
    rng = np.random.default_rng(seed)
    return cohort(np.column_stack([rng.permutation(column) for column in train.x.T]), train.y)


def one_mode(train: Cohort, seed: int) -> Cohort:
    """All samples close around one patient, classes kept in name."""
    rng = np.random.default_rng(seed)
    return cohort(train.x[0] + 0.05 * rng.standard_normal(train.x.shape), train.y)


def shuffled(source: Cohort, seed: int) -> Cohort:
    """Good profiles, labels at random."""
    return cohort(source.x, np.random.default_rng(seed).permutation(source.y))
