"""Metrics of sequences: positions, variants, reading frame, identity, novelty."""

from cohortsmith.evaluation.metrics.sequences.blast import blast_identity, require_blastn
from cohortsmith.evaluation.metrics.sequences.novelty import Unseen, unseen_variants
from cohortsmith.evaluation.metrics.sequences.registry import SEQUENCE_METRICS
from cohortsmith.evaluation.metrics.sequences.variant_table import variant_rows

__all__ = ["SEQUENCE_METRICS", "Unseen", "blast_identity", "require_blastn", "unseen_variants", "variant_rows"]
