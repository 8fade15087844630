"""`EXPRESSION_METRICS`: metrics of gene expression only. A new one is one entry here."""

from __future__ import annotations

from cohortsmith.data.kinds import EXPRESSION
from cohortsmith.evaluation.metrics.common import Metric
from cohortsmith.evaluation.metrics.expression import biology, gaps, rows, tight_pairs

_ONLY = (EXPRESSION,)
_BENJAMINI = "Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57:289"

EXPRESSION_METRICS: tuple[Metric, ...] = (
    Metric(
        name="tight_pairs",
        group="fidelity",
        direction="higher",
        bounds=(-1, 1),
        explanation="Mean correlation within classes of the genes that vary most tightly together in train: below the "
        "reference such pairs come apart.",
        source="Langfelder and Horvath 2008, WGCNA, BMC Bioinformatics 9:559",
        measure=tight_pairs.tight_pairs,
        kinds=_ONLY,
    ),
    Metric(
        name="row_features_auc",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="AUC of gradient boosting that tells synthetic from real patients by a few features of a row, such "
        "as the correlation with the next gene in the file: 0.5 is guessing.",
        source="Lopez-Paz and Oquab 2017, Classifier two-sample tests, ICLR",
        measure=rows.row_features_auc,
        kinds=_ONLY,
    ),
    Metric(
        name="impossible_values",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic patients with a value that train's law excludes: beyond its bounds, off its "
        "decimals, its fixed values, or its log2 of whole numbers.",
        source="Jordon et al. 2022, Synthetic data: what, why and how?, arXiv:2205.03257",
        measure=rows.impossible_values,
        kinds=_ONLY,
    ),
    Metric(
        name="gap_share",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic patients between two clusters of their class, such as two studies, where "
        "hardly any real patient lies.",
        source="Ashman, Bird and Zepf 1994, Astron. J. 108:2348",
        measure=gaps.gap_share,
        kinds=_ONLY,
    ),
    Metric(
        name="de_recall",
        group="utility",
        direction="higher",
        bounds=(0, 1),
        explanation="Share of the genes differentially expressed between classes in unseen real patients that "
        "synthetic patients show, too.",
        source=_BENJAMINI,
        measure=biology.de_recall,
        kinds=_ONLY,
    ),
    Metric(
        name="de_precision",
        group="utility",
        direction="higher",
        bounds=(0, 1),
        explanation="Share of the genes differentially expressed between classes in synthetic patients that "
        "unseen real patients show, too.",
        source=_BENJAMINI,
        measure=biology.de_precision,
        kinds=_ONLY,
    ),
    Metric(
        name="fold_change_slope",
        group="fidelity",
        direction="target",
        bounds=(None, None),
        explanation="Slope of synthetic on real fold changes between classes: below the reference differences are "
        "flattened, above it exaggerated.",
        source="Love et al. 2014, DESeq2, Genome Biol. 15:550",
        measure=biology.fold_change_slope,
        kinds=_ONLY,
    ),
    Metric(
        name="pathway_agreement",
        group="fidelity",
        direction="higher",
        bounds=(-1, 1),
        explanation="Correlation of real and synthetic classes' mean scores of modules of genes, which stand for "
        "pathways; with one class, of the correlations between modules.",
        source="Tomfohr et al. 2005, BMC Bioinformatics 6:225",
        measure=biology.pathway_agreement,
        kinds=_ONLY,
    ),
    Metric(
        name="attribution_agreement",
        group="utility",
        direction="higher",
        bounds=(0, 1),
        explanation="Share of the 50 genes with most weight that a classifier trained on synthetic patients has in "
        "common with one trained on real ones.",
        source="Krishna et al. 2022, The disagreement problem in explainable machine learning, arXiv:2202.01602",
        measure=biology.attribution_agreement,
        kinds=_ONLY,
    ),
)
