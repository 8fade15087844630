"""Class marginals corrected after training.

A network learns how genes are correlated long before it reproduces the exact distribution of each gene in each class;
tree ensembles that separate real from generated patients exploit the difference. Once a family is trained, its own
samples are mapped, gene by gene within each class, onto the class's distribution in train (quantile mapping: Panofsky &
Brier 1968). The dependence between genes, the copula, stays that of the family.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.generators.expression.monotone_curves import ascending, follow, knot_means

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MOST_CLASS_KNOTS = 64
_PATIENTS_A_KNOT = 6
_SLOPES = (1.0, 1.0)  # beyond the outer knots a patient is shifted as much as the outer knot


@dataclass(frozen=True)
class ClassMarginals:
    """For each class and gene, knots of the generated distribution and the knots they are mapped to.

    Attributes:
        knots: (classes,) knots in use for a class; a class with fewer than two stays as generated.
        generated, real: (classes, MOST_CLASS_KNOTS, genes) ascending.
    """

    knots: NDArray[np.int64]
    generated: Floats
    real: Floats

    @classmethod
    def measure(cls, scores: Floats, y: NDArray[np.int64], classes: int) -> ClassMarginals:
        """Knots of real patients' scores (n, genes); until `match` the curves are the identity."""
        counts = np.bincount(y, minlength=classes)
        knots = np.minimum(counts // _PATIENTS_A_KNOT, MOST_CLASS_KNOTS)
        real = np.zeros((classes, int(knots.max(initial=1)), scores.shape[1]), np.float32)
        for label in range(classes):
            if knots[label]:
                real[label, : knots[label]] = _knots(scores[y == label], knots[label])
        return cls(knots, real.copy(), real)

    def match(self, scores: Floats, y: NDArray[np.int64]) -> ClassMarginals:
        """The same real knots, with those of generated scores (n, genes) of classes (n,)."""
        generated = self.generated.copy()
        for label in np.unique(y):
            if self.knots[label]:
                generated[label, : self.knots[label]] = _knots(scores[y == label], self.knots[label])
        return ClassMarginals(self.knots, generated, self.real)

    def apply(self, scores: Floats, y: NDArray[np.int64]) -> Floats:
        """Generated scores (n, genes) with each class's marginals corrected."""
        out = scores.copy()
        for label in np.unique(y):
            used = self.knots[label]
            if used < 2:
                continue
            rows = np.flatnonzero(y == label)
            for gene in range(scores.shape[1]):
                start, end = self.generated[label, :used, gene], self.real[label, :used, gene]
                out[rows, gene] = follow(scores[rows, gene], start, end, _SLOPES)
        return out

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The curves' arrays by name."""
        return {"knots": self.knots, "generated": self.generated, "real": self.real}

    @classmethod
    def of(cls, tensors: Mapping[str, Any]) -> ClassMarginals:
        """Curves from the arrays that `tensors` returned."""
        return cls(tensors["knots"], tensors["generated"], tensors["real"])


def _knots(scores: Floats, knots: int) -> Floats:
    return ascending(knot_means(np.sort(scores, axis=0), knots))
