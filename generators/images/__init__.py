"""Images: the codec, the networks, and the families' objectives on images."""

from cohortsmith.generators.images.adversarial import ImageGANFamily, ImageWGANFamily
from cohortsmith.generators.images.codec import Channels, ImageCodec
from cohortsmith.generators.images.diffusion import ImageDiffusionFamily
from cohortsmith.generators.images.networks import ImageNetwork
from cohortsmith.generators.images.vae import ImageVAEFamily

__all__ = [
    "Channels",
    "ImageCodec",
    "ImageDiffusionFamily",
    "ImageGANFamily",
    "ImageNetwork",
    "ImageVAEFamily",
    "ImageWGANFamily",
]
