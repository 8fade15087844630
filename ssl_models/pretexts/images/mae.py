"""`MaskedPatches` (MAE): most patches of an image are hidden, and their pixels are told from the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import nn

from cohortsmith.ssl_models.augmentations import require
from cohortsmith.ssl_models.backbones import allow_torchvision, plainly_attending
from cohortsmith.ssl_models.pretexts import BACKBONE
from cohortsmith.ssl_models.pretexts.images.base import ImagePretext, as_vit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from cohortsmith.ssl_models.augmentations import Noise
    from cohortsmith.ssl_models.backbones import Backbone

_DECODER = "decoder"


class PixelDecoder(nn.Module):
    """Small transformer from the vectors of the patches that are seen to the pixels of those that are not.

    Args:
        width: of the vectors that come in.
        patches: of an image.
        pixels: numbers of a patch.
        decoder_width: of its own vectors.
        depth: blocks.
        heads: of attention.
    """

    def __init__(self, width: int, patches: int, pixels: int, *, decoder_width: int, depth: int, heads: int) -> None:
        super().__init__()
        allow_torchvision()
        from lightly.models.modules import MaskedVisionTransformerDecoderTIMM

        self.enter = nn.Linear(width, decoder_width)
        self.blocks = MaskedVisionTransformerDecoderTIMM(
            num_patches=patches, embed_dim=decoder_width, depth=depth, num_heads=heads, num_prefix_tokens=0
        )
        plainly_attending(self.blocks.blocks)
        self.leave = nn.Linear(decoder_width, pixels)

    def forward(self, seen: Tensor, kept: Tensor, hidden: Tensor) -> Tensor:
        """Pixels (n, hidden, pixels) of hidden patches.

        Args:
            seen: vectors (n, kept, width).
            kept: numbers of those patches (n, kept).
            hidden: numbers of the others (n, hidden).
        """
        entered = self.enter(seen)
        n, width = len(entered), entered.shape[2]
        tokens = self.blocks.mask_token.to(entered).expand(n, self.blocks.num_patches, width)
        tokens = tokens.scatter(1, kept[:, :, None].expand(-1, -1, width), entered)
        told = self.blocks(tokens)
        return cast("Tensor", self.leave(told.gather(1, hidden[:, :, None].expand(-1, -1, width))))


@dataclass(frozen=True)
class MaskedPatches(ImagePretext):
    """Masked autoencoder (He et al. 2022): an encoder of what is seen, and a small decoder for what is hidden.

    The loss is the mean squared error over the hidden patches alone, of pixels normalised in each patch; telling each
    patch's mean scores about 1.

    Attributes:
        masked: share of the patches that are hidden, anew at every step.
        decoder_width: of the decoder's vectors, a multiple of 4 and of `decoder_heads`.
        decoder_depth: its blocks.
        decoder_heads: of its attention.

    Raises:
        DataError: a setting that cannot be.
    """

    weight_decay: float = 0.05
    warmup: float = 0.1
    masked: float = 0.75
    decoder_width: int = 96
    decoder_depth: int = 2
    decoder_heads: int = 3

    backbones: ClassVar[tuple[str, ...]] = ("vit",)

    def __post_init__(self) -> None:
        require(0 < self.masked < 1, "masked", "a share of the patches between 0 and 1", self.masked)
        divided = self.decoder_width % 4 == self.decoder_width % self.decoder_heads == 0
        require(divided, "decoder_width", f"a multiple of 4 and of {self.decoder_heads} heads", self.decoder_width)

    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """The backbone and the decoder.

        Raises:
            DataError: the backbone has no patches.
        """
        vit = as_vit(backbone, "mae")
        decoder = PixelDecoder(
            vit.width,
            vit.patches,
            x.shape[1] * vit.patch_size**2,
            decoder_width=self.decoder_width,
            depth=self.decoder_depth,
            heads=self.decoder_heads,
        )
        return {BACKBONE: vit, _DECODER: decoder}

    def loss(self, nets: Mapping[str, nn.Module], x: Tensor, noise: Noise) -> Tensor:
        """Mean squared error of the hidden patches of images uint8 (b, channels, height, width)."""
        vit = as_vit(nets[BACKBONE], "mae")
        kept, hidden = self.hide(noise, vit.patches)
        seen = vit.encoded(_rows(vit.embedded(x), kept))
        told = nets[_DECODER](seen, kept, hidden)
        errors: Tensor = told.float() - _rows(vit.targets(x), hidden)
        return errors.square().mean()

    def hide(self, noise: Noise, patches: int) -> tuple[Tensor, Tensor]:
        """Numbers of the patches that are seen (b, kept) and hidden (b, hidden), drawn for each image on its own."""
        order = noise.rand(patches).argsort(1)
        kept = min(max(1, round(patches * (1 - self.masked))), patches - 1)
        return order[:, :kept], order[:, kept:]


def _rows(tokens: Tensor, which: Tensor) -> Tensor:
    """Tokens (n, some, width) by their numbers (n, fewer)."""
    return torch.take_along_dim(tokens, which[:, :, None], 1)
