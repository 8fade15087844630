"""`ExpressionCodec`: gene expression to normal scores, low-rank when wide, and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from cohortsmith.data import DataError
from cohortsmith.generators.expression.class_marginals import ClassMarginals
from cohortsmith.generators.expression.gene_scores import GeneScores
from cohortsmith.generators.expression.log_table import LogTable
from cohortsmith.generators.expression.lowrank import LowRank
from cohortsmith.generators.expression.monotone_curves import MIN_PATIENTS
from cohortsmith.generators.expression.point_masses import draw_latent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

    Floats = NDArray[np.float32]

_RANK = 48


@dataclass
class ExpressionCodec:
    """Genes as normal scores; raw counts carry their library size along as one more column.

    Decoding inverts every step: low-rank code to scores, class marginals corrected, scores to log2 values with their
    point masses, log2 values to the scale of the cohort. Floors, ceilings and gene order are those of the cohort.

    Attributes:
        rank: components of a wide cohort that a family learns; 0 is 48. As many components as a quarter of the patients
            are fitted: the others are Gaussian, and what no component explains is each gene's own noise.
        wide: number of genes above which the code is low-rank; 0 is 1000, or the number of patients if smaller.
        calibrate_marginals: map each class's generated genes onto train's distribution of that class.
    """

    calibration_patients: ClassVar[int] = 3000
    strata: ClassVar[None] = None
    views: ClassVar[None] = None
    rank: int = 0
    wide: int = 0
    calibrate_marginals: bool = True
    table: LogTable = field(init=False)
    code_shape: tuple[int, ...] = field(init=False)
    genes: GeneScores = field(init=False, repr=False)
    low_rank: LowRank | None = field(default=None, init=False, repr=False)
    marginals: ClassMarginals | None = field(default=None, init=False, repr=False)

    def narrowed(self, cohort: Cohort) -> Cohort:
        """The cohort as it is: the genes of a platform reveal no patient."""
        return cohort

    def fit_encode(self, cohort: Cohort, rng: np.random.Generator) -> Floats:
        """Learn curves, class marginals and, when wide, components; return the training cohort's codes (n, dim).

        Raises:
            DataError: the cohort is not of expression, or of too few patients.
        """
        self.table = LogTable.of(cohort)
        if len(cohort) < 2 * MIN_PATIENTS:
            # A gene's curve needs two knots, and a knot is the mean of several patients.
            raise DataError(
                f"at least {2 * MIN_PATIENTS} patients are needed to fit the genes' curves; got {len(cohort)}"
            )
        values = self.table.columns(cohort)
        classes = len(cohort.classes)
        self.genes = GeneScores.fit(values)
        scores = draw_latent(self.genes.encode(values, rng), cohort.y, classes, *self.genes.thresholds(), rng)
        self.marginals = ClassMarginals.measure(scores, cohort.y, classes) if self.calibrate_marginals else None
        n, columns = scores.shape
        if columns <= (self.wide or min(1000, n)):
            self.low_rank, self.code_shape = None, (columns,)
            return scores
        self.low_rank = LowRank.fit(scores, cohort.y, classes, n // 4)
        codes = self.low_rank.encode(scores, cohort.y)[:, : self.rank or _RANK]
        self.code_shape = codes.shape[1:]
        return codes

    def encode(self, cohort: Cohort, rng: np.random.Generator) -> Floats:
        """Codes (n, dim) of patients that were not learned from; `rng` spreads values at a point mass."""
        scores = self.genes.encode(self.table.columns(cohort), rng)
        return self.low_rank.encode(scores, cohort.y)[:, : self.code_shape[0]] if self.low_rank else scores

    def evidence(self, cohort: Cohort, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Of the components of wide expression, which are directions of train (`LowRank.evidence`)."""
        if self.low_rank is None:
            return {}
        scores = self.genes.encode(self.table.columns(cohort), rng)
        return {f"components_{name}": values for name, values in self.low_rank.evidence(scores, cohort.y).items()}

    def decode(self, codes: Floats, y: NDArray[np.int64], rng: np.random.Generator) -> Floats:
        """Expression (n, genes) in the cohort's scale."""
        scores = self.low_rank.decode(codes, y, rng) if self.low_rank else codes
        if self.marginals:
            scores = self.marginals.apply(scores, y)
        values = self.genes.decode(scores)
        return self.table.back(values)

    def calibrate(self, codes: Floats, y: NDArray[np.int64], rng: np.random.Generator) -> None:
        """Match the class marginals to generated codes (n, dim) of classes (n,)."""
        if self.marginals:
            scores = self.low_rank.decode(codes, y, rng) if self.low_rank else codes
            self.marginals = self.marginals.match(scores, y)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Tensors by part, and the settings."""
        parts = {"genes": self.genes, "low_rank": self.low_rank, "marginals": self.marginals}
        tensors: dict[str, NDArray[Any]] = {}
        for name, part in parts.items():
            if part is not None:
                tensors |= {f"{name}.{key}": value for key, value in part.tensors().items()}
        return tensors, {"table": asdict(self.table), "code_shape": list(self.code_shape)}

    def restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> Self:
        """Take back what `state` gave; a missing tensor is a KeyError."""
        self.table, self.code_shape = LogTable(**values["table"]), tuple(values["code_shape"])
        self.genes = GeneScores.of(_part(tensors, "genes"))
        low_rank, marginals = _part(tensors, "low_rank"), _part(tensors, "marginals")
        self.low_rank = LowRank.of(low_rank) if low_rank else None
        self.marginals = ClassMarginals.of(marginals) if marginals else None
        return self


def _part(tensors: dict[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
