"""`Structure`: a cohort's means and covariances, whitened away from the codes that networks learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from sklearn.covariance import ledoit_wolf

from cohortsmith.generators.expression.gene_modules import loadings_of, modules_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_LEAST_VARIANCE = 1e-6
_TIGHT, _MOST_TIGHT = 2, 1200  # genes of a small module on average; most of these modules
_LEAST_RESIDUAL = 1e-3  # of a gene's scores: constant genes must not decide a density


class Detail(NamedTuple):
    """How much of the covariances is kept.

    Attributes:
        modules: of genes; 0 keeps every gene for itself.
        cell: patients of a class, at least, for each of the cells that it is divided into; 0 does not divide it.
    """

    modules: int
    cell: int = 0

    def __str__(self) -> str:
        genes = f"{self.modules} modules of genes" if self.modules else "every gene"
        return f"{genes}, " + (f"cells of {self.cell} patients or more" if self.cell else "whole classes")


@dataclass(frozen=True)
class Structure:
    """Group means, and a covariance within groups: of the genes, or of factors of modules and each gene's own noise.

    A group is a class, a mode or a cell of one. Codes are the scores around the group's mean, whitened by the
    covariance within groups: standard normal codes are a Gaussian copula, or for several groups of a class a mixture of
    such.

    Attributes:
        mean: (groups, genes), each shrunk towards the overall mean by the weight of one patient.
        module, loading: (genes,) of `gene_modules`; loading is empty where genes are not joined.
        colour: (modules or genes, dim) maps codes to factors; columns by falling variance.
        whiten: (modules or genes, dim) its inverse, transposed.
        tight, tie: (genes,) small modules of what the factors do not explain, and each gene's loading on its module's
            factor, which is independent of all others: tight pairs stay together, and no covariance of many genes is
            told. Empty where genes are not joined.
        residual: (genes,) standard deviation of what is left.
    """

    mean: Floats
    module: NDArray[np.int64]
    loading: Floats
    colour: Floats
    whiten: Floats
    tight: NDArray[np.int64]
    tie: Floats
    residual: Floats

    @property
    def dim(self) -> int:
        """Length of a code."""
        return int(self.colour.shape[1])

    @classmethod
    def fit(
        cls, scores: Floats, groups: NDArray[np.int64], count: int, detail: Detail, rng: np.random.Generator
    ) -> Structure:
        """Fit to scores (n, genes) of groups (n,), of which there are `count`."""
        mean = group_means(scores, groups, count)
        centred = scores - mean[groups]
        genes, free = scores.shape[1], max(len(scores) - len(np.unique(groups)), 1)
        module, loading = np.arange(genes), np.zeros(0, np.float32)
        factors = centred
        if detail.modules:
            module = modules_of(centred, detail.modules, rng)
            loading = loadings_of(centred, module)
            factors = _factors(centred, module, loading)
        spread = np.sqrt(np.maximum((factors.astype(np.float64) ** 2).sum(axis=0) / free, _LEAST_VARIANCE))
        covariance, _ = ledoit_wolf(factors / spread, assume_centered=True)
        scale = spread / np.sqrt(np.maximum(np.diag(covariance), _LEAST_VARIANCE))
        variances, axes = np.linalg.eigh(covariance * np.outer(scale, scale))
        variances, axes = np.maximum(variances[::-1], _LEAST_VARIANCE), axes[:, ::-1]
        colour = np.ascontiguousarray(axes * np.sqrt(variances), dtype=np.float32)
        whiten = np.ascontiguousarray(axes / np.sqrt(variances), dtype=np.float32)
        residual, tight, tie = np.zeros(genes, np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32)
        if detail.modules:
            left = centred - _genes(factors, module, loading)
            tight = modules_of(left, min(genes // _TIGHT, _MOST_TIGHT), rng)
            axis = loadings_of(left, tight)
            tie = (axis * np.sqrt((_factors(left, tight, axis) ** 2).sum(axis=0) / free)[tight]).astype(np.float32)
            whole = (centred.astype(np.float64) ** 2).sum(axis=0) / free
            kept = (_sparse(module, loading) @ colour).astype(np.float64)
            residual = np.sqrt(np.maximum(whole - (kept**2).sum(axis=1) - tie**2, 0)).astype(np.float32)
        return cls(mean, module, loading, colour, whiten, tight, tie, residual)

    def encode(self, scores: Floats, groups: NDArray[np.int64]) -> Floats:
        """Codes (n, dim) of scores (n, genes) of groups (n,)."""
        return np.asarray(self._factors(scores - self.mean[groups]) @ self.whiten, np.float32)

    def decode(self, codes: Floats, groups: NDArray[np.int64], rng: np.random.Generator) -> Floats:
        """Scores (n, genes) of codes (n, dim) of groups (n,), with each gene's residual noise.

        Codes may have fewer entries: the rest are standard normal noise.
        """
        rest = self.dim - codes.shape[1]
        if rest:
            codes = np.concatenate([codes, rng.standard_normal((len(codes), rest), dtype=np.float32)], axis=1)
        out = codes @ self.colour.T
        if len(self.loading):
            out = _genes(out, self.module, self.loading)
            noise = rng.standard_normal(out.shape, dtype=np.float32)
            noise *= self.residual
            out += noise
            shared = rng.standard_normal((len(out), int(self.tight.max()) + 1), dtype=np.float32)
            out += _genes(shared, self.tight, self.tie)
        out += self.mean[groups]
        return np.asarray(out, dtype=np.float32)

    def evidence(self, scores: Floats, groups: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """What the fit tells of who was in it, from scores (n, genes) of groups (n,); higher is likelier.

        Returns:
            `inside`: minus the squared norm of the code; `outside`: minus the squared distance from what the factors
            explain, in residual standard deviations (zeros where genes are not joined); `density`: their sum, the log
            density of the Gaussian but for constants; each (samples,).
        """
        codes = self.encode(scores, groups).astype(np.float64)
        inside = -0.5 * (codes**2).sum(axis=1)
        outside = np.zeros(len(scores))
        if len(self.loading):
            centred = scores - self.mean[groups]
            left = centred - _genes(self._factors(centred), self.module, self.loading)
            spread = np.sqrt(np.maximum(self.residual**2 + self.tie**2, _LEAST_RESIDUAL**2))
            outside = -0.5 * ((left / spread) ** 2).sum(axis=1, dtype=np.float64)
        return {"inside": inside, "outside": outside, "density": inside + outside}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        return {name: getattr(self, name) for name in _TENSORS}

    @classmethod
    def of(cls, tensors: Mapping[str, Any]) -> Structure:
        """The structure from the arrays that `tensors` returned."""
        return cls(**{name: tensors[name] for name in _TENSORS})

    def _factors(self, centred: Floats) -> Floats:
        return _factors(centred, self.module, self.loading) if len(self.loading) else centred


_TENSORS = ("mean", "module", "loading", "colour", "whiten", "tight", "tie", "residual")


def group_means(scores: Floats, groups: NDArray[np.int64], count: int) -> Floats:
    """Means (count, genes) of scores (n, genes) by group, each shrunk to that of all by the weight of one patient."""
    common = scores.mean(axis=0)
    mean = np.tile(common, (count, 1))
    for group in np.unique(groups):
        own = scores[groups == group]
        mean[group] = (own.sum(axis=0) + common) / (len(own) + 1)
    return np.asarray(mean, np.float32)


def _sparse(module: NDArray[np.int64], loading: Floats) -> csr_array:
    """Loadings as a sparse matrix (genes, modules)."""
    shape = (len(module), int(module.max()) + 1)
    return csr_array((loading, module, np.arange(len(module) + 1)), shape=shape)


def _genes(factors: Floats, module: NDArray[np.int64], loading: Floats) -> Floats:
    """What the modules' factors (n, modules) make of the genes (n, genes)."""
    return np.asarray(factors[:, module] * loading, np.float32)


def _factors(centred: Floats, module: NDArray[np.int64], loading: Floats) -> Floats:
    """Scores of the modules' factors (n, modules)."""
    return np.asarray((_sparse(module, loading).T @ centred.T).T, np.float32)
