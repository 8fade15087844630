"""Class marginals set right after training.

A network learns how genes hang together well before it has each class's every gene exactly; trees that tell real from
generated patients live on the difference. Once a family is trained, its own samples are mapped, gene by gene within
each class, onto the class's distribution in train (quantile mapping: Panofsky & Brier 1968). The dependence between
genes, the copula, stays as the family made it.
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

MAX_KNOTS = 64
_PATIENTS_A_KNOT = 6
_SLOPES = (1.0, 1.0)  # beyond the outer knots a patient is moved as much as the outer knot is


@dataclass(frozen=True)
class ClassMarginals:
    """For each class and gene, knots of the generated distribution and the knots they go to.

    Attributes:
        knots: (classes,) knots in use for a class; a class with fewer than two stays as generated.
        generated, real: (classes, MAX_KNOTS, genes) ascending.
    """

    knots: NDArray[np.int64]
    generated: Floats
    real: Floats

    @classmethod
    def measure(cls, scores: Floats, y: NDArray[np.int64], classes: int) -> ClassMarginals:
        """Knots of real patients' scores (n, genes); until `match` the curves map everything onto itself."""
        counts = np.bincount(y, minlength=classes)
        knots = np.minimum(counts // _PATIENTS_A_KNOT, MAX_KNOTS)
        real = np.zeros((classes, int(knots.max(initial=1)), scores.shape[1]), np.float32)
        for label in range(classes):
            if knots[label]:
                real[label, : knots[label]] = _knots(scores[y == label], knots[label])
        return cls(knots, real.copy(), real)

    def match(self, scores: Floats, y: NDArray[np.int64]) -> ClassMarginals:
        """The same, with the knots that generated scores (n, genes) have."""
        generated = self.generated.copy()
        for label in np.unique(y):
            if self.knots[label]:
                generated[label, : self.knots[label]] = _knots(scores[y == label], self.knots[label])
        return ClassMarginals(self.knots, generated, self.real)

    def apply(self, scores: Floats, y: NDArray[np.int64]) -> Floats:
        """Generated scores (n, genes) with each class's marginals set right."""
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
        """Everything the curves are, by name."""
        return {"knots": self.knots, "generated": self.generated, "real": self.real}

    @classmethod
    def of(cls, tensors: Mapping[str, Any]) -> ClassMarginals:
        """Curves from what `tensors` gave."""
        return cls(tensors["knots"], tensors["generated"], tensors["real"])


def _knots(scores: Floats, knots: int) -> Floats:
    return ascending(knot_means(np.sort(scores, axis=0), knots))
