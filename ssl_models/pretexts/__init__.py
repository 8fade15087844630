"""Self-supervised pretext tasks on expression profiles and sequences, one file per method, and their base class."""

from cohortsmith.ssl_models.pretexts.base import BACKBONE, Pretext
from cohortsmith.ssl_models.pretexts.corrupted_genes import CorruptedGenes, Scarf
from cohortsmith.ssl_models.pretexts.masked_genes import MaskedGenes, Vime
from cohortsmith.ssl_models.pretexts.subtab import SubTab
from cohortsmith.ssl_models.pretexts.tokens import MaskedToken, NextToken

__all__ = [
    "BACKBONE",
    "CorruptedGenes",
    "MaskedGenes",
    "MaskedToken",
    "NextToken",
    "Pretext",
    "Scarf",
    "SubTab",
    "Vime",
]
