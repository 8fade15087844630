"""`ImageNetwork`: convolutional networks for codes that are images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cohortsmith.generators.images.autoencoder import ImageDecoder, ImageEncoder, ImageLikelihood
from cohortsmith.generators.images.critic import ImageCritic
from cohortsmith.generators.images.generator_net import ImageGeneratorNet
from cohortsmith.generators.images.layers import ImageShape
from cohortsmith.generators.images.unet import UNet

if TYPE_CHECKING:
    from torch import nn

    from cohortsmith.generators.contracts import GeneratorNet, Likelihood


class ImageNetwork(ImageShape):
    """Convolutional networks for images of 28 x 28 pixels, conditioned on the class."""

    def encoder(self, out_dim: int) -> nn.Module:
        """Images to (n, 1): a critic."""
        return ImageCritic(self)

    def posterior(self, latent_dim: int) -> nn.Module:
        """Images to means and log variances of latents."""
        return ImageEncoder(self, 2 * latent_dim)

    def decoder(self, in_dim: int) -> nn.Module:
        """Latents (n, in_dim) to images."""
        return ImageDecoder(self, in_dim)

    def likelihood(self) -> Likelihood:
        """The distribution of an image given the decoder's output."""
        return ImageLikelihood(self)

    def generator_net(self, in_dim: int) -> GeneratorNet:
        """Latents (n, in_dim) to images, for an adversarial family."""
        return ImageGeneratorNet(self, in_dim)

    def denoiser(self) -> nn.Module:
        """Noisy images and noise levels to images."""
        return UNet(self)
