"""Sequences: the codec, the networks, and the families' objectives on sequences."""

from cohortsmith.generators.sequences.carriers import carrier_counts, without_rare_insertions
from cohortsmith.generators.sequences.codec import SequenceCodec
from cohortsmith.generators.sequences.contexts import SharedContexts
from cohortsmith.generators.sequences.groups import find_groups
from cohortsmith.generators.sequences.networks import SiteNetwork
from cohortsmith.generators.sequences.objectives import SequenceGANFamily, SequenceVAEFamily, SequenceWGANFamily

__all__ = [
    "SequenceCodec",
    "SequenceGANFamily",
    "SequenceVAEFamily",
    "SequenceWGANFamily",
    "SharedContexts",
    "SiteNetwork",
    "carrier_counts",
    "find_groups",
    "without_rare_insertions",
]
