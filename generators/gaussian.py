"""`MVN`: the class-conditional Gaussian that a deep family has to beat."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.covariance import ledoit_wolf

from generators.base import Generator
from generators.log_table import LogTable, floors
from generators.lowrank import LowRank

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data import Cohort
    from training import Runtime

_WIDE = 1000
_POOLED = "pooled"


class MVN(Generator):
    """A Gaussian a class on log2 values, with shrunk covariance (Ledoit & Wolf 2004).

    Above 1000 genes the classes share one covariance, low-rank plus a diagonal: the components of the variation within
    classes and each gene's residual variance. Values under a floor are set to the floor.

    Args:
        rank: most components when wide.
    """

    family: ClassVar[str] = "mvn"

    def __init__(self, rank: int = 64) -> None:
        super().__init__()
        self.settings = {"rank": rank}
        self._table: LogTable
        self._floor: NDArray[np.float32]
        self._laws: dict[str, LowRank] = {}

    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> None:
        self._table = LogTable.of(cohort)
        columns = self._table.columns(cohort)
        self._floor = floors(columns)
        if columns.shape[1] > _WIDE:
            rank = min(self.settings["rank"], max(2, len(cohort) // 4))
            self._laws = {_POOLED: LowRank.fit(columns, cohort.y, len(cohort.classes), rank)}
        else:
            self._laws = {str(label): _shrunk(columns[cohort.y == label]) for label in np.unique(cohort.y)}
        self.summary = {"code_dim": columns.shape[1]}

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        columns = np.empty((len(y), len(self._floor)), np.float32)
        for label in np.unique(y):
            rows = np.flatnonzero(y == label)
            pooled = self._laws.get(_POOLED)
            law = pooled or self._laws[str(label)]
            nothing = np.empty((len(rows), 0), np.float32)  # no learned codes: every component is noise
            columns[rows] = law.decode(nothing, np.full(len(rows), label if pooled else 0), rng)
        return self._table.back(np.maximum(columns, self._floor))

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors: dict[str, NDArray[Any]] = {"floor": self._floor}
        for name, law in self._laws.items():
            tensors |= {f"{name}.{key}": value for key, value in law.tensors().items()}
        return tensors, {"laws": list(self._laws), "table": asdict(self._table)}

    def _restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> None:
        self._table = LogTable(**values["table"])
        self._floor = tensors["floor"]
        for name in values["laws"]:
            own = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
            self._laws[name] = LowRank.of(own)


def _shrunk(own: NDArray[np.float32]) -> LowRank:
    """Full-rank law of a class (n, columns): its principal axes after shrinkage, nothing left over."""
    covariance, _ = ledoit_wolf(own.astype(np.float64))
    variances, axes = np.linalg.eigh(covariance)
    return LowRank(
        mean=own.mean(axis=0, keepdims=True),
        basis=np.ascontiguousarray(axes.T, dtype=np.float32),  # laid out as it is read back: same bits after a load
        spread=np.sqrt(np.maximum(variances, 0)).astype(np.float32),
        residual=np.zeros(own.shape[1], np.float32),
    )
