"""Small cohorts of every data kind, sixty patients of three classes each, for what every family promises."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from cohortsmith.data import Cohort, simulate

COHORTS = ("counts", "linear", "log-floor", "wide", "sequence", "image", "grey")


def data_kind(cohort: str) -> str:
    return {"sequence": "sequence", "image": "image", "grey": "image"}.get(cohort, "expression")


@lru_cache
def cohort_of(kind: str) -> Cohort:
    """Sixty patients of three classes; the wide cohort has more genes than patients."""
    if kind == "sequence":
        return sequences()
    if data_kind(kind) == "image":
        return images(channels=1 if kind == "grey" else 3)
    scale: Any = {"counts": "counts", "linear": "linear"}.get(kind, "log")
    genes = 90 if kind == "wide" else 12
    cohort = simulate("simulated-expression", 60, seed=1, genes=genes, scale=scale)
    x = cohort.x
    if kind == "log-floor":
        x = np.maximum(x, np.quantile(x, 0.3, axis=0)).astype(np.float32)
    if kind == "linear":
        x = x - np.median(x, axis=0) / 2  # background taken off: some are negative
    # Gene order that no sorting gives, a label of another name.
    features = tuple(reversed(cohort.features))
    return replace(cohort, x=x, features=features, provenance={"scale": scale, "label": "er", "source": "simulated"})


def sequences() -> Cohort:
    """Each class with edits of its own, a polymorphism in all, gaps, an insertion column, and some masked places."""
    rng = np.random.default_rng(5)
    y = np.repeat(np.arange(3), 20)
    x = np.tile(rng.integers(0, 4, 40).astype(np.uint8), (60, 1))
    x[:, 30] = 4
    x[rng.random(60) < 0.4, 3] = (x[0, 3] + 1) % 4
    for row, label in enumerate(y):
        at = 5 + 6 * label + rng.integers(0, 6)
        x[row, at] = (x[row, at] + rng.integers(1, 4)) % 4
    x[:6, 35] = 4
    x[20:26, 30] = 1
    x[rng.random(x.shape) < 0.01] = 5
    names = np.array([f"patient-{row}" for row in range(60)])
    columns = (*(str(p) for p in range(101, 131)), "130+1", *(str(p) for p in range(131, 140)))
    about = {"reference": "", "label": "er", "source": "simulated", "masked": int((x == 5).sum())}
    obs = pd.DataFrame(index=pd.Index(names, name="sample_id"))
    return Cohort("sequence", x, y, ("class-A", "class-B", "class-C"), columns, names, obs, about)


def images(channels: int) -> Cohort:
    """Simulated cells under other names, uneven classes."""
    cells = simulate("simulated-cells", 60, seed=1, classes=3)
    x = np.ascontiguousarray(cells.x[..., :channels])
    about = {"label": "er", "source": "simulated"}
    names = ("class-A", "class-B", "class-C")
    return replace(cells, x=x, classes=names, features=(f"28x28x{channels}",), provenance=about)
