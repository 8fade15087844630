"""`NextPatches` (AIM): predicts the pixels of each patch from the patches before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from cohortsmith.ssl_models.backbones import allow_torchvision
from cohortsmith.ssl_models.pretexts import BACKBONE
from cohortsmith.ssl_models.pretexts.images.base import ImagePretext, as_vit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from cohortsmith.ssl_models.augmentations import Noise
    from cohortsmith.ssl_models.backbones import Backbone

_HEAD = "head"


@dataclass(frozen=True)
class NextPatches(ImagePretext):
    """Autoregressive image model (El-Nouby et al. 2024, "AIM"), with the head of lightly.

    Patches are in row-major order. A prefix of random length has bidirectional attention, as all patches do in a
    classifier; the others have causal attention (section 3.2). An MLP predicts the pixels of the next patch, normalised
    per patch; the loss is the mean squared error over the patches after the prefix (equation 2).
    """

    weight_decay: float = 0.05
    warmup: float = 0.1

    backbones: ClassVar[tuple[str, ...]] = ("vit",)

    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """The backbone and the prediction head, one block as wide as the backbone.

        Raises:
            DataError: the backbone has no patches.
        """
        allow_torchvision()
        from lightly.models.modules import AIMPredictionHead

        vit = as_vit(backbone, "aim")
        pixels = x.shape[1] * vit.patch_size**2
        return {BACKBONE: vit, _HEAD: AIMPredictionHead(vit.width, pixels, hidden_dim=vit.width, num_blocks=1)}

    def loss(self, nets: Mapping[str, nn.Module], x: Tensor, noise: Noise) -> Tensor:
        """Mean squared error of the patches after the prefix, images uint8 (b, channels, height, width)."""
        patches = as_vit(nets[BACKBONE], "aim").patches
        prefix = 1 + noise.randint(patches - 1)
        errors = (
            (self.predict_pixels(nets, x, prefix) - as_vit(nets[BACKBONE], "aim").targets(x)[:, 1:]).square().mean(2)
        )
        counted = torch.arange(1, patches, device=x.device) >= prefix[:, None]
        return (errors * counted).sum() / counted.sum()

    def predict_pixels(self, nets: Mapping[str, nn.Module], x: Tensor, prefix: Tensor) -> Tensor:
        """Predicted pixels (b, patches - 1, pixels) of every patch but the first, float32.

        Args:
            nets: the backbone and the head.
            x: images (b, channels, height, width).
            prefix: length of each image's prefix (b,), at least 1; predictions inside the prefix are meaningless.
        """
        vit = as_vit(nets[BACKBONE], "aim")
        encoded = vit.encoded(vit.embedded(x), attends(prefix, vit.patches))
        pixels: Tensor = nets[_HEAD](encoded[:, :-1]).float()
        return pixels


def attends(prefix: Tensor, patches: int) -> Tensor:
    """Attention mask, bool (b, 1, patches, patches): to patches of the prefix, and to those not after the query.

    Args:
        prefix: length of each image's prefix (b,).
        patches: number per image.
    """
    at = torch.arange(patches, device=prefix.device)
    return ((at <= at[:, None]) | (at < prefix[:, None, None]))[:, None]
