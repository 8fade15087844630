"""Other views of a patient: masked genes, turned and recoloured images."""

from cohortsmith.ssl_models.augmentations.image_views import VIEWS, ImageViews
from cohortsmith.ssl_models.augmentations.noise import (
    Drawn,
    Noise,
    another,
    evenly,
    genes_hidden,
    mask_each,
    require,
    require_others,
    values_of_others,
)
from cohortsmith.ssl_models.augmentations.simple import Augmentation, corrupted, shift

__all__ = [
    "Augmentation",
    "Drawn",
    "ImageViews",
    "Noise",
    "VIEWS",
    "another",
    "corrupted",
    "evenly",
    "genes_hidden",
    "mask_each",
    "require",
    "require_others",
    "shift",
    "values_of_others",
]
