"""`METRICS`: every figure of the scorecard, with what it means. A new metric is one entry here."""

from __future__ import annotations

from evaluation import genewise
from evaluation.estimate import Metric

METRICS: tuple[Metric, ...] = (
    Metric(
        name="js_divergence",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="How differently each gene's values are distributed, averaged over genes: 0 alike, 1 disjoint.",
        source="Lin 1991, IEEE Trans. Inf. Theory 37:145",
        measure=genewise.js_divergence,
    ),
    Metric(
        name="wasserstein",
        group="fidelity",
        direction="lower",
        bounds=(0, None),
        explanation="How far each gene's values must be moved to match the real ones, in standard deviations, averaged "
        "over genes.",
        source="Villani 2009, Optimal Transport, ch. 6",
        measure=genewise.wasserstein,
    ),
)
