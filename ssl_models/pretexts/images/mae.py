"""`MaskedPatches` (MAE): most patches of an image are masked, and their pixels are predicted from the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import nn

from cohortsmith.ssl_models.augmentations import require
from cohortsmith.ssl_models.backbones import allow_torchvision, unfused_attention
from cohortsmith.ssl_models.pretexts import BACKBONE
from cohortsmith.ssl_models.pretexts.images.base import ImagePretext, as_vit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from cohortsmith.ssl_models.augmentations import Noise
    from cohortsmith.ssl_models.backbones import Backbone

_DECODER = "decoder"


class PixelDecoder(nn.Module):
    """Small transformer from the embeddings of visible patches to the pixels of masked ones.

    Args:
        width: dimension of the encoder's embeddings.
        patches: number per image.
        pixels: values per patch.
        decoder_width: dimension of the decoder's embeddings.
        depth: number of blocks.
        heads: number of attention heads.
    """

    def __init__(self, width: int, patches: int, pixels: int, *, decoder_width: int, depth: int, heads: int) -> None:
        super().__init__()
        allow_torchvision()
        from lightly.models.modules import MaskedVisionTransformerDecoderTIMM

        self.enter = nn.Linear(width, decoder_width)
        self.blocks = MaskedVisionTransformerDecoderTIMM(
            num_patches=patches, embed_dim=decoder_width, depth=depth, num_heads=heads, num_prefix_tokens=0
        )
        unfused_attention(self.blocks.blocks)
        self.leave = nn.Linear(decoder_width, pixels)

    def forward(self, seen: Tensor, kept: Tensor, hidden: Tensor) -> Tensor:
        """Pixels (n, hidden, pixels) of masked patches.

        Args:
            seen: embeddings (n, kept, width) of the visible patches.
            kept: their indices (n, kept).
            hidden: indices of the masked patches (n, hidden).
        """
        entered = self.enter(seen)
        n, width = len(entered), entered.shape[2]
        tokens = self.blocks.mask_token.to(entered).expand(n, self.blocks.num_patches, width)
        tokens = tokens.scatter(1, kept[:, :, None].expand(-1, -1, width), entered)
        decoded = self.blocks(tokens)
        return cast("Tensor", self.leave(decoded.gather(1, hidden[:, :, None].expand(-1, -1, width))))


@dataclass(frozen=True)
class MaskedPatches(ImagePretext):
    """Masked autoencoder (He et al. 2022): an encoder of visible patches, and a small decoder for masked ones.

    The loss is the mean squared error over masked patches, of pixels normalised per patch; predicting each patch's mean
    gives about 1.

    Attributes:
        masked: share of patches that are masked, drawn at every step.
        decoder_width: dimension of the decoder's embeddings, a multiple of 4 and of `decoder_heads`.
        decoder_depth: its number of blocks.
        decoder_heads: its number of attention heads.

    Raises:
        DataError: an invalid setting.
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
        """Mean squared error of the masked patches of images uint8 (b, channels, height, width)."""
        vit = as_vit(nets[BACKBONE], "mae")
        kept, hidden = self.hide(noise, vit.patches)
        seen = vit.encoded(_rows(vit.embedded(x), kept))
        predicted = nets[_DECODER](seen, kept, hidden)
        errors: Tensor = predicted.float() - _rows(vit.targets(x), hidden)
        return errors.square().mean()

    def hide(self, noise: Noise, patches: int) -> tuple[Tensor, Tensor]:
        """Indices of visible (b, kept) and masked patches (b, hidden), drawn independently for each image."""
        order = noise.rand(patches).argsort(1)
        kept = min(max(1, round(patches * (1 - self.masked))), patches - 1)
        return order[:, :kept], order[:, kept:]


def _rows(tokens: Tensor, which: Tensor) -> Tensor:
    """Tokens (n, some, width) at indices (n, fewer)."""
    return torch.take_along_dim(tokens, which[:, :, None], 1)
