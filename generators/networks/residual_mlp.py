"""`ResidualMLP`: networks for codes that are vectors, such as those of gene expression."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cohortsmith.generators.contracts import GeneratorNet, Likelihood


@dataclass(frozen=True)
class ResidualMLP:
    """Residual MLPs for codes that are vectors: gene expression.

    Each block is pre-norm and takes the class (and the noise level) as a scale and a shift of its normalised input
    (FiLM: Perez et al. 2018; its last layer starts at zero as in Peebles & Xie 2023: a block starts as the identity).

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
        """Shape of one patient's code: a vector."""
        return (self.dim,)

    def encoder(self, out_dim: int) -> nn.Module:
        """Codes to (n, out_dim)."""
        return ResidualStack(self, self.dim, out_dim)

    def posterior(self, latent_dim: int) -> nn.Module:
        """Codes to means and log variances of latents; starts near the prior."""
        return _quiet(ResidualStack(self, self.dim, 2 * latent_dim), _NEARLY)

    def decoder(self, in_dim: int) -> nn.Module:
        """Latents (n, in_dim) to codes; starts near zero, whatever the latents."""
        return _quiet(ResidualStack(self, in_dim, self.dim), _NEARLY)

    def likelihood(self) -> Likelihood:
        """Gaussian whose noise is learned for each class and code dimension."""
        return GaussianLikelihood(self.classes, self.code_shape)

    def generator_net(self, in_dim: int) -> GeneratorNet:
        """Standard normal noise, as long as a code, plus what a network makes of it and the latents; starts at zero."""
        return _GeneratorNet(_quiet(ResidualStack(self, in_dim + self.dim, self.dim), 0.0), self.code_shape)

    def denoiser(self) -> nn.Module:
        """Noisy codes and noise levels to codes; starts at zero."""
        return _Denoiser(self)


class ResidualStack(nn.Module):
    """Residual blocks from (n, in_dim) to (n, out_dim), each conditioned on the class."""

    def __init__(self, shape: ResidualMLP, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.enter = nn.Linear(in_dim, shape.width)
        self.classes = nn.Embedding(shape.classes + 1, _EMBEDDING)  # the last row is NO_CLASS
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


def _quiet(net: ResidualStack, share: float) -> ResidualStack:
    """The network with a share of its last layer: what it adds starts small, and codes as standard normal noise."""
    with torch.no_grad():
        for weight in net.leave.parameters():
            weight.mul_(share)
    return net


class _GeneratorNet(GeneratorNet):
    def __init__(self, change: nn.Module, noise_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.change, self.noise_shape = change, noise_shape

    def forward(self, latent: Tensor, y: Tensor, uniform: Tensor | None = None) -> Tensor:
        if uniform is None:
            raise TypeError("a generator of vectors needs uniform noise of a code's shape")
        noise = torch.special.ndtri(uniform.clamp(_LEAST, 1 - _LEAST))
        codes: Tensor = noise + self.change(torch.cat([latent, noise], dim=1), y)
        return codes


class GaussianLikelihood(Likelihood):
    """Normal around the decoded code; the log standard deviation of a dimension is common plus the class's own.

    With a learned variance no weight between reconstruction and KL is needed (Rybkin et al. 2021).
    """

    def __init__(self, classes: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.common = nn.Parameter(torch.zeros(shape))
        self.own = nn.Parameter(torch.zeros(classes, *shape))

    def nlls(self, decoded: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Gaussian negative log-likelihoods (n,) without their constant (nats)."""
        return gaussian_nlls(x, decoded, self._log_spread(y))

    def sample(self, decoded: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """The decoded codes plus noise."""
        noise = torch.randn(decoded.shape, generator=generator, device=decoded.device)
        return decoded + noise * self._log_spread(y).exp()

    def mean(self, decoded: Tensor) -> Tensor:
        """The decoded codes."""
        return decoded

    def _log_spread(self, y: Tensor) -> Tensor:
        return (self.common + self.own[y]).clamp(-4, 1)


def gaussian_nlls(x: Tensor, mean: Tensor, log_spread: Tensor) -> Tensor:
    """-log N(x; mean, exp(log_spread)^2) without its constant, summed over a code: (n,), in nats."""
    return (0.5 * ((x - mean) * (-log_spread).exp()).square() + log_spread).flatten(1).sum(1)


class _Denoiser(ResidualStack):
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
_NEARLY, _LEAST = 0.01, 1e-6


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
