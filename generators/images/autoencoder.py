"""Encoder and decoder of images around a latent that is a small map, and the likelihood of an image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cohortsmith.data.io import IMAGE_SIZE
from cohortsmith.generators.contracts import Likelihood
from cohortsmith.generators.images.layers import GroupEmbedding, channels_last, group_norm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cohortsmith.generators.images.layers import ImageShape

MAP = IMAGE_SIZE // 4  # pixels on a side of the latent map


def map_channels(dim: int) -> int:
    """Channels of a latent of length `dim` laid out as a map of 7 x 7.

    Raises:
        ValueError: it is no multiple of 49.
    """
    if dim < 1 or dim % MAP**2:
        raise ValueError(f"a latent map of {MAP} x {MAP} needs a multiple of {MAP**2} numbers; got {dim}")
    return dim // MAP**2


def as_maps(latent: Tensor) -> Tensor:
    """Latents (n, 49 c) as maps (n, c, 7, 7), channels last."""
    return channels_last(latent.reshape(len(latent), -1, MAP, MAP))


class ConvBlock(nn.Module):
    """Pre-norm residual block of two convolutions that starts as the identity (Zhang et al. 2019).

    Args:
        width: channels.
        dropout: between the convolutions, while training.
        condition: length of a condition that scales and shifts the normalised input (FiLM: Perez et al. 2018); 0: none.
    """

    def __init__(self, width: int, dropout: float = 0.0, condition: int = 0) -> None:
        super().__init__()
        self.norm = group_norm(width, affine=not condition)
        self.modulate = nn.Linear(condition, 2 * width) if condition else None
        self.wide = nn.Conv2d(width, width, 3, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.back = nn.Conv2d(width, width, 3, padding=1)
        for layer in (self.back, self.modulate):
            if layer is not None:
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Add to (n, width, height, width) two convolutions of it, modulated by a condition (n, condition)."""
        hidden = self.norm(x)
        if self.modulate is not None:
            scale, shift = self.modulate(condition)[:, :, None, None].chunk(2, dim=1)
            hidden = torch.addcmul(shift, hidden, 1 + scale)
        hidden = self.wide(F.silu(hidden))
        out: Tensor = x + self.back(self.dropout(F.silu(hidden)))
        return out


class ImageEncoder(nn.Module):
    """Images (n, c, 28, 28) to (n, out_dim): maps of 7 x 7, flattened; without the class, which the image shows."""

    def __init__(self, shape: ImageShape, out_dim: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(4 * shape.channels, shape.width, 3, padding=1)
        self.fine = _blocks(shape.width, shape)
        self.down = nn.Conv2d(shape.width, 2 * shape.width, 2, stride=2)
        self.coarse = _blocks(2 * shape.width, shape)
        self.norm = group_norm(2 * shape.width)
        self.leave = nn.Conv2d(2 * shape.width, map_channels(out_dim), 1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Encode images; y (n,) is not used."""
        del y
        hidden = self.enter(channels_last(F.pixel_unshuffle(x, 2)))
        hidden = self.coarse(self.down(self.fine(hidden)))
        out: Tensor = self.leave(F.silu(self.norm(hidden))).contiguous().flatten(1)
        return out


class ImageDecoder(nn.Module):
    """Latents (n, in_dim), maps of 7 x 7, and classes (n,) to (n, c + 1, 28, 28): an image and a map of its noise."""

    def __init__(self, shape: ImageShape, in_dim: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(map_channels(in_dim), 2 * shape.width, 3, padding=1)
        self.told = GroupEmbedding(shape, 2 * shape.width)
        self.coarse = _blocks(2 * shape.width, shape)
        self.up = nn.Conv2d(2 * shape.width, 4 * shape.width, 3, padding=1)
        self.fine = _blocks(shape.width, shape)
        self.norm = group_norm(shape.width)
        self.leave = nn.Conv2d(shape.width, 4 * (shape.channels + 1), 3, padding=1)
        nn.init.zeros_(self.told.of_class.weight)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, latent: Tensor, y: Tensor) -> Tensor:
        """Decode latents of classes y."""
        hidden = self.enter(as_maps(latent))
        condition = self.told(y)[:, :, None, None]
        hidden = hidden + condition.to(hidden.dtype)  # a sum with float32 would be float32 from here on
        hidden = self.fine(F.pixel_shuffle(self.up(self.coarse(hidden)), 2))
        return F.pixel_shuffle(self.leave(F.silu(self.norm(hidden))).float(), 2)  # grey levels are finer than bfloat16


def _blocks(width: int, shape: ImageShape) -> nn.Sequential:
    return nn.Sequential(*(ConvBlock(width, shape.dropout) for _ in range(shape.depth)))


class ImageLikelihood(Likelihood):
    """Normal around the decoded image; the spread is a level of each channel times a map that the decoder gives.

    What a decoder misses is fine texture, and where it is strongest depends on the image: more on a cell than around
    it. The likelihood treats pixels as independent (variance learned: Rybkin et al. 2021). Independent noise would be
    salt and pepper; what is drawn is a Gaussian field with the residuals' power at each spatial frequency and their
    correlation between channels (`fit`); white until then.
    """

    root: Tensor

    def __init__(self, shape: ImageShape) -> None:
        super().__init__()
        self.channels = shape.channels
        self.level = nn.Parameter(torch.full((shape.channels, 1, 1), -1.0))
        white = torch.view_as_real(torch.eye(shape.channels).to(torch.complex64))
        self.register_buffer("root", white.repeat(IMAGE_SIZE, IMAGE_SIZE // 2 + 1, 1, 1, 1))

    def nlls(self, decoded: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Gaussian negative log-likelihoods (n,) without their constant (nats)."""
        log_spread = self._log_spread(decoded)
        error = (x - self.mean(decoded)) * (-log_spread).exp()
        return (0.5 * error.square() + log_spread).flatten(1).sum(1)

    def sample(self, decoded: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """The decoded images plus a Gaussian field each."""
        mean = self.mean(decoded)
        white = torch.fft.rfft2(torch.randn(mean.shape, generator=generator, device=mean.device), norm="ortho")
        shaped = torch.einsum("hwij,njhw->nihw", torch.view_as_complex(self.root), white)
        field: Tensor = torch.fft.irfft2(shaped, s=(IMAGE_SIZE, IMAGE_SIZE), norm="ortho")
        return mean + field * self._log_spread(decoded).exp()

    def mean(self, decoded: Tensor) -> Tensor:
        """The decoded images."""
        return decoded[:, : self.channels]

    @torch.no_grad()
    def fit(self, parts: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Estimate the spectrum of the residuals, divided by their spread, from pairs of decoder outputs and images.

        At each frequency the channels' cross-periodogram is averaged over patients, and its Cholesky root is kept:
        white noise times the root has the same expected periodogram.
        """
        power = torch.zeros(IMAGE_SIZE, IMAGE_SIZE // 2 + 1, self.channels, self.channels, dtype=torch.complex128)
        patients = 0
        for decoded, x in parts:
            residual = (x - self.mean(decoded)) * (-self._log_spread(decoded)).exp()
            wave = torch.fft.rfft2(residual, norm="ortho").to(power.dtype)
            power += torch.einsum("nihw,njhw->hwij", wave, wave.conj())
            patients += len(x)
        floor = 1e-6 * torch.eye(self.channels)
        self.root.copy_(torch.view_as_real(torch.linalg.cholesky(power / patients + floor)))

    def _log_spread(self, decoded: Tensor) -> Tensor:
        """Log spread (n, c, 28, 28) in [-4, 1]; the map changes the level by a factor of e^1.5 at most."""
        return (self.level + 1.5 * torch.tanh(decoded[:, self.channels :])).clamp(_LEAST, 1.0)


_LEAST = math.log(0.02)
