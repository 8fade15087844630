"""`NormalScores`: a cohort's genes as normal scores, and back to values that can exist with each class's marginals."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from cohortsmith.data import DataError
from cohortsmith.generators.expression.class_marginals import ClassMarginals
from cohortsmith.generators.expression.gene_scores import GeneScores
from cohortsmith.generators.expression.log_table import LogTable
from cohortsmith.generators.expression.monotone_curves import MIN_PATIENTS
from cohortsmith.generators.expression.point_masses import draw_latent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

    Floats = NDArray[np.float32]


@dataclass(frozen=True)
class NormalScores:
    """Genes as normal scores; raw counts carry their library size along as one more column.

    Attributes:
        table: log2 values, and the law of the values that came in.
        genes: each gene's curve.
        marginals: of each class, or mode of one; None leaves generated scores as they are.
    """

    table: LogTable
    genes: GeneScores
    marginals: ClassMarginals | None

    @classmethod
    def fit(
        cls, cohort: Cohort, groups: NDArray[np.int64], count: int, rng: np.random.Generator
    ) -> tuple[NormalScores, Floats]:
        """Fit to a cohort whose patients are of groups (n,), `count` in all; and its scores (n, columns).

        Marginals come with `measured`.

        Raises:
            DataError: the cohort is not of expression, or of too few patients.
        """
        table = LogTable.of(cohort)
        if len(cohort) < 2 * MIN_PATIENTS:
            # A gene's curve needs two knots, and a knot is the mean of several patients.
            raise DataError(
                f"at least {2 * MIN_PATIENTS} patients are needed to fit the genes' curves; got {len(cohort)}"
            )
        values = table.columns(cohort)
        genes = GeneScores.fit(values, table.limits())
        scores = draw_latent(genes.encode(values, rng), groups, count, *genes.thresholds(), rng)
        return cls(table, genes, None), scores

    def measured(self, scores: Floats, groups: NDArray[np.int64], count: int) -> NormalScores:
        """The same with the marginals of train: its scores (n, columns) of groups (n,), `count` in all."""
        return NormalScores(self.table, self.genes, ClassMarginals.measure(scores, groups, count))

    def encode(self, cohort: Cohort, rng: np.random.Generator) -> Floats:
        """Scores (n, columns) of patients; `rng` spreads values at a point mass."""
        return self.genes.encode(self.table.columns(cohort), rng)

    def decode(self, scores: Floats, groups: NDArray[np.int64]) -> Floats:
        """Expression (n, genes) in the cohort's scale, of scores (n, columns) of groups (n,)."""
        return self.values(self.corrected(scores, groups))

    def corrected(self, scores: Floats, groups: NDArray[np.int64]) -> Floats:
        """Scores (n, columns) of groups (n,) with each group's marginals."""
        return self.marginals.apply(scores, groups) if self.marginals else scores

    def values(self, scores: Floats) -> Floats:
        """Expression (n, genes) of scores (n, columns) as they are."""
        return self.table.back(self.genes.decode(scores))

    def matched(self, scores: Floats, groups: NDArray[np.int64]) -> NormalScores:
        """The same with marginals that correct what is generated: scores (n, columns) of groups (n,)."""
        marginals = self.marginals.match(scores, groups) if self.marginals else None
        return NormalScores(self.table, self.genes, marginals)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Tensors by part, and plain values."""
        tensors: dict[str, NDArray[Any]] = {f"genes.{name}": value for name, value in self.genes.tensors().items()}
        if self.marginals:
            tensors |= {f"marginals.{name}": value for name, value in self.marginals.tensors().items()}
        return tensors, {"table": asdict(self.table)}

    @classmethod
    def of(cls, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> NormalScores:
        """Take back what `state` gave; a missing tensor or value is a KeyError."""
        marginals = part(tensors, "marginals")
        return cls(
            table_of(values["table"]),
            GeneScores.of(part(tensors, "genes")),
            ClassMarginals.of(marginals) if marginals else None,
        )


def table_of(values: dict[str, Any]) -> LogTable:
    """A table from its fields as JSON has them; a missing one is a KeyError."""
    named = {field.name: values[field.name] for field in fields(LogTable)}
    return LogTable(**named | {"levels": tuple(named["levels"])})


def part(tensors: dict[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    """The tensors of a part, by their names within it."""
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
