"""`ImageNetwork`: convolutional networks for codes that are images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.images import SIZE

if TYPE_CHECKING:
    from torch import nn

    from generators.architecture import Law, Maker


@dataclass(frozen=True)
class ImageNetwork:
    """Convolutional networks for images of 28 x 28 pixels, told the class.

    Each network stands in a file of its own, imported when it is built.

    Attributes:
        channels: 1 (grey) or 3 (colour).
        classes: number of classes.
        width, depth: channels of the convolutions, and blocks at each resolution.
        dropout: on each block's hidden layer while training, where a network has any.
    """

    channels: int
    classes: int
    width: int
    depth: int
    dropout: float = 0.0

    @property
    def code_shape(self) -> tuple[int, ...]:
        """(channels, 28, 28)."""
        return (self.channels, SIZE, SIZE)

    def encoder(self, out_dim: int) -> nn.Module:
        """Images to (n, out_dim): a critic where that is 1, else the encoder of a VAE."""
        if out_dim == 1:
            from generators.image_critic import ImageCritic

            return ImageCritic(self)
        from generators.image_autoencoder import ImageEncoder

        return ImageEncoder(self, out_dim)

    def decoder(self, in_dim: int) -> nn.Module:
        """Latents (n, in_dim) to images."""
        from generators.image_autoencoder import ImageDecoder

        return ImageDecoder(self, in_dim)

    def law(self) -> Law:
        """The law of an image given what the decoder says."""
        from generators.image_autoencoder import ImageLaw

        return ImageLaw(self)

    def maker(self, in_dim: int) -> Maker:
        """Latents (n, in_dim) to images, for an adversarial family."""
        from generators.image_maker import ImageMaker

        return ImageMaker(self, in_dim)

    def denoiser(self) -> nn.Module:
        """Noisy images and noise levels to images."""
        from generators.unet import UNet

        return UNet(self)
