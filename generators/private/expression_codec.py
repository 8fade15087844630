"""`PrivateExpressionCodec`: a few statistics through the Gaussian mechanism, and codes that follow from one record.

Ranks of patients, knots of a few of them, and latent scores that depend on other patients, as `ExpressionCodec` has
them, have no bounded sensitivity.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from scipy.linalg import eigh

from cohortsmith.data import DataError
from cohortsmith.data.kinds import EXPRESSION, require_kind
from cohortsmith.generators.expression import LogTable, LowRank, table_of
from cohortsmith.generators.images import Channels
from cohortsmith.generators.private.budget import NORMAL, Statistics, shrunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

    Floats = NDArray[np.float32]

_LIBRARY = (0.0, 40.0)  # log2 of a library's counts
_LEAST_SPREAD = 0.25  # log2 units: noise must not make a gene's spread vanish
_LIMIT = 4.0  # standard deviations
_REACH = 1 / 4  # of half the bounds' width: largest distance of a patient from the centre, in the mean over genes
_RANK = 16
_MOST_DECIMALS = 6
_MOST_CHARGED = 4000  # genes of a private covariance matrix; beyond, noise dominates for any cohort


@dataclass
class PrivateExpressionCodec:
    """Log2 values within stated bounds, standardised by class and gene; low-rank when wide.

    Overall and class means, mean deviations and, when wide, products of genes are sums over patients of bounded norm; a
    network that outputs noise, even before training, already gives a Gaussian for each class. Values outside the bounds
    are clipped; the bounds must come from knowledge of the platform and not of these patients.

    Attributes:
        rank: components of a wide cohort; 0 is 16.
        wide: number of genes above which the code is low-rank; 0 is 1000.
        dp_bounds: least and largest log2 value of a gene.
        dp_decimals: number of decimals that generated values are rounded to, from knowledge of the platform; 0 leaves
            them as they are (counts are whole in any case). How these patients' values are rounded is not looked at.
    """

    calibration_patients: ClassVar[int] = 0
    gaussian: ClassVar[bool] = True
    strata: ClassVar[None] = None
    views: ClassVar[None] = None
    rank: int = 0
    wide: int = 0
    dp_bounds: tuple[float, ...] = (0.0, 24.0)
    dp_decimals: int = 0
    statistics: Statistics = field(default_factory=Statistics, init=False, repr=False)
    table: LogTable = field(init=False)
    code_shape: tuple[int, ...] = field(init=False)
    genes: Channels = field(init=False, repr=False)
    low_rank: LowRank | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.dp_bounds) != 2 or not self.dp_bounds[0] < self.dp_bounds[1]:
            raise DataError(f"dp_bounds must be a least and a largest log2 value; got {list(self.dp_bounds)}")
        if self.dp_decimals > _MOST_DECIMALS:
            raise DataError(f"dp_decimals must be at most {_MOST_DECIMALS}; got {self.dp_decimals}")

    def narrowed(self, cohort: Cohort) -> Cohort:
        """The cohort as it is: the genes of a platform reveal no patient."""
        return cohort

    def fit_encode(self, cohort: Cohort, rng: np.random.Generator) -> Floats:
        """Release the statistics; return the training cohort's codes (n, dim).

        Raises:
            DataError: the cohort is not of expression, or too wide for private components.
        """
        require_kind(cohort.kind, EXPRESSION, "expression was expected")
        self.table = LogTable(cohort.scale, self.dp_decimals or None)
        values = self._bounded(self.table.columns(cohort)).astype(np.float64)
        n, columns = values.shape
        low, high = self._bounds(columns)
        wide = columns > (self.wide or 1000)
        if wide and self.statistics.noise and columns > _MOST_CHARGED:
            raise DataError(
                f"private components are for at most {_MOST_CHARGED} genes, this cohort has {columns}; choose a panel, "
                "or state dp_public_statistics=true if the statistics are public"
            )
        middle, half = (low + high) / 2, (high - low) / 2
        total = self.statistics.total(values - middle, float(np.linalg.norm(half)))
        centre = np.clip(middle + total / n, low, high)
        mean = centre + self._class_means(values - centre, cohort.y, len(cohort.classes), _REACH * half)
        deviation = np.minimum(np.abs(values - mean[cohort.y]), _REACH * half)
        total = self.statistics.total(deviation, float(np.linalg.norm(_REACH * half)))
        spread = np.maximum(NORMAL * total / n, _LEAST_SPREAD)
        self.genes = Channels(mean.astype(np.float32), spread.astype(np.float32))
        self.low_rank = self._components(self._scores(cohort)) if wide else None
        codes = self.encode(cohort, rng)
        self.code_shape = codes.shape[1:]
        return codes

    def encode(self, cohort: Cohort, rng: np.random.Generator) -> Floats:
        """Codes (n, dim) of any patients; each follows from the patient's record and the statistics alone."""
        codes = self._scores(cohort)
        if self.low_rank:
            codes = np.clip(self.low_rank.encode(codes, np.zeros(len(codes), np.int64)), -_LIMIT, _LIMIT)
        return np.asarray(codes, np.float32)

    def evidence(self, cohort: Cohort, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """None: the statistics are private."""
        return {}

    def decode(self, codes: Floats, y: NDArray[np.int64], rng: np.random.Generator) -> Floats:
        """Expression (n, genes) in the cohort's scale, within the bounds."""
        scores = self.low_rank.decode(codes, np.zeros_like(y), rng) if self.low_rank else codes
        values: Floats = self.genes.mean[y] + self.genes.spread * scores
        return self.table.back(self._bounded(values))

    def calibrate(self, codes: Floats, y: NDArray[np.int64], rng: np.random.Generator) -> None:
        """Nothing: it would use patients outside the budget."""

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Tensors, and the settings."""
        tensors: dict[str, NDArray[Any]] = self.genes._asdict()
        if self.low_rank:
            tensors |= {f"low_rank.{name}": value for name, value in self.low_rank.tensors().items()}
        return tensors, {"table": asdict(self.table), "code_shape": list(self.code_shape)}

    def restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> Self:
        """Take back what `state` gave; a missing tensor is a KeyError."""
        self.table, self.code_shape = table_of(values["table"]), tuple(values["code_shape"])
        self.genes = Channels(tensors["mean"], tensors["spread"])
        parts = {name.removeprefix("low_rank."): value for name, value in tensors.items() if "." in name}
        self.low_rank = LowRank.of(parts) if parts else None
        return self

    def _bounds(self, columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        low, high = (np.full(columns, bound, np.float64) for bound in self.dp_bounds)
        if self.table.scale == "counts":
            low[-1], high[-1] = _LIBRARY
        return low, high

    def _bounded(self, values: Floats) -> Floats:
        low, high = self._bounds(values.shape[1])
        return np.asarray(np.clip(values, low, high), np.float32)

    def _class_means(
        self, values: NDArray[np.float64], y: NDArray[np.int64], classes: int, reach: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Means (classes, genes) of centred values (n, genes), each class's shrunk by its share of noise."""
        radius = float(np.linalg.norm(reach))
        counts = np.maximum(self.statistics.counts(y, classes), 5)[:, None]
        means = self.statistics.totals(values, y, classes, radius) / counts
        noise = (self.statistics.noise * radius / counts) ** 2
        group = np.zeros(means.shape[1], np.int64)
        return np.concatenate([shrunk(means[[k]], group, noise[[k]]) for k in range(classes)])

    def _scores(self, cohort: Cohort) -> Floats:
        values = self._bounded(self.table.columns(cohort))
        return np.asarray(
            np.clip((values - self.genes.mean[cohort.y]) / self.genes.spread, -_LIMIT, _LIMIT), np.float32
        )

    def _components(self, floats: Floats) -> LowRank:
        scores = floats.astype(np.float64)
        n, genes = scores.shape
        rank = min(self.rank or _RANK, n // 4, genes - 1)
        products = self.statistics.gram(scores, 1.5 * float(np.sqrt(genes))) / n
        variances, axes = eigh(products, subset_by_index=(genes - rank, genes - 1))
        variances = np.maximum(variances[::-1], 1.0)
        basis = np.ascontiguousarray(axes[:, ::-1].T)
        left = np.diag(products) - (basis**2 * variances[:, None]).sum(0)
        residual = np.sqrt(np.clip(left, 0.05, 1.0))
        parts = (np.zeros((1, genes)), basis, np.sqrt(variances), residual)
        return LowRank(*(part.astype(np.float32) for part in parts))
