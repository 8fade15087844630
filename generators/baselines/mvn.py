"""`MVN`: the class-conditional Gaussian that a deep family has to beat."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from sklearn.covariance import ledoit_wolf

from cohortsmith.data.kinds import EXPRESSION, IMAGE
from cohortsmith.generators.contracts import Generator
from cohortsmith.generators.expression import LogTable, LowRank, floors

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from cohortsmith.data import Cohort
    from cohortsmith.training import Runtime

    Floats = NDArray[np.float32]

_WIDE = 1000
_POOLED = "pooled"
_LEAST_SPREAD = 1e-6  # of an axis, in a log density


@dataclass(frozen=True)
class PixelTable:
    """Images (n, *shape) as columns, one per pixel and channel, and back: rounded, clipped at 0 and 255."""

    shape: tuple[int, ...]
    neighbours: ClassVar[bool] = True

    @classmethod
    def of(cls, cohort: Cohort) -> PixelTable:
        """Table of a cohort of images."""
        return cls(cohort.x.shape[1:])

    def columns(self, cohort: Cohort) -> Floats:
        """Pixels (n, columns)."""
        return cohort.x.reshape(len(cohort), -1).astype(np.float32)

    def back(self, columns: Floats) -> NDArray[np.uint8]:
        """Images uint8 (n, *shape)."""
        return np.clip(np.rint(columns), 0, 255).astype(np.uint8).reshape(len(columns), *self.shape)


class GaussianTable(Protocol):
    """A cohort as the columns (n, columns) that a Gaussian learns; a dataclass whose fields are plain values.

    Attributes:
        neighbours: columns are places beside one another, so that classes differ in more than their means however many
            there are.
    """

    neighbours: ClassVar[bool]

    def columns(self, cohort: Cohort) -> Floats:
        """Values (n, columns)."""

    def back(self, columns: Floats) -> NDArray[Any]:
        """Measurements of virtual patients, as `x` of a cohort."""


TABLES: dict[str, Any] = {EXPRESSION: LogTable, IMAGE: PixelTable}
"""The table of each data kind that a Gaussian learns: `of(cohort)` makes one, and its fields as keywords do again."""


class MVN(Generator):
    """A Gaussian per class on log2 values or on pixels, with shrunk covariance (Ledoit & Wolf 2004).

    Above 1000 genes the classes share one covariance, low-rank plus a diagonal: the components of the variation within
    classes and each gene's residual variance. Pixels have the same components and residuals, and each class a
    covariance of its own in the components. Values below a floor are set to the floor.

    Args:
        rank: most components when wide.
    """

    family: ClassVar[str] = "mvn"
    kinds: ClassVar[Collection[str]] = TABLES.keys()

    def __init__(self, rank: int = 64) -> None:
        super().__init__()
        self.settings = {"rank": rank}
        self._table: GaussianTable
        self._floor: NDArray[np.float32]
        self._gaussians: dict[str, LowRank] = {}

    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> None:
        self._table = TABLES[cohort.kind].of(cohort)
        values = self._table.columns(cohort)
        self._floor, self._gaussians = floors(values), {}
        self.summary = {"code_dim": values.shape[1]}
        wide = values.shape[1] > _WIDE
        if wide or self._table.neighbours:
            rank = min(self.settings["rank"], max(2, len(cohort) // 4))
            pooled = LowRank.fit(values, cohort.y, len(cohort.classes), rank)
            self._gaussians[_POOLED], values = pooled, pooled.encode(values, cohort.y)
        if self._table.neighbours or not wide:
            self._gaussians |= {str(label): _shrunk(values[cohort.y == label]) for label in np.unique(cohort.y)}

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        columns = np.empty((len(y), len(self._floor)), np.float32)
        pooled = self._gaussians.get(_POOLED)
        for label in np.unique(y):
            rows = np.flatnonzero(y == label)
            values = np.empty((len(rows), 0), np.float32)  # no codes: every component is noise
            if own := self._gaussians.get(str(label)):
                values = own.decode(values, np.zeros(len(rows), np.int64), rng)
            columns[rows] = pooled.decode(values, y[rows], rng) if pooled else values
        return self._table.back(np.maximum(columns, self._floor))

    def _evidence(self, cohort: Cohort, seed: int) -> dict[str, NDArray[np.float64]]:
        """Log density of each class's Gaussian, and what pooled components tell (`LowRank.evidence`)."""
        values = self._table.columns(cohort)
        found: dict[str, NDArray[np.float64]] = {}
        if pooled := self._gaussians.get(_POOLED):
            found = {f"components_{name}": part for name, part in pooled.evidence(values, cohort.y).items()}
            values = pooled.encode(values, cohort.y)
        own = {label: law for label in np.unique(cohort.y) if (law := self._gaussians.get(str(label)))}
        if own:
            density = np.full(len(cohort), -np.inf)
            for label, law in own.items():
                rows = np.flatnonzero(cohort.y == label)
                spread = np.maximum(law.spread.astype(np.float64), _LEAST_SPREAD)
                axes = (values[rows] - law.mean[0]).astype(np.float64) @ law.basis.T.astype(np.float64)
                density[rows] = -0.5 * ((axes / spread) ** 2).sum(axis=1) - np.log(spread).sum()
            found["log_density"] = np.maximum(density, density[np.isfinite(density)].min())
        return found

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors: dict[str, NDArray[Any]] = {"floor": self._floor}
        for name, gaussian in self._gaussians.items():
            tensors |= {f"{name}.{key}": value for key, value in gaussian.tensors().items()}
        return tensors, {"laws": list(self._gaussians), "table": asdict(self._table)}  # type: ignore[call-overload]

    def _restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> None:
        plain = {name: tuple(part) if isinstance(part, list) else part for name, part in values["table"].items()}
        self._table = TABLES[self.schema.kind](**plain)
        self._floor = tensors["floor"]
        for name in values["laws"]:
            own = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
            self._gaussians[name] = LowRank.of(own)


def _shrunk(own: Floats) -> LowRank:
    """Full-rank Gaussian of a class (n, columns): its principal axes after shrinkage, without residual."""
    covariance, _ = ledoit_wolf(own.astype(np.float64))
    variances, axes = np.linalg.eigh(covariance)
    return LowRank(
        mean=own.mean(axis=0, keepdims=True),
        basis=np.ascontiguousarray(axes.T, dtype=np.float32),  # memory layout as after loading, for equal bits
        spread=np.sqrt(np.maximum(variances, 0)).astype(np.float32),
        residual=np.zeros(own.shape[1], np.float32),
    )
