"""`ExpressionView`: profiles of gene expression, each gene standardised by train."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from cohortsmith.data.scale import log_expression
from cohortsmith.evaluation.core import Stream
from cohortsmith.evaluation.spaces.kind_view import COMPONENTS, KindView, Sides, Space, Words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import Matrix

GENES = 200  # of wide data, which gradient boosting reads beside principal components
COLUMNS_AT_A_TIME = 200


class ExpressionView(KindView):
    """Profiles are log values standardised by train; structureless is an independent N(mean, sd) per gene."""

    words: ClassVar[Words] = Words(
        profiles="genes",
        half="half of the genes",
        sought="values of genes within 0.1 standard deviations",
        known="half of the genes",
        secret="values of the other genes",
        score="share of the variance",
    )
    column: ClassVar[str] = "gene"

    @cached_property
    def log_train(self) -> Matrix:
        """Train on the log scale, (n, genes)."""
        return np.asarray(log_expression(self.train), dtype=np.float32)

    @cached_property
    def location(self) -> Matrix:
        """Train's mean of each gene on the log scale, (genes,)."""
        return np.asarray(self.log_train.mean(axis=0, dtype=np.float64), dtype=np.float32)

    @cached_property
    def spread(self) -> Matrix:
        """Train's standard deviation of each gene on the log scale, (genes,); 1 for a gene constant in train."""
        sd = self.log_train.std(axis=0, dtype=np.float64)
        return np.where(sd > 1e-6, sd, 1.0).astype(np.float32)

    def profiles(self, cohort: Cohort) -> Matrix:
        """Log values, each gene standardised by train, (n, genes)."""
        values = self.log_train if cohort is self.train else log_expression(cohort)
        return np.asarray((values - self.location) / self.spread, dtype=np.float32)

    def structureless(self, n: int, seed: int) -> Matrix:
        """N(0, 1) for every gene, independently, (n, genes)."""
        rng = np.random.default_rng([seed, Stream.STRUCTURELESS])
        return rng.standard_normal((n, len(self.train.features)), dtype=np.float32)

    def discriminated(self, limit: int, seed: int) -> tuple[Sides, tuple[str, ...]]:
        """Profiles with all genes."""
        draw = self.draw(limit, seed)
        return Sides(draw.real, draw.synthetic, draw.reference), self.train.features

    def boosted(self, limit: int, seed: int) -> Sides:
        """The draw itself, or for wide data components of the two sides compared and 200 random genes."""
        draw = self.draw(limit, seed)
        genes = np.arange(draw.real.shape[1])
        if len(genes) <= GENES + COMPONENTS:
            return Sides(draw.real, draw.synthetic, draw.reference)
        codes = self.pooled_components(limit, seed)
        genes = np.sort(np.random.default_rng([seed, Stream.BOOSTED_GENES]).choice(len(genes), GENES, replace=False))
        values = (draw.real, draw.synthetic, draw.reference, draw.real)
        return Sides(*(np.hstack([code, x[:, genes]]) for code, x in zip(codes, values, strict=True)))

    def membership_spaces(self) -> Iterator[Space]:
        """Profiles, and genes aligned by their quantiles: a copy may be transformed, or come from another hospital."""
        yield from super().membership_spaces()
        yield Space(
            "genes, quantile-aligned", lambda side, rows, _: self.aligned_genes(side)[rows], by_distance_only=True
        )

    def aligned_genes(self, side: str) -> Matrix:
        """`normal_scores` within "train", "holdout" or "synthetic", (n, genes)."""
        return self.memo(("aligned genes", side), lambda: normal_scores(getattr(self, side).x))


def normal_scores(x: Matrix) -> Matrix:
    """Each column replaced by the normal scores of its ranks, (n, d) float32; equal values get their mean rank.

    Blom's scores, the normal quantile of (rank - 3/8) / (n + 1/4) (Blom 1958, Statistical Estimates and Transformed
    Beta-Variables). A column has the same scores before and after any increasing transformation. Columns are ranked in
    blocks, which keeps the memory for ranks small.
    """
    scores = np.empty(x.shape, dtype=np.float32)
    for start in range(0, x.shape[1], COLUMNS_AT_A_TIME):
        columns = slice(start, start + COLUMNS_AT_A_TIME)
        scores[:, columns] = ndtri((rankdata(x[:, columns], axis=0) - 0.375) / (len(x) + 0.25))
    return scores
