"""Cohorts of expression with known structure for tests of metrics."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cohortsmith.data import Cohort

GENES = 24


def profiles(x: np.ndarray, y: np.ndarray, scale: str = "log") -> Cohort:
    """A cohort of values (n, genes) and classes (n,), named a, b, ..."""
    ids = [f"p{i}" for i in range(len(x))]
    return Cohort(
        kind="expression",
        x=x.astype(np.float32),
        y=y.astype(np.int64),
        classes=tuple("abcdef"[: max(int(y.max()) + 1, 2)]),
        features=tuple(f"g{i}" for i in range(x.shape[1])),
        subjects=np.asarray(ids, dtype=np.str_),
        obs=pd.DataFrame(index=ids),
        provenance={"scale": scale},
    )


def studies(n: int, seed: int, filled: bool = False) -> Cohort:
    """Two classes, the first in two studies; genes in tight pairs.

    Args:
        n: patients.
        seed: of the draw.
        filled: patients of the first class lie between its studies, too.
    """
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    common = rng.normal(size=(n, GENES // 2))
    x = np.repeat(common, 2, axis=1) + 0.2 * rng.normal(size=(n, GENES))
    x[y == 1, :6] += 2
    where = rng.random(n) if filled else (rng.random(n) < 0.4).astype(float)
    x[y == 0, 6:18] += 6 * where[y == 0][:, None]
    return profiles(x + 10, y)
