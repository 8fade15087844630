"""`METRICS`: every metric of the scorecard, with its meaning. A new metric is one entry here."""

from __future__ import annotations

from functools import partial

from cohortsmith.data.kinds import EXPRESSION, IMAGE, KINDS
from cohortsmith.evaluation.metrics.common import (
    Metric,
    closest_record,
    discriminator,
    joint,
    membership,
    per_gene,
    precision_recall,
    tstr,
)
from cohortsmith.evaluation.metrics.expression import EXPRESSION_METRICS
from cohortsmith.evaluation.metrics.images import IMAGE_METRICS
from cohortsmith.evaluation.metrics.sequences import SEQUENCE_METRICS

_CHEN = "Chen et al. 2020, GAN-Leaks, CCS"
_KYNKAANNIEMI = "Kynkaanniemi et al. 2019, Improved precision and recall, NeurIPS"
_NAEEM = "Naeem et al. 2020, Reliable fidelity and diversity metrics, ICML"
_ESTEBAN = "Esteban et al. 2017, Recurrent conditional GANs, arXiv:1706.02633"
_LOPEZ_PAZ = "Lopez-Paz and Oquab 2017, Classifier two-sample tests, ICLR"
_CARLINI = "Carlini et al. 2022, Membership inference from first principles, IEEE S&P"

EVERY = KINDS.keys()

_PROFILES: tuple[Metric, ...] = (
    Metric(
        name="js_divergence",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="Divergence of the distributions of each gene's values, averaged over genes: 0 equal, 1 disjoint.",
        source="Lin 1991, IEEE Trans. Inf. Theory 37:145",
        measure=per_gene.js_divergence,
    ),
    Metric(
        name="wasserstein",
        group="fidelity",
        direction="lower",
        bounds=(0, None),
        explanation="Distance of the distributions of each gene's values, in standard deviations, averaged over genes.",
        source="Villani 2009, Optimal Transport, ch. 6",
        measure=per_gene.wasserstein,
    ),
    Metric(
        name="sliced_wasserstein",
        group="fidelity",
        direction="lower",
        bounds=(0, None),
        explanation="Distance of the distributions of whole profiles, averaged over random directions in gene space.",
        source="Bonneel et al. 2015, J. Math. Imaging Vis. 51:22",
        measure=joint.sliced_wasserstein,
    ),
    Metric(
        name="mmd",
        group="fidelity",
        direction="lower",
        bounds=(None, 2),
        explanation="Maximum mean discrepancy of real and synthetic profiles with a Gaussian kernel: about 0 for equal "
        "distributions.",
        source="Gretton et al. 2012, JMLR 13:723",
        measure=joint.mmd,
        kinds=EVERY,
    ),
    Metric(
        name="correlation",
        group="fidelity",
        direction="higher",
        bounds=(-1, 1),
        explanation="Agreement of the gene-gene correlations of real and synthetic patients: 1 when proportional.",
        source="Goncalves et al. 2020, BMC Med. Res. Methodol. 20:108",
        measure=joint.correlation,
    ),
    Metric(
        name="precision",
        group="fidelity",
        direction="higher",
        bounds=(0, 1),
        explanation="Share of synthetic patients within the manifold of real ones: fidelity.",
        source=_KYNKAANNIEMI,
        measure=precision_recall.precision,
        kinds=EVERY,
    ),
    Metric(
        name="recall",
        group="fidelity",
        direction="higher",
        bounds=(0, 1),
        explanation="Share of real patients within the manifold of synthetic ones: diversity.",
        source=_KYNKAANNIEMI,
        measure=precision_recall.recall,
        kinds=EVERY,
    ),
    Metric(
        name="density",
        group="fidelity",
        direction="higher",
        bounds=(0, None),
        explanation="Mean number of real neighbourhoods that a synthetic patient lies in, over k; above the reference "
        "when the generator favours the centre of the distribution.",
        source=_NAEEM,
        measure=precision_recall.density,
        kinds=EVERY,
    ),
    Metric(
        name="coverage",
        group="fidelity",
        direction="higher",
        bounds=(0, 1),
        explanation="Share of real patients that have a synthetic one among their nearest neighbours.",
        source=_NAEEM,
        measure=precision_recall.coverage,
        kinds=EVERY,
    ),
    Metric(
        name="frechet",
        group="fidelity",
        direction="lower",
        bounds=(0, None),
        explanation="Distance of the means and covariances of real and synthetic profiles in train's principal "
        "components; for images, on features of a network trained on train.",
        source="Heusel et al. 2017, Two time-scale update rule, NeurIPS",
        measure=joint.frechet,
        kinds=EVERY,
    ),
    Metric(
        name="discriminator_auc",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="AUC of gradient boosting that distinguishes synthetic from unseen real patients: 0.5 is guessing.",
        source=_LOPEZ_PAZ,
        measure=discriminator.discriminator_auc,
        kinds=EVERY,
    ),
    Metric(
        name="discriminator_accuracy",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of patients that the same gradient boosting classifies correctly as real or synthetic.",
        source=_LOPEZ_PAZ,
        measure=discriminator.discriminator_accuracy,
        kinds=EVERY,
    ),
    Metric(
        name="discriminator_auc_linear",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="AUC of logistic regression that distinguishes synthetic from unseen real patients: 0.5 is "
        "guessing; it detects linear differences only.",
        source=_LOPEZ_PAZ,
        measure=discriminator.discriminator_auc_linear,
        kinds=EVERY,
    ),
    Metric(
        name="adversarial_accuracy",
        group="fidelity",
        direction="target",
        bounds=(0, 1),
        explanation="Share of patients whose nearest neighbour is of their own side: 0.5 mixed, 1 separate, 0 copied.",
        source="Yale et al. 2020, Neurocomputing 416:244",
        measure=precision_recall.adversarial_accuracy,
        kinds=EVERY,
    ),
    Metric(
        name="tstr",
        group="utility",
        direction="higher",
        bounds=(0, 1),
        explanation="Accuracy on unseen real patients of a classifier trained on synthetic ones only.",
        source=_ESTEBAN,
        measure=tstr.tstr,
        kinds=EVERY,
    ),
    Metric(
        name="trts",
        group="utility",
        direction="target",
        bounds=(0, 1),
        explanation="Accuracy on synthetic patients of a classifier trained on real ones: above the reference the "
        "classes are exaggerated.",
        source=_ESTEBAN,
        measure=tstr.trts,
        kinds=EVERY,
    ),
    Metric(
        name="exact_copies",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic patients that equal a train patient in every value.",
        source="Platzer and Reutterer 2021, Front. Big Data 4:679939",
        measure=closest_record.exact_copies,
        kinds=(EXPRESSION, IMAGE),
    ),
    Metric(
        name="dcr",
        group="privacy",
        direction="target",
        bounds=(0, None),
        explanation="Distance of a synthetic patient to the closest train patient; far below that of unseen real "
        "patients, it is a near-copy.",
        source="Zhao et al. 2021, CTAB-GAN, ACML",
        measure=closest_record.dcr,
        kinds=EVERY,
    ),
    Metric(
        name="dcr_share",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic patients closer to a train patient than to an unseen one: 0.5 without "
        "memorisation.",
        source="Platzer and Reutterer 2021, Front. Big Data 4:679939",
        measure=closest_record.dcr_share,
        kinds=EVERY,
    ),
    Metric(
        name="nndr",
        group="privacy",
        direction="target",
        bounds=(0, 1),
        explanation="Ratio of the distances to the closest and second closest train patient: near 0 for a near-copy.",
        source="Zhao et al. 2021, CTAB-GAN, ACML",
        measure=closest_record.nndr,
        kinds=EVERY,
    ),
    Metric(
        name="gan_leaks_auc",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="AUC of membership inference by distance to synthetic patients: 0.5 is guessing.",
        source=_CHEN,
        measure=partial(membership.attack_auc, attack="gan_leaks"),
        kinds=EVERY,
    ),
    Metric(
        name="gan_leaks_tpr",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="True-positive rate of the same attack at a false-positive rate of 1 %.",
        source=f"{_CHEN}; {_CARLINI}",
        measure=partial(membership.attack_tpr, attack="gan_leaks"),
    ),
    Metric(
        name="gan_leaks_calibrated_auc",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="AUC of the same attack, calibrated by the distance to other real patients.",
        source=_CHEN,
        measure=partial(membership.attack_auc, attack="gan_leaks_calibrated"),
        kinds=EVERY,
    ),
    Metric(
        name="gan_leaks_calibrated_tpr",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="True-positive rate of the calibrated attack at a false-positive rate of 1 %.",
        source=f"{_CHEN}; {_CARLINI}",
        measure=partial(membership.attack_tpr, attack="gan_leaks_calibrated"),
    ),
    Metric(
        name="domias_auc",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="AUC of membership inference by local overdensity of synthetic patients: 0.5 is guessing.",
        source="van Breugel et al. 2023, DOMIAS, AISTATS",
        measure=partial(membership.attack_auc, attack="domias"),
        kinds=EVERY,
    ),
    Metric(
        name="domias_tpr",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="True-positive rate of the same attack at a false-positive rate of 1 %.",
        source=f"van Breugel et al. 2023, DOMIAS, AISTATS; {_CARLINI}",
        measure=partial(membership.attack_tpr, attack="domias"),
    ),
)

_GROUPS = ("fidelity", "utility", "privacy")
METRICS: tuple[Metric, ...] = tuple(
    sorted(
        (*_PROFILES, *EXPRESSION_METRICS, *SEQUENCE_METRICS, *IMAGE_METRICS),
        key=lambda metric: _GROUPS.index(metric.group),
    )
)
# Areas under the ROC curve of every attack on membership: the strongest of them is what a report shows.
ATTACK_AUCS: frozenset[str] = frozenset(
    metric.name
    for metric in METRICS
    if getattr(metric.measure, "func", metric.measure) in (membership.attack_auc, membership.attack_auc_unique)
)
