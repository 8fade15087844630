"""The report's pictures of an expression cohort: where patients lie, genes, genes together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.scale import log_expression
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
    sections = [
        ("patients", "Patients", gallery("patients", figures.scatter(train, holdout, synthetic, classes))),
        (
            "genes",
            "Genes",
            gallery("genes", gene_figures.genes(real, synthetic, names, distance))
            + "<h3>All genes</h3>"
            + gallery("moments", gene_figures.moments(real, synthetic, names)),
        ),
        ("together", "Genes together", gallery("maps", gene_figures.correlations(train, holdout, synthetic, names))),
    ]
    thinned = [side for side in (train, holdout, synthetic) if len(side.z) < side.total]
    if thinned:
        shown = f"Pictures are drawn from at most {max(len(side.z) for side in thinned):,} samples a cohort, chosen at "
        sections[0] = (*sections[0][:2], f'<p class="note">{shown}random.</p>' + sections[0][2])
    return sections


def expression_side(cohort: Cohort) -> figures.Side:
    """Log expression of a cohort, thinned before the conversion so that wide cohorts stay small."""
    most = max(100, min(figures.MOST_PATIENTS, MOST_VALUES // max(1, len(cohort.features))))
    rows = np.arange(len(cohort))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(len(cohort), most, replace=False))
    kept = cohort.take(rows)
    return figures.Side(log_expression(kept).astype(np.float64), kept.y, kept.subjects, len(cohort))
