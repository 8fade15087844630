"""`METRICS`: every figure of the scorecard, with what it means. A new metric is one entry here."""

from __future__ import annotations

from functools import partial

from cohortsmith.data.kinds import EXPRESSION, IMAGE, KINDS
from cohortsmith.evaluation.metrics.common import Metric, discriminator, membership
from cohortsmith.evaluation.metrics.common import closest_record as copies
from cohortsmith.evaluation.metrics.common import joint as distribution
from cohortsmith.evaluation.metrics.common import per_gene as genewise
from cohortsmith.evaluation.metrics.common import precision_recall as neighbours
from cohortsmith.evaluation.metrics.common import tstr as utility
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
    Metric(
        name="sliced_wasserstein",
        group="fidelity",
        direction="lower",
        bounds=(0, None),
        explanation="How far whole profiles must be moved to match the real ones, over random directions through gene "
        "space.",
        source="Bonneel et al. 2015, J. Math. Imaging Vis. 51:22",
        measure=distribution.sliced_wasserstein,
    ),
    Metric(
        name="mmd",
        group="fidelity",
        direction="lower",
        bounds=(None, 2),
        explanation="How far apart real and synthetic profiles are on average under a Gaussian kernel: about 0 when "
        "alike.",
        source="Gretton et al. 2012, JMLR 13:723",
        measure=distribution.mmd,
        kinds=EVERY,
    ),
    Metric(
        name="correlation",
        group="fidelity",
        direction="higher",
        bounds=(-1, 1),
        explanation="Whether genes that move together in real patients do so in synthetic ones: 1 when all do.",
        source="Goncalves et al. 2020, BMC Med. Res. Methodol. 20:108",
        measure=distribution.correlation,
    ),
    Metric(
        name="precision",
        group="fidelity",
        direction="higher",
        bounds=(0, 1),
        explanation="Share of synthetic patients that could be real: they lie among real neighbours.",
        source=_KYNKAANNIEMI,
        measure=neighbours.precision,
        kinds=EVERY,
    ),
    Metric(
        name="recall",
        group="fidelity",
        direction="higher",
        bounds=(0, 1),
        explanation="Share of real patients that the generator could have made: they lie among synthetic neighbours.",
        source=_KYNKAANNIEMI,
        measure=neighbours.recall,
        kinds=EVERY,
    ),
    Metric(
        name="density",
        group="fidelity",
        direction="higher",
        bounds=(0, None),
        explanation="How crowded with real patients the places are where synthetic ones lie; above the real figure "
        "when the generator keeps to the middle.",
        source=_NAEEM,
        measure=neighbours.density,
        kinds=EVERY,
    ),
    Metric(
        name="coverage",
        group="fidelity",
        direction="higher",
        bounds=(0, 1),
        explanation="Share of real patients that have a synthetic one among their nearest neighbours.",
        source=_NAEEM,
        measure=neighbours.coverage,
        kinds=EVERY,
    ),
    Metric(
        name="frechet",
        group="fidelity",
        direction="lower",
        bounds=(0, None),
        explanation="How far mean and spread of synthetic profiles are from the real ones in train's principal "
        "components, of images in what a network learnt from train.",
        source="Heusel et al. 2017, Two time-scale update rule, NeurIPS",
        measure=distribution.frechet,
        kinds=EVERY,
    ),
    Metric(
        name="discriminator_auc",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="How well gradient boosting tells synthetic from unseen real patients: 0.5 not at all, 1 always.",
        source=_LOPEZ_PAZ,
        measure=discriminator.discriminator_auc,
        kinds=EVERY,
    ),
    Metric(
        name="discriminator_accuracy",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of patients that the same gradient boosting calls rightly real or synthetic.",
        source=_LOPEZ_PAZ,
        measure=discriminator.discriminator_accuracy,
        kinds=EVERY,
    ),
    Metric(
        name="discriminator_auc_linear",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="How well logistic regression tells synthetic from unseen real patients; it sees means only.",
        source=_LOPEZ_PAZ,
        measure=discriminator.discriminator_auc_linear,
        kinds=EVERY,
    ),
    Metric(
        name="adversarial_accuracy",
        group="fidelity",
        direction="target",
        bounds=(0, 1),
        explanation="Whether nearest neighbours give real and synthetic away: 0.5 mixed, 1 apart, 0 copied.",
        source="Yale et al. 2020, Neurocomputing 416:244",
        measure=neighbours.adversarial_accuracy,
        kinds=EVERY,
    ),
    Metric(
        name="tstr",
        group="utility",
        direction="higher",
        bounds=(0, 1),
        explanation="Accuracy on unseen real patients of a classifier that learnt from synthetic ones only.",
        source=_ESTEBAN,
        measure=utility.tstr,
        kinds=EVERY,
    ),
    Metric(
        name="trts",
        group="utility",
        direction="target",
        bounds=(0, 1),
        explanation="Accuracy on synthetic patients of a classifier that learnt from real ones: above the real figure "
        "they are caricatures.",
        source=_ESTEBAN,
        measure=utility.trts,
        kinds=EVERY,
    ),
    Metric(
        name="exact_copies",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic patients that are a real patient of train, value for value.",
        source="Platzer and Reutterer 2021, Front. Big Data 4:679939",
        measure=copies.exact_copies,
        kinds=(EXPRESSION, IMAGE),
    ),
    Metric(
        name="dcr",
        group="privacy",
        direction="target",
        bounds=(0, None),
        explanation="How far a synthetic patient is from the closest train patient; much below unseen real patients, "
        "it is a near-copy.",
        source="Zhao et al. 2021, CTAB-GAN, ACML",
        measure=copies.dcr,
        kinds=EVERY,
    ),
    Metric(
        name="dcr_share",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic patients closer to a train than to an unseen patient: 0.5 when train gives "
        "nothing away.",
        source="Platzer and Reutterer 2021, Front. Big Data 4:679939",
        measure=copies.dcr_share,
        kinds=EVERY,
    ),
    Metric(
        name="nndr",
        group="privacy",
        direction="target",
        bounds=(0, 1),
        explanation="Distance to the closest over the second closest train patient: near 0 it sits on one person.",
        source="Zhao et al. 2021, CTAB-GAN, ACML",
        measure=copies.nndr,
        kinds=EVERY,
    ),
    Metric(
        name="gan_leaks_auc",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="How well nearness to synthetic patients tells who was in train: 0.5 not at all.",
        source=_CHEN,
        measure=partial(membership.attack_auc, attack="gan_leaks"),
        kinds=EVERY,
    ),
    Metric(
        name="gan_leaks_tpr",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of train patients found by nearness while 1 % of others are wrongly accused.",
        source=f"{_CHEN}; {_CARLINI}",
        measure=partial(membership.attack_tpr, attack="gan_leaks"),
    ),
    Metric(
        name="gan_leaks_calibrated_auc",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="The same attack by an attacker who knows how near other real patients usually come.",
        source=_CHEN,
        measure=partial(membership.attack_auc, attack="gan_leaks_calibrated"),
        kinds=EVERY,
    ),
    Metric(
        name="gan_leaks_calibrated_tpr",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of train patients the calibrated attack finds while 1 % of others are wrongly accused.",
        source=f"{_CHEN}; {_CARLINI}",
        measure=partial(membership.attack_tpr, attack="gan_leaks_calibrated"),
    ),
    Metric(
        name="domias_auc",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="How well local over-density of synthetic patients tells who was in train: 0.5 not at all.",
        source="van Breugel et al. 2023, DOMIAS, AISTATS",
        measure=partial(membership.attack_auc, attack="domias"),
        kinds=EVERY,
    ),
    Metric(
        name="domias_tpr",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of train patients found by over-density while 1 % of others are wrongly accused.",
        source=f"van Breugel et al. 2023, DOMIAS, AISTATS; {_CARLINI}",
        measure=partial(membership.attack_tpr, attack="domias"),
    ),
)

_GROUPS = ("fidelity", "utility", "privacy")
METRICS: tuple[Metric, ...] = tuple(
    sorted((*_PROFILES, *SEQUENCE_METRICS, *IMAGE_METRICS), key=lambda metric: _GROUPS.index(metric.group))
)
