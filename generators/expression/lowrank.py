"""A low-rank code for wide data: principal components fitted on train, and the residual noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import eigh

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_LEAST_RESIDUAL = 1e-3  # of a gene's scores: constant genes must not decide a density


@dataclass(frozen=True)
class LowRank:
    """Each class's mean, scores on the leading components around it, and each gene's residual spread.

    The components are those of the variation within classes, scaled to unit variance: a network that outputs standard
    normal codes, even before training, already gives a Gaussian for each class. They are computed from the smaller of
    the two Gram matrices, of patients or of genes: linear in genes where there are more genes than patients.

    Attributes:
        mean: (classes, genes), shrunk towards the overall mean by the weight of one patient.
        basis: (components, genes), orthonormal rows.
        spread: (components,) standard deviation of each component.
        residual: (genes,) standard deviation of what the components do not explain.
    """

    mean: Floats
    basis: Floats
    spread: Floats
    residual: Floats

    @classmethod
    def fit(cls, x: Floats, y: NDArray[np.int64], classes: int, rank: int) -> LowRank:
        """Fit to `x` (samples, genes) of classes `y`; at most `rank` components, fewer for few patients."""
        common = x.mean(axis=0)
        mean = np.tile(common, (classes, 1))
        for label in np.unique(y):
            own = x[y == label]
            mean[label] = (own.sum(axis=0) + common) / (len(own) + 1)
        centred = x - mean[y]
        wide = x.shape[1] > len(x)
        gram = (centred @ centred.T if wide else centred.T @ centred).astype(np.float64)
        size = len(gram)
        eigenvalues, vectors = eigh(gram, subset_by_index=(max(size - rank, 0), size - 1))
        keep = np.argsort(eigenvalues)[::-1]
        keep = keep[eigenvalues[keep] > 1e-6 * eigenvalues.max()]
        singular = np.sqrt(eigenvalues[keep])
        basis = vectors[:, keep].T.astype(np.float32)
        if wide:
            basis = (basis / singular[:, None].astype(np.float32)) @ centred
        basis = np.ascontiguousarray(basis)
        spread = (singular / np.sqrt(len(x) - 1)).astype(np.float32)
        left = (centred**2).sum(axis=0) - ((basis * singular[:, None].astype(np.float32)) ** 2).sum(axis=0)
        free = max(len(x) - 1 - len(keep), 1)
        return cls(mean, basis, spread, np.sqrt(np.maximum(left, 0) / free).astype(np.float32))

    def encode(self, x: Floats, y: NDArray[np.int64]) -> Floats:
        """Codes (samples, rank) of `x` (samples, genes) of classes (samples,)."""
        return np.asarray((x - self.mean[y]) @ self.basis.T / self.spread, dtype=np.float32)

    def decode(self, codes: Floats, y: NDArray[np.int64], rng: np.random.Generator) -> Floats:
        """Values (samples, genes) of codes (samples, rank) of classes (samples,), with each gene's residual noise.

        Codes may have fewer entries than there are components: the rest are standard normal noise.
        """
        rest = rng.standard_normal((len(codes), len(self.spread) - codes.shape[1]), dtype=np.float32)
        out = (np.concatenate([codes, rest], axis=1) * self.spread) @ self.basis
        out += self.mean[y]
        noise = rng.standard_normal(out.shape, dtype=np.float32)
        noise *= self.residual
        out += noise
        return np.asarray(out, dtype=np.float32)

    def evidence(self, x: Floats, y: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """What the fit tells of who was in it, from `x` (samples, genes) of classes (samples,); higher is likelier.

        With as many genes as patients the components lie in the span of the patients they were fitted to, who
        therefore leave less outside it, and more inside, than others.

        Returns:
            `outside`: minus the squared distance from the components; `explained`: minus its share of the whole;
            `inside`: squared norm of the code; `density`: log density of the Gaussian with all components and residuals
            (constants left out), each (samples,).
        """
        centred = (x - self.mean[y]).astype(np.float64)
        basis, noise = self.basis.astype(np.float64), np.maximum(self.residual.astype(np.float64), _LEAST_RESIDUAL) ** 2
        spread = np.maximum(self.spread.astype(np.float64), _LEAST_RESIDUAL)
        codes = centred @ basis.T
        whole = (centred**2).sum(axis=1)
        outside = np.maximum(whole - (codes**2).sum(axis=1), 0)
        inner = np.diag(spread**-2) + (basis / noise) @ basis.T  # Woodbury's identity
        weighted = (centred / noise) @ basis.T
        distance = (centred**2 / noise).sum(axis=1) - (weighted * np.linalg.solve(inner, weighted.T).T).sum(axis=1)
        return {
            "outside": -outside,
            "explained": -outside / np.maximum(whole, 1e-12),
            "inside": ((codes / spread) ** 2).sum(axis=1),
            "density": -0.5 * distance,
        }

    def expect(self, x: Floats, y: NDArray[np.int64]) -> Floats:
        """Values (samples, genes) of `x` expected from the components, each shrunk by its noise.

        The shrinkage is that of probabilistic principal components (Tipping & Bishop 1999).
        """
        noise = float(np.mean(self.residual**2))
        kept = np.maximum(1 - noise / np.maximum(self.spread**2, 1e-12), 0)
        codes = (x - self.mean[y]) @ self.basis.T
        return np.asarray((codes * kept) @ self.basis + self.mean[y], dtype=np.float32)

    def tensors(self) -> dict[str, Floats]:
        """The code's arrays by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def of(cls, tensors: Mapping[str, Any]) -> LowRank:
        """The code from the arrays that `tensors` returned."""
        return cls(**{name: tensors[name] for name in cls.__dataclass_fields__})
