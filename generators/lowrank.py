"""A low-rank code for wide data: principal components fitted on train, and the noise they leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LowRank:
    """Scores on the leading principal components, each to unit variance, and each gene's residual spread.

    Fitted through the Gram matrix of the patients: time grows as patients^2 x genes, memory as patients x genes.

    Attributes:
        mean: (genes,).
        basis: (rank, genes), orthonormal rows.
        spread: (rank,) standard deviation of each component.
        residual: (genes,) standard deviation of what the components leave.
    """

    mean: Floats
    basis: Floats
    spread: Floats
    residual: Floats

    @classmethod
    def fit(cls, x: Floats, rank: int) -> LowRank:
        """Learn from `x` (samples, genes); at most `rank` components, fewer when patients are few."""
        mean = x.mean(axis=0)
        centred = x - mean
        gram = (centred @ centred.T).astype(np.float64)
        eigenvalues, vectors = np.linalg.eigh(gram)
        keep = np.argsort(eigenvalues)[::-1][:rank]
        keep = keep[eigenvalues[keep] > 1e-6 * eigenvalues.max()]
        singular = np.sqrt(eigenvalues[keep])
        basis = ((vectors[:, keep] / singular).T.astype(np.float32)) @ centred
        spread = (singular / np.sqrt(len(x) - 1)).astype(np.float32)
        left = (centred**2).sum(axis=0) - ((basis * singular[:, None].astype(np.float32)) ** 2).sum(axis=0)
        free = max(len(x) - 1 - len(keep), 1)
        return cls(mean, basis, spread, np.sqrt(np.maximum(left, 0) / free).astype(np.float32))

    def encode(self, x: Floats) -> Floats:
        """Codes (samples, rank) of `x` (samples, genes)."""
        return np.asarray((x - self.mean) @ self.basis.T / self.spread, dtype=np.float32)

    def decode(self, codes: Floats, rng: np.random.Generator) -> Floats:
        """Values (samples, genes) of codes, with each gene's residual noise added back."""
        out = (codes * self.spread) @ self.basis
        out += self.mean
        noise = rng.standard_normal(out.shape, dtype=np.float32)
        noise *= self.residual
        out += noise
        return np.asarray(out, dtype=np.float32)

    def tensors(self) -> dict[str, Floats]:
        """Everything the code is, by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def of(cls, tensors: Mapping[str, Any]) -> LowRank:
        """The code from what `tensors` gave."""
        return cls(**{name: tensors[name] for name in cls.__dataclass_fields__})
