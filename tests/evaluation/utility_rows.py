"""Simulated results of a grid: rows as `cohortsmith utility` writes them, with a known answer behind them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CELLS = ("basophil", "eosinophil", "erythroblast", "lymphocyte")
REAL: dict[str, Any] = {"family": "", "learn_from": "", "ratio": "0", "role": ""}
TEST = {"basophil": 244, "eosinophil": 624, "erythroblast": 311, "lymphocyte": 243, "rare": 4}


def rows(
    classifiers: Mapping[str, tuple[float, str]],
    *,
    data: Sequence[str] = ("blood",),
    labelled: Mapping[str, int] | None = None,
    virtual: Mapping[tuple[str, str, str], float] | None = None,
    seeds: int = 3,
    classes: Sequence[str] = CELLS,
    noise: float = 0.004,
) -> pd.DataFrame:
    """Rows of a grid.

    Args:
        classifiers: by name, the error of its real-only arm at 100 labelled patients and its pretext ("" for none).
        data: data sets.
        labelled: number of patients by what the grid calls it.
        virtual: by (family, ratio, role) by how much the errors of such an arm differ from the real-only arm's;
            negative helps. Roles that concern the pretext are for classifiers with one.
        seeds: repetitions.
        classes: names.
        noise: standard deviation of an accuracy between seeds.
    """
    rng = np.random.default_rng(0)
    arms: list[tuple[dict[str, Any], float]] = [(REAL, 0.0)]
    for (family, ratio, role), change in (virtual or {}).items():
        arms.append(({"family": family, "learn_from": "labelled", "ratio": ratio, "role": role}, change))
    found: list[dict[str, Any]] = []
    for name, (called, n), seed in itertools.product(data, (labelled or {"100": 100}).items(), range(seeds)):
        for (classifier, (error, pretext)), (arm, change) in itertools.product(classifiers.items(), arms):
            if arm["role"] in ("unlabelled", "both") and not pretext:
                continue
            key = {"data": name, "labelled": called, "n_labelled": n, **arm, "classifier": classifier, "seed": seed}
            cost = {"steps": 600, "epochs": 600 * 128 / n, "seconds": 40.0 + 10 * rng.random(), "pretext": pretext}
            cost |= {"seconds_an_epoch": 50 * n / 600 / 128, "parameters": 1_200_000}
            wrong = max(0.01, error * (100 / n) ** 0.35 + change + rng.normal(0, noise))
            for part in ("validation", "test"):
                found += [key | {"part": part} | cost | row for row in _scores(wrong, classes, rng)]
    return pd.DataFrame(found)


def _scores(wrong: float, classes: Sequence[str], rng: np.random.Generator) -> list[dict[str, Any]]:
    counts = np.array([TEST.get(name, 200) for name in classes])
    table = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for i, n in enumerate(counts):
        hard = wrong * (0.6 + 0.8 * i / len(classes))
        shares = np.full(len(classes), hard / max(1, len(classes) - 1))
        shares[i] = max(0.0, 1 - hard)
        table[i] = rng.multinomial(n, shares / shares.sum())
    recall = table.diagonal() / counts
    f1 = 2 * table.diagonal() / (table.sum(axis=0) + counts)
    accuracy = float(table.trace() / counts.sum())
    whole = {
        "label": "",
        "n": int(counts.sum()),
        "accuracy": accuracy,
        "mean_class_accuracy": float(recall.mean()),
        "macro_f1": float(f1.mean()),
        "auc": 1 - (1 - accuracy) / 3,
        "brier": 1.4 * (1 - accuracy),
        "cross_entropy": 3.1 * (1 - accuracy),
        "confusion": table.tolist(),
    }
    nan = {key: float("nan") for key in ("mean_class_accuracy", "brier", "cross_entropy")}
    return [whole] + [
        {"label": name, "n": int(n), "accuracy": r, "macro_f1": f, "auc": 1 - (1 - r) / 3, "confusion": None, **nan}
        for name, n, r, f in zip(classes, counts, recall, f1, strict=True)
    ]
