"""Backbones for images: a small convolutional network, residual networks and a vision transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import torch
from torch import nn

from cohortsmith.data import DataError
from cohortsmith.ssl_models.backbones.base import Backbone
from cohortsmith.ssl_models.backbones.torchvision_ops import allow_torchvision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from cohortsmith.ssl_models.inputs import Inputs


class ImageBackbone(Backbone):
    """Backbone that standardises channels by the training cohort's mean and standard deviation."""

    mean: Tensor
    spread: Tensor

    def __init__(self, inputs: Inputs, width: int) -> None:
        super().__init__(width)
        for name in ("mean", "spread"):
            value = torch.from_numpy(inputs.tensors[name]).view(1, -1, 1, 1)
            self.register_buffer(name, value, persistent=False)  # saved with the inputs

    def standardised(self, images: Tensor) -> Tensor:
        """Images (n, channels, height, width) of any dtype, 0..255, as float with mean 0 and standard deviation 1."""
        return (images.float() - self.mean) / self.spread


class SmallCNN(ImageBackbone):
    """Five 3 x 3 convolutions with batch norm (28, 14, 7 pixels) and a dense layer of 64 features.

    The stem keeps the resolution, as suits small images; strides halve it. The features are pre-activations.
    """

    rectify: ClassVar[bool] = True

    def __init__(self, inputs: Inputs) -> None:
        super().__init__(inputs, 64)
        self.body = nn.Sequential(
            _block(inputs.shape[0], 32),
            _block(32, 64, stride=2),
            _block(64, 64),
            _block(64, 128, stride=2),
            _block(128, 128),
            nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, self.width)),
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def layers(self) -> Sequence[nn.Module]:
        """The five convolutions and the dense layer."""
        return list(self.body)

    def forward(self, x: Tensor) -> Tensor:
        """Features (n, 64) of images (n, channels, height, width)."""
        return cast("Tensor", self.body(self.standardised(x).contiguous(memory_format=torch.channels_last)))


def _block(narrow: int, wide: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(narrow, wide, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(wide), nn.ReLU(inplace=True))


class ResNet18(ImageBackbone):
    """Residual network of eighteen layers (He et al. 2016, section 4.2); features are means over positions.

    Args:
        inputs: fitted on the images.
        stem: `stock` is the 7 x 7 convolution of stride 2 and the max-pool made for photographs, which reduce
            28 pixels to 7; `small` is a 3 x 3 convolution that keeps the resolution.
        width: channels of the first stage, even; each following one has twice as many, so there are 8 * width features.

    Raises:
        DataError: an invalid setting.
    """

    blocks: ClassVar[tuple[int, ...]] = (2, 2, 2, 2)

    def __init__(self, inputs: Inputs, *, stem: Literal["small", "stock"] = "small", width: int = 64) -> None:
        super().__init__(inputs, 8 * width)
        if stem not in ("small", "stock"):
            raise DataError(f"stem of a ResNet: expected small or stock, got {stem!r}")
        if width < 2 or width % 2:
            raise DataError(f"width of a ResNet: expected an even number of at least 2, got {width}")
        allow_torchvision()
        from timm.models.resnet import BasicBlock, ResNet

        channels = tuple(width * 2**stage for stage in range(4))
        # timm's single-convolution stem is always 64 wide; its deep stem follows the stages, and is replaced here.
        net: Any = ResNet(
            cast("Any", BasicBlock),  # timm's annotation asks for an instance where its code takes the class
            self.blocks,
            num_classes=0,
            channels=channels,
            stem_type="deep",
            stem_width=width // 2,
        )
        size, stride = (7, 2) if stem == "stock" else (3, 1)
        first = nn.Conv2d(inputs.shape[0], width, size, stride, padding=size // 2, bias=False)
        nn.init.kaiming_normal_(first.weight, mode="fan_out", nonlinearity="relu")
        pool = [net.maxpool] if stem == "stock" else []
        begin = nn.Sequential(first, net.bn1, net.act1, *pool)
        self.body = nn.Sequential(begin, net.layer1, net.layer2, net.layer3, net.layer4)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def layers(self) -> Sequence[nn.Module]:
        """The stem and the four stages."""
        return list(self.body)

    def forward(self, x: Tensor) -> Tensor:
        """Features (n, 8 * width) of images (n, channels, height, width)."""
        places = self.body(self.standardised(x).contiguous(memory_format=torch.channels_last))
        return cast("Tensor", places.mean((2, 3)))


class ResNet34(ResNet18):
    """Residual network of thirty-four layers (He et al. 2016, section 4.2); with the settings of `ResNet18`."""

    blocks = (3, 4, 6, 3)


class Vit(ImageBackbone):
    """Vision transformer on square patches (Dosovitskiy et al. 2021) without class token; features are averaged.

    Position embeddings are fixed sines and cosines (He et al. 2022, appendix A.1).

    Args:
        inputs: fitted on the images.
        patch_size: pixels along a patch.
        width: embedding dimension, a multiple of 4 and of `heads`; the number of features.
        depth: number of blocks.
        heads: number of attention heads.

    Attributes:
        patch_size: pixels along a patch.
        patches: number per image, in row-major order.

    Raises:
        DataError: images that cannot be divided into square patches, or an invalid setting.
    """

    places: Tensor

    def __init__(
        self, inputs: Inputs, *, patch_size: int = 4, width: int = 192, depth: int = 6, heads: int = 3
    ) -> None:
        super().__init__(inputs, width)
        channels, height, side = inputs.shape
        if height != side or patch_size < 1 or side % patch_size:
            raise DataError(
                f"vit divides square images into patches; these are {height} x {side} pixels and patch_size is "
                f"{patch_size}"
            )
        if min(width, depth, heads) < 1 or width % 4 or width % heads:
            raise DataError(
                f"vit: expected a width divisible by 4 and by the number of heads, and at least one block; "
                f"got width {width}, heads {heads}, depth {depth}"
            )
        allow_torchvision()
        from lightly.models.utils import get_2d_sine_cosine_positional_embedding
        from timm.models.vision_transformer import VisionTransformer

        net = VisionTransformer(
            img_size=side,
            patch_size=patch_size,
            in_chans=channels,
            num_classes=0,
            global_pool="avg",
            class_token=False,
            pos_embed="none",
            fc_norm=False,
            embed_dim=width,
            depth=depth,
            num_heads=heads,
        )
        self.patch_size, self.patches = patch_size, (side // patch_size) ** 2
        self.embed, self.blocks, self.norm = net.patch_embed, unfused_attention(net.blocks), net.norm
        places = get_2d_sine_cosine_positional_embedding(width, side // patch_size, cls_token=False)
        self.register_buffer("places", torch.from_numpy(places).float()[None], persistent=False)

    @property
    def layers(self) -> Sequence[nn.Module]:
        """The patch embedding, the blocks and the final norm."""
        return [self.embed, *self.blocks, self.norm]

    def forward(self, x: Tensor) -> Tensor:
        """Features (n, width) of images (n, channels, height, width)."""
        return self.encoded(self.embedded(x)).mean(1)

    def embedded(self, x: Tensor) -> Tensor:
        """Patches of images (n, channels, height, width) with position embeddings, (n, patches, width)."""
        return cast("Tensor", self.embed(self.standardised(x))) + self.places

    def encoded(self, tokens: Tensor, attends: Tensor | None = None) -> Tensor:
        """Tokens (n, some, width) after all blocks and the final norm.

        Args:
            tokens: embedded patches.
            attends: attention mask (n, 1, some, some), query first; by default all tokens attend to all.
        """
        for block in self.blocks:
            tokens = block(tokens) if attends is None else block(tokens, attn_mask=attends)
        return cast("Tensor", self.norm(tokens))

    def targets(self, x: Tensor) -> Tensor:
        """Pixels (n, patches, pixels), normalised per patch to mean 0 and variance 1 (He et al. 2022, section 3).

        Args:
            x: images (n, channels, height, width).
        """
        n, channels, height, width = x.shape
        p = self.patch_size
        cut = self.standardised(x).view(n, channels, height // p, p, width // p, p)
        pixels = cut.permute(0, 2, 4, 3, 5, 1).reshape(n, self.patches, -1)
        spread, mean = torch.var_mean(pixels, dim=2, keepdim=True)
        return (pixels - mean) / (spread + 1e-6).sqrt()


def unfused_attention(blocks: nn.Sequential) -> nn.Sequential:
    """Blocks of timm with attention computed as plain matrix products.

    For the few patches of a small image the fused kernel is three to eight times slower on a CPU in bfloat16.
    """
    for block in blocks:
        attention: Any = block.attn
        attention.fused_attn = False
    return blocks
