"""`SEQUENCE_METRICS`: figures that only sequences have. A new one is one entry here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from evaluation import copies, identity, membership, neighbours
from evaluation.estimate import Metric

if TYPE_CHECKING:
    from data.cohort import Kind

_ONLY: tuple[Kind, ...] = ("sequence",)
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
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic sequences that equal a train patient's; what exceeds the real figure was "
        "copied, since wild types are equal anyway.",
        source="Platzer and Reutterer 2021, Front. Big Data 4:679939",
        measure=copies.exact_matches,
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
