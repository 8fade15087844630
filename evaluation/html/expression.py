"""The report's pictures of an expression cohort: the embedding, genes, gene correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.scale import log_expression
from cohortsmith.evaluation.html.environment import fill
from cohortsmith.evaluation.html.layout import gallery
from cohortsmith.evaluation.plots import genes as gene_figures
from cohortsmith.evaluation.plots import pca as figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import Estimate
    from cohortsmith.evaluation.html.layout import Section
    from cohortsmith.evaluation.spaces import Comparison

MOST_VALUES = 20_000_000  # values of a cohort held for the pictures


def facts(comparison: Comparison) -> dict[str, str]:
    """What the top of the report says of the genes."""
    return {"Genes": f"{len(comparison.features):,}"}


def pictures(estimates: Sequence[Estimate], comparison: Comparison) -> list[Section]:
    """Sections with the pictures of an expression cohort."""
    train, holdout, synthetic = (
        expression_side(getattr(comparison, name)) for name in ("train", "holdout", "synthetic")
    )
    names, classes = comparison.features, comparison.classes
    real = figures.Side(
        np.concatenate([train.z, holdout.z]),
        np.concatenate([train.y, holdout.y]),
        np.concatenate([train.subjects, holdout.subjects]),
        train.total + holdout.total,
    )
    found = next((e.detail.get("by_gene") for e in estimates if e.name == "wasserstein"), None)
    distance = np.asarray(found["value"], dtype=np.float64) if found else None
    thinned = [side for side in (train, holdout, synthetic) if len(side.z) < side.total]
    shown = f"Drawn from at most {max(len(side.z) for side in thinned):,} random samples per cohort." if thinned else ""
    embedding = gallery("patients", figures.scatter(train, holdout, synthetic, classes))
    worst = gallery("genes", gene_figures.genes(real, synthetic, names, distance))
    every = gallery("moments", gene_figures.moments(real, synthetic, names))
    maps = gallery("maps", gene_figures.correlations(train, holdout, synthetic, names))
    return [
        ("patients", "Embedding (PCA)", fill("report.html", "noted", shown, embedding)),
        ("genes", "Genes", fill("report.html", "genes", worst, every)),
        ("together", "Gene correlations", maps),
    ]


def expression_side(cohort: Cohort) -> figures.Side:
    """Log expression of a cohort, thinned before the conversion so that wide cohorts stay small."""
    most = max(100, min(figures.MOST_PATIENTS, MOST_VALUES // max(1, len(cohort.features))))
    rows = np.arange(len(cohort))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(len(cohort), most, replace=False))
    kept = cohort.take(rows)
    return figures.Side(log_expression(kept).astype(np.float64), kept.y, kept.subjects, len(cohort))
