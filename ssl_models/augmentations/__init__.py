"""Augmentations and random views of patients: masked or corrupted genes; cropped, rotated and recoloured images."""

from cohortsmith.ssl_models.augmentations.image_views import VIEWS, ImageViews
from cohortsmith.ssl_models.augmentations.label_preserving import Augmentation, corrupted, shift
from cohortsmith.ssl_models.augmentations.noise import (
    Drawn,
    Noise,
    even_parts,
    mask_per_patient,
    masked_gene_count,
    other_rows,
    require,
    require_others,
    values_of_others,
)

__all__ = [
    "Augmentation",
    "Drawn",
    "ImageViews",
    "Noise",
    "VIEWS",
    "other_rows",
    "corrupted",
    "even_parts",
    "masked_gene_count",
    "mask_per_patient",
    "require",
    "require_others",
    "shift",
    "values_of_others",
]
