"""`GeneScores`: each gene as a normal score, with its point masses preserved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri

from cohortsmith.generators.expression.monotone_curves import MIN_PATIENTS, Z_LIMIT, ascending, follow, knot_means

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MOST_GENE_KNOTS = 128
_REACH = 0.25  # of the distance between the outer knots
_ATOM_SHARE = 0.005  # a lowest or highest value of a larger share of patients is a point mass


@dataclass(frozen=True)
class GeneScores:
    """Rank-based normal scores per gene (van der Waerden), invertible, with point masses at both ends.

    A floor that many patients share (zeros, a detection limit) or a ceiling (saturation) is a point mass of probability
    `low_mass` or `high_mass`: encoding spreads its patients evenly over that share of the scores; decoding maps every
    score in that share to the floor (or ceiling).

    Attributes:
        low, high: (genes,) floor and ceiling; where there is no point mass, bounds outside the data.
        low_mass, high_mass: (genes,) their probabilities, zero where there is no point mass.
        values, scores: (knots, genes) the curve between; unused knots repeat the last one.
    """

    low: Floats
    high: Floats
    low_mass: Floats
    high_mass: Floats
    values: Floats
    scores: Floats

    @classmethod
    def fit(cls, x: Floats, limits: tuple[float, float] = (-np.inf, np.inf)) -> GeneScores:
        """Fit the curves to `x` (samples, genes); no value decodes to one beyond `limits`.

        Beyond its outer knots, means of five patients, a gene reaches a quarter of the way between them further, and
        never beyond the `limits`.
        """
        n, genes = x.shape
        atom = max(MIN_PATIENTS, int(np.ceil(_ATOM_SHARE * n)))
        most = int(np.clip(n // MIN_PATIENTS, 1, MOST_GENE_KNOTS))
        ordered = np.sort(x, axis=0)
        low, high = ordered[0].copy(), ordered[-1].copy()
        below, above = (x <= low).sum(axis=0), (x >= high).sum(axis=0)
        below[below < atom] = 0
        above[(above < atom) | (low == high)] = 0
        values, scores = np.zeros((most, genes), np.float32), np.zeros((most, genes), np.float32)
        for gene in range(genes):
            rest = ordered[below[gene] : n - above[gene], gene]
            if len(rest) < MIN_PATIENTS:
                # Values of only a few patients would identify them: the larger point mass absorbs them.
                first = below[gene] >= above[gene]
                below[gene], above[gene] = (n - above[gene], above[gene]) if first else (below[gene], n - below[gene])
                values[:, gene] = low[gene] if first else high[gene]
                continue
            knots = min(most, len(rest) // MIN_PATIENTS)
            shares = (below[gene] + np.arange(len(rest)) + 0.5) / n
            values[:knots, gene] = ascending(knot_means(rest, knots))
            scores[:knots, gene] = knot_means(ndtri(shares), knots)
            values[knots:, gene], scores[knots:, gene] = values[knots - 1, gene], scores[knots - 1, gene]
        reach = _REACH * np.ptp(values, axis=0)
        low = np.where(below > 0, low, np.maximum(values[0] - reach, limits[0])).astype(np.float32)
        high = np.where(above > 0, high, np.minimum(values[-1] + reach, limits[1])).astype(np.float32)
        return cls(low, high, (below / n).astype(np.float32), (above / n).astype(np.float32), values, scores)

    def encode(self, x: Floats, rng: np.random.Generator) -> Floats:
        """Scores of `x` (samples, genes); `rng` spreads patients at a point mass. A constant gene is zero."""
        out = np.zeros(x.shape, np.float32)
        for gene in np.flatnonzero(self.low_mass + self.high_mass < 1 - 1e-6):
            value, below, above = x[:, gene], float(self.low_mass[gene]), float(self.high_mass[gene])
            values, scores = self._curve(gene)
            score = np.clip(follow(value, values, scores), max(ndtri(below), -Z_LIMIT), min(ndtri(1 - above), Z_LIMIT))
            if below:
                floor = value <= self.low[gene]
                score[floor] = ndtri(rng.uniform(1e-4, 1, int(floor.sum())) * below)
            if above:
                ceiling = value >= self.high[gene]
                score[ceiling] = ndtri(1 - rng.uniform(1e-4, 1, int(ceiling.sum())) * above)
            out[:, gene] = score
        return np.clip(out, -Z_LIMIT, Z_LIMIT)

    def thresholds(self) -> tuple[Floats, Floats]:
        """Scores (genes,) below which a gene is at its floor, above which at its ceiling; infinite where it has none.

        A constant gene has neither.
        """
        varies = self.low_mass + self.high_mass < 1 - 1e-6
        low = np.where(varies, ndtri(self.low_mass), -np.inf)
        high = np.where(varies, ndtri(1 - self.high_mass), np.inf)
        return low.astype(np.float32), high.astype(np.float32)

    def decode(self, scores: Floats) -> Floats:
        """Values (samples, genes) of scores: never below the floor or above the ceiling."""
        out = np.empty(scores.shape, np.float32)
        shares = ndtr(scores)
        clipped = np.clip(scores, -Z_LIMIT, Z_LIMIT)
        for gene in range(scores.shape[1]):
            values, knots = self._curve(gene)
            value = np.clip(follow(clipped[:, gene], knots, values), self.low[gene], self.high[gene])
            value[shares[:, gene] < self.low_mass[gene]] = self.low[gene]
            value[shares[:, gene] > 1 - self.high_mass[gene]] = self.high[gene]
            out[:, gene] = value
        return out

    def tensors(self) -> dict[str, Floats]:
        """The curves' arrays by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def of(cls, tensors: Mapping[str, Any]) -> GeneScores:
        """Curves from the arrays that `tensors` returned."""
        return cls(**{name: np.asarray(tensors[name], np.float32) for name in cls.__dataclass_fields__})

    def _curve(self, gene: int | np.integer) -> tuple[Floats, Floats]:
        values, scores = self.values[:, gene], self.scores[:, gene]
        used = int(np.searchsorted(scores, scores[-1])) + 1
        return values[:used], scores[:used]
