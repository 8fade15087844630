"""`SEQUENCE_METRICS`: figures that only sequences have. A new one is one entry here."""

from __future__ import annotations

from functools import partial

from cohortsmith.data.kinds import SEQUENCE
from cohortsmith.evaluation.metrics.common import Metric, membership
from cohortsmith.evaluation.metrics.common import closest_record as copies
from cohortsmith.evaluation.metrics.common import precision_recall as neighbours
from cohortsmith.evaluation.metrics.sequences import identity
from cohortsmith.evaluation.metrics.sequences import positions as sequencewise
from cohortsmith.evaluation.metrics.sequences import reading_frame as frames
from cohortsmith.evaluation.metrics.sequences import variants as variant_metrics

_ONLY = (SEQUENCE,)
_YALE = "Yale et al. 2020, Neurocomputing 416:244"

SEQUENCE_METRICS: tuple[Metric, ...] = (
    Metric(
        name="identity",
        group="fidelity",
        direction="target",
        bounds=(0, 100),
        explanation="How alike a synthetic patient and its best hit among train patients are, in percent of alignment "
        "columns: about the real figure is right, 100 is a copy.",
        source="Camacho et al. 2009, BLAST+, BMC Bioinformatics 10:421",
        measure=identity.identity,
        kinds=_ONLY,
    ),
    Metric(
        name="position_js",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="How differently the bases at each variable position are distributed, averaged over positions: 0 "
        "alike, 1 disjoint.",
        source="Lin 1991, IEEE Trans. Inf. Theory 37:145",
        measure=sequencewise.position_js,
        kinds=_ONLY,
    ),
    Metric(
        name="position_wasserstein",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of patients whose base would have to change at a variable position to match the real ones, "
        "averaged over positions.",
        source="Villani 2009, Optimal Transport, ch. 6",
        measure=sequencewise.position_wasserstein,
        kinds=_ONLY,
    ),
    Metric(
        name="allele_correlation",
        group="fidelity",
        direction="higher",
        bounds=(-1, 1),
        explanation="Whether variants that are frequent in real patients are so in synthetic ones: 1 when all are.",
        source="Yelmen et al. 2021, PLoS Genet. 17:e1009303",
        measure=sequencewise.allele_correlation,
        kinds=_ONLY,
    ),
    Metric(
        name="kmer_js_3",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="How differently words of 3 bases are distributed in the two cohorts: 0 alike, 1 disjoint.",
        source="Sims et al. 2009, PNAS 106:2677",
        measure=partial(sequencewise.kmer_js, k=3),
        kinds=_ONLY,
    ),
    Metric(
        name="kmer_js_6",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="How differently words of 6 bases are distributed in the two cohorts: 0 alike, 1 disjoint.",
        source="Sims et al. 2009, PNAS 106:2677",
        measure=partial(sequencewise.kmer_js, k=6),
        kinds=_ONLY,
    ),
    Metric(
        name="linkage",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="How differently variants occur together: the mean difference of linkage r2 over pairs of shared "
        "variants, 0 when alike.",
        source="Hill and Robertson 1968, Theor. Appl. Genet. 38:226",
        measure=sequencewise.linkage,
        kinds=_ONLY,
    ),
    Metric(
        name="called_class",
        group="fidelity",
        direction="higher",
        bounds=(0, 1),
        explanation="Share of synthetic patients whose sequence, read back, has the class that was asked for.",
        source="den Dunnen et al. 2016, HGVS recommendations, Hum. Mutat. 37:564",
        measure=variant_metrics.called_class,
        kinds=_ONLY,
    ),
    Metric(
        name="missense_share",
        group="fidelity",
        direction="target",
        bounds=(0, 1),
        explanation="Share of the variants that change the protein which change one amino acid.",
        source="Olivier et al. 2010, Cold Spring Harb. Perspect. Biol. 2:a001008",
        measure=partial(variant_metrics.effect_share, kind="missense"),
        kinds=_ONLY,
    ),
    Metric(
        name="nonsense_share",
        group="fidelity",
        direction="target",
        bounds=(0, 1),
        explanation="Share of the variants that change the protein which end the protein early by a stop codon.",
        source="Olivier et al. 2010, Cold Spring Harb. Perspect. Biol. 2:a001008",
        measure=partial(variant_metrics.effect_share, kind="nonsense"),
        kinds=_ONLY,
    ),
    Metric(
        name="frameshift_share",
        group="fidelity",
        direction="target",
        bounds=(0, 1),
        explanation="Share of the variants that change the protein which shift the reading frame.",
        source="Olivier et al. 2010, Cold Spring Harb. Perspect. Biol. 2:a001008",
        measure=partial(variant_metrics.effect_share, kind="frameshift"),
        kinds=_ONLY,
    ),
    Metric(
        name="ti_tv",
        group="fidelity",
        direction="target",
        bounds=(0, None),
        explanation="Transitions (A and G, C and T swapped) for each transversion: 0.5 for changes at random.",
        source="Collins and Jukes 1994, Genomics 20:386",
        measure=variant_metrics.ti_tv,
        kinds=_ONLY,
    ),
    Metric(
        name="cpg_share",
        group="fidelity",
        direction="target",
        bounds=(0, 1),
        explanation="Share of substitutions that are the decay of a methylated CpG, the commonest mutation of all.",
        source="Alexandrov et al. 2013, Nature 500:415",
        measure=variant_metrics.cpg_share,
        kinds=_ONLY,
    ),
    Metric(
        name="hotspot_share",
        group="fidelity",
        direction="target",
        bounds=(0, 1),
        explanation="Share of variants that stand at one of the ten commonest places of train.",
        source="Olivier et al. 2010, Cold Spring Harb. Perspect. Biol. 2:a001008",
        measure=variant_metrics.hotspot_share,
        kinds=_ONLY,
    ),
    Metric(
        name="novel_variants",
        group="fidelity",
        direction="target",
        bounds=(0, 1),
        explanation="Share of variants that no train patient has: 0 is copying, far above real is invention.",
        source="Yelmen et al. 2021, PLoS Genet. 17:e1009303",
        measure=variant_metrics.novel_variants,
        kinds=_ONLY,
    ),
    Metric(
        name="reading_frame",
        group="fidelity",
        direction="target",
        bounds=(0, 1),
        explanation="Share of synthetic patients whose coding sequence keeps its reading frame.",
        source="Olivier et al. 2010, Cold Spring Harb. Perspect. Biol. 2:a001008",
        measure=frames.reading_frame,
        kinds=_ONLY,
    ),
    Metric(
        name="premature_stop",
        group="fidelity",
        direction="target",
        bounds=(0, 1),
        explanation="Share of synthetic patients whose protein ends before its last codon.",
        source="Olivier et al. 2010, Cold Spring Harb. Perspect. Biol. 2:a001008",
        measure=frames.premature_stop,
        kinds=_ONLY,
    ),
    Metric(
        name="adversarial_accuracy_real",
        group="fidelity",
        direction="target",
        bounds=(0, 1),
        explanation="Share of real patients whose nearest synthetic patient is farther than their nearest real one.",
        source=_YALE,
        measure=partial(neighbours.adversarial_term, term=0),
        kinds=_ONLY,
    ),
    Metric(
        name="adversarial_accuracy_synthetic",
        group="fidelity",
        direction="target",
        bounds=(0, 1),
        explanation="Share of synthetic patients nearer to another synthetic patient than to a real one.",
        source=_YALE,
        measure=partial(neighbours.adversarial_term, term=1),
        kinds=_ONLY,
    ),
    Metric(
        name="exact_matches",
        group="fidelity",
        direction="target",
        bounds=(0, 1),
        explanation="Share of synthetic sequences that equal a train patient's: as many as of new real patients is "
        "right, since wild types are equal anyway.",
        source="Platzer and Reutterer 2021, Front. Big Data 4:679939",
        measure=copies.exact_matches,
        kinds=_ONLY,
    ),
    Metric(
        name="unique_matches",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic sequences that equal the sequence of one train patient alone: what exceeds the "
        "real figure was copied.",
        source="Platzer and Reutterer 2021, Front. Big Data 4:679939",
        measure=copies.unique_matches,
        kinds=_ONLY,
    ),
    Metric(
        name="attack_auc_unique",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="How well the best attack tells who was in train among those whose sequence nobody else has: 0.5 "
        "not at all.",
        source="Chen et al. 2020, GAN-Leaks, CCS; van Breugel et al. 2023, DOMIAS, AISTATS",
        measure=membership.attack_auc_unique,
        kinds=_ONLY,
    ),
)
