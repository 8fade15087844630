"""`MVN`: the class-conditional Gaussian that a deep family has to beat."""

from __future__ import annotations

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


class MVN(Generator):
    """A Gaussian a class on log2 values, with shrunk covariance (Ledoit & Wolf 2004).

    Above 1000 genes the covariance is low-rank plus a diagonal: the class's principal components and each gene's
    residual variance. Values under a floor are set to the floor.

    Args:
        rank: most components of a class when wide.
    """

    family: ClassVar[str] = "mvn"

    def __init__(self, rank: int = 64) -> None:
        super().__init__()
        self.settings = {"rank": rank}
        self._table: LogTable
        self._floor: NDArray[np.float32]
        self._laws: dict[int, LowRank] = {}

    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> None:
        self._table = LogTable.of(cohort)
        columns = self._table.columns(cohort)
        self._floor = floors(columns)
        self._laws = {}
        for label in np.unique(cohort.y):
            own = columns[cohort.y == label]
            wide = columns.shape[1] > _WIDE
            self._laws[int(label)] = LowRank.fit(own, self.settings["rank"]) if wide else _shrunk(own)
        self.summary = {"code_dim": columns.shape[1]}

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        columns = np.empty((len(y), len(self._floor)), np.float32)
        for label in np.unique(y):
            rows, law = np.flatnonzero(y == label), self._laws[int(label)]
            codes = rng.standard_normal((len(rows), len(law.spread)), dtype=np.float32)
            columns[rows] = law.decode(codes, rng)
        return self._table.back(np.maximum(columns, self._floor))

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors: dict[str, NDArray[Any]] = {"floor": self._floor}
        for label, law in self._laws.items():
            tensors |= {f"class{label}.{name}": value for name, value in law.tensors().items()}
        return tensors, {"labels": list(self._laws)}

    def _restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> None:
        self._table = LogTable(self.schema.scale)  # type: ignore[arg-type]
        self._floor = tensors["floor"]
        for label in values["labels"]:
            prefix = f"class{label}."
            own = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
            self._laws[int(label)] = LowRank.of(own)


def _shrunk(own: NDArray[np.float32]) -> LowRank:
    """Full-rank law of a class (n, columns): its principal axes after shrinkage, nothing left over."""
    covariance, _ = ledoit_wolf(own.astype(np.float64))
    variances, axes = np.linalg.eigh(covariance)
    return LowRank(
        mean=own.mean(axis=0),
        basis=np.ascontiguousarray(axes.T, dtype=np.float32),  # laid out as it is read back: same bits after a load
        spread=np.sqrt(np.maximum(variances, 0)).astype(np.float32),
        residual=np.zeros(own.shape[1], np.float32),
    )
