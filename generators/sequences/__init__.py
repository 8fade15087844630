"""Sequences: the codec, the networks, and the families' objectives on sequences."""

from cohortsmith.generators.sequences.carriers import without_rare_insertions
from cohortsmith.generators.sequences.codec import SequenceCodec
from cohortsmith.generators.sequences.networks import SiteNetwork
from cohortsmith.generators.sequences.objectives import SequenceGANFamily, SequenceVAEFamily, SequenceWGANFamily

__all__ = [
    "SequenceCodec",
    "SequenceGANFamily",
    "SequenceVAEFamily",
    "SequenceWGANFamily",
    "SiteNetwork",
    "without_rare_insertions",
]
