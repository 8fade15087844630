"""`ExpressionCodec`: gene expression to whitened codes, in which the Gaussian copula is standard normal, and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from cohortsmith.data.kinds import EXPRESSION, require_kind
from cohortsmith.generators.expression.class_modes import ClassModes
from cohortsmith.generators.expression.covariance_attack import chosen, ladder
from cohortsmith.generators.expression.normal_scores import NormalScores, part
from cohortsmith.generators.expression.structure import Structure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

    Floats = NDArray[np.float32]

LEAK = 0.6  # AUC that `auto` allows
_WHOLE_CODE, _RANK = 128, 64


@dataclass
class ExpressionCodec:
    """Genes as normal scores, around the mean of their class or mode, whitened by the covariance within classes.

    A network that outputs noise, even before training, already is the Gaussian copula of `generators.copula`. How much
    of the covariance is kept is chosen by attacks on train, cross-fitted: all genes' correlations and those of each
    class, all genes' alone, or those of ever fewer modules of genes.

    Attributes:
        rank: entries of a code that a family learns, by falling variance; the others are Gaussian. 0 is all of up to
            128, else 64.
        leak: largest AUC of the cross-fitted attacks; `auto` is 0.6, `off` keeps the most whatever it gives away.
        modes: most modes within a class, such as two studies under one label, that are found and sampled by their
            share; 1 finds none.
        mode_column: covariate whose values are the modes, such as a batch or a machine; empty finds them.
        calibrate_marginals: map each group's generated genes onto train's distribution of that class or mode.
    """

    calibration_patients: ClassVar[int] = 3000
    gaussian: ClassVar[bool] = True
    views: ClassVar[None] = None
    rank: int = 0
    leak: float | Literal["auto", "off"] = "auto"
    modes: int = 4
    mode_column: str = ""
    calibrate_marginals: bool = True
    strata: ClassModes = field(init=False, repr=False)
    code_shape: tuple[int, ...] = field(init=False)
    scores: NormalScores = field(init=False, repr=False)
    structure: Structure = field(init=False, repr=False)
    kept: dict[str, Any] = field(default_factory=dict, init=False)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user must know of the fit: an attack above the limit."""
        attack, limit = self.kept.get("attack"), self.kept.get("limit")
        if attack is None or limit is None or attack <= limit:
            return ()
        return (
            f"the covariance of these patients gives them away: an attack inside train has AUC {attack:.2f}, above the "
            f"limit {limit:g} (leak), with {self.kept['detail']}; fewer genes, more patients or dp_epsilon would help",
        )

    def narrowed(self, cohort: Cohort) -> Cohort:
        """The cohort as it is: the genes of a platform reveal no patient."""
        return cohort

    def fit_encode(self, cohort: Cohort, rng: np.random.Generator) -> Floats:
        """Learn modes, curves, marginals and structure; return the training cohort's codes (n, dim).

        Raises:
            DataError: the cohort is not of expression, of too few patients, or lacks the covariate `mode_column`.
        """
        require_kind(cohort.kind, EXPRESSION, "expression was expected")
        if self.mode_column:
            self.strata = ClassModes.told(cohort, self.mode_column)
        else:
            self.strata = ClassModes.find(cohort, self.modes, rng)
        modes = self.strata.groups(cohort)
        self.scores, scores = NormalScores.fit(cohort, modes, len(self.strata), rng)
        _, subjects = np.unique(cohort.subjects, return_inverse=True)
        if self.leak == "off":
            detail, attack, limit = ladder(*scores.shape)[0], float("nan"), None
        else:
            limit = LEAK if self.leak == "auto" else float(self.leak)
            detail, attack = chosen(scores, modes, subjects, len(self.strata), limit, rng)
        self.strata = self.strata.divided(cohort, detail.cell, rng)
        groups, count = self.strata.groups(cohort), len(self.strata)
        if self.calibrate_marginals:
            self.scores = self.scores.measured(scores, groups, count)
        self.structure = Structure.fit(scores, groups, count, detail, rng)
        self.kept = {"detail": str(detail), "attack": None if np.isnan(attack) else round(attack, 3), "limit": limit}
        codes = self.structure.encode(scores, groups)
        dim = self.structure.dim
        codes = codes[:, : self.rank or (dim if dim <= _WHOLE_CODE else _RANK)]
        self.code_shape = codes.shape[1:]
        return np.ascontiguousarray(codes)

    def encode(self, cohort: Cohort, rng: np.random.Generator) -> Floats:
        """Codes (n, dim) of patients that were not learned from; `rng` spreads values at a point mass."""
        codes = self.structure.encode(self.scores.encode(cohort, rng), self.strata.groups(cohort))
        return np.ascontiguousarray(codes[:, : self.code_shape[0]])

    def evidence(self, cohort: Cohort, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Of the structure, whose means and covariances are those of train (`Structure.evidence`)."""
        found = self.structure.evidence(self.scores.encode(cohort, rng), self.strata.groups(cohort))
        return {f"structure_{name}": values for name, values in found.items()}

    def decode(self, codes: Floats, groups: NDArray[np.int64], rng: np.random.Generator) -> Floats:
        """Expression (n, genes) in the cohort's scale, of codes (n, dim) of groups (n,)."""
        return self.scores.decode(self.structure.decode(codes, groups, rng), groups)

    def between(self, codes: Floats, ends: NDArray[np.int64], share: Floats, rng: np.random.Generator) -> Floats:
        """Expression (n, genes) of codes (n, dim) on the way between two groups (2,), a share (n,) along."""
        seed = int(rng.integers(2**31))
        sides = []
        for end in ends:
            groups = np.full(len(codes), end)
            scores = self.structure.decode(codes, groups, np.random.default_rng(seed))
            sides.append(self.scores.corrected(scores, groups))
        return self.scores.values(sides[0] + (sides[1] - sides[0]) * share[:, None])

    def calibrate(self, codes: Floats, groups: NDArray[np.int64], rng: np.random.Generator) -> None:
        """Match the marginals to generated codes (n, dim) of groups (n,)."""
        if self.calibrate_marginals:
            self.scores = self.scores.matched(self.structure.decode(codes, groups, rng), groups)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Tensors by part, and plain values."""
        tensors, values = self.scores.state()
        tensors |= {f"structure.{name}": value for name, value in self.structure.tensors().items()}
        tensors |= {f"modes.{name}": value for name, value in self.strata.tensors().items()}
        modes = {"column": self.strata.column, "values": list(self.strata.values)}
        return tensors, values | {"code_shape": list(self.code_shape), "kept": self.kept, "modes": modes}

    def restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> Self:
        """Take back what `state` gave; a missing tensor is a KeyError."""
        self.scores = NormalScores.of(tensors, values)
        self.code_shape, self.kept = tuple(values["code_shape"]), values["kept"]
        self.structure = Structure.of(part(tensors, "structure"))
        told = values["modes"]
        self.strata = ClassModes(**part(tensors, "modes"), column=told["column"], values=tuple(told["values"]))
        return self
