"""Self-supervised pretext tasks on images, one file per method."""

from cohortsmith.ssl_models.pretexts.images.aim import NextPatches
from cohortsmith.ssl_models.pretexts.images.mae import MaskedPatches
from cohortsmith.ssl_models.pretexts.images.moco import MoCo
from cohortsmith.ssl_models.pretexts.images.puzzles import Flip, Permutation, Rotation
from cohortsmith.ssl_models.pretexts.images.simclr import SimCLR

__all__ = ["Flip", "MaskedPatches", "MoCo", "NextPatches", "Permutation", "Rotation", "SimCLR"]
