"""Networks of a data kind, whatever the family: encoder, decoder, denoiser."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NO_CLASS = -1  # a network asked for this class answers for the whole population


class Architecture(Protocol):
    """The networks that an objective builds its players from; each takes the patients' classes (n,) along."""

    @property
    def code_shape(self) -> tuple[int, ...]:
        """Shape of one patient's code."""
        ...

    @property
    def classes(self) -> int:
        """Number of classes."""
        ...

    def encoder(self, out_dim: int) -> nn.Module:
        """Codes (n, *code_shape), classes (n,) -> (n, out_dim): a critic, a discriminator, a VAE's encoder."""
        ...

    def decoder(self, in_dim: int) -> nn.Module:
        """Latents (n, in_dim), classes (n,) -> codes (n, *code_shape): a generator, a VAE's decoder."""
        ...

    def denoiser(self) -> nn.Module:
        """Noisy codes (n, *code_shape), noise levels (n,), classes (n,) -> (n, *code_shape)."""
        ...


@dataclass(frozen=True)
class ResidualMLP:
    """Residual perceptrons for codes that are vectors: gene expression.

    Each block is pre-norm and takes the class (and the noise level) as a scale and a shift of its normalised input
    (FiLM: Perez et al. 2018; its last layer at nought as in Peebles & Xie 2023: a block starts as identity).

    Attributes:
        dim: length of a code.
        classes: number of classes.
        width, depth: of the residual stream, and blocks.
        dropout: on each block's hidden layer while training.
    """

    dim: int
    classes: int
    width: int
    depth: int
    dropout: float = 0.0

    @property
    def code_shape(self) -> tuple[int, ...]:
        """One patient's code: a vector."""
        return (self.dim,)

    def encoder(self, out_dim: int) -> nn.Module:
        """Codes to (n, out_dim)."""
        return _Stack(self, self.dim, out_dim)

    def decoder(self, in_dim: int) -> nn.Module:
        """Latents (n, in_dim) to codes."""
        return _Stack(self, in_dim, self.dim)

    def denoiser(self) -> nn.Module:
        """Noisy codes and noise levels to codes; starts at nought."""
        return _Denoiser(self)


class _Stack(nn.Module):
    def __init__(self, shape: ResidualMLP, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.enter = nn.Linear(in_dim, shape.width)
        self.classes = nn.Embedding(shape.classes + 1, _EMBEDDING)  # the last row stands for NO_CLASS
        self.blocks = nn.ModuleList(_Block(shape.width, shape.dropout) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(shape.width)
        self.leave = nn.Linear(shape.width, out_dim)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Run (n, in_dim) of classes (n,) through the blocks to (n, out_dim)."""
        return self._run(x, F.silu(self.classes(y % self.classes.num_embeddings)))

    def _run(self, x: Tensor, condition: Tensor) -> Tensor:
        hidden = self.enter(x)
        for block in self.blocks:
            hidden = block(hidden, condition)
        out: Tensor = self.leave(F.silu(self.norm(hidden)))
        return out


class _Denoiser(_Stack):
    frequencies: Tensor

    def __init__(self, shape: ResidualMLP) -> None:
        super().__init__(shape, shape.dim, shape.dim)
        self.code_shape = shape.code_shape
        spread = torch.exp(torch.linspace(math.log(0.05), math.log(10.0), _EMBEDDING // 4))
        self.register_buffer("frequencies", spread, persistent=False)
        self.level = nn.Linear(2 * len(spread), _EMBEDDING)
        self.mix = nn.Linear(_EMBEDDING, _EMBEDDING)
        for weight in self.leave.parameters():
            nn.init.zeros_(weight)

    def forward(self, x: Tensor, level: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        """Run (n, dim) at noise levels (n,), of classes (n,), through the blocks."""
        angles = level[:, None] * self.frequencies
        wave = torch.cat([angles.sin(), angles.cos()], dim=1)
        condition = self.level(wave) + self.classes(y % self.classes.num_embeddings)
        return self._run(x, F.silu(self.mix(F.silu(condition))))


_EMBEDDING = 128


class _Block(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulate = nn.Linear(_EMBEDDING, 2 * width)
        self.wide = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.back = nn.Linear(width, width)
        for layer in (self.modulate, self.back):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.modulate(condition).chunk(2, dim=-1)
        hidden = self.wide(self.norm(x) * (1 + scale) + shift)
        out: Tensor = x + self.back(self.dropout(F.silu(hidden)))
        return out
