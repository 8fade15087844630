"""`FlowPrior`: the distribution of a VAE's latent maps, as a flow from normal noise to them (Liu et al. 2023)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cohortsmith.generators.contracts import NO_CLASS
from cohortsmith.generators.images.autoencoder import MAP, ConvBlock, as_maps, map_channels
from cohortsmith.generators.images.layers import GroupEmbedding, group_norm

if TYPE_CHECKING:
    from collections.abc import Callable

    from cohortsmith.generators.images.layers import ImageShape

_CONDITION = 128


class FlowPrior(nn.Module):
    """Rectified flow over latent maps, conditioned on the class: noise (n, dim) to latents (n, dim), one to one.

    A network learns the velocity at which noise e becomes a latent z along z_t = (1 - t) e + t z, which is
    E[z - e | z_t] (Lipman et al. 2023, Liu et al. 2023). Solving dz/dt = v(z, t, y) from 0 to 1 makes latents of noise.

    Args:
        shape: of the images, with their classes.
        dim: length of a latent, a map of 7 x 7.
        width, depth: channels, and blocks; in the middle of the blocks is attention over all positions of the map.
        dropout: in each block while training.
        solver_steps: steps of Heun's solver.
        guidance: 1 samples the class as learned; above 1 pushes away from the whole population (Ho & Salimans 2022).
    """

    frequencies: Tensor

    def __init__(
        self,
        shape: ImageShape,
        dim: int,
        width: int,
        depth: int,
        dropout: float = 0.0,
        solver_steps: int = 16,
        guidance: float = 1.0,
    ) -> None:
        super().__init__()
        channels = map_channels(dim)
        self.solver_steps, self.guidance = solver_steps, guidance
        spread = torch.exp(torch.linspace(math.log(1.0), math.log(100.0), _CONDITION // 4))
        self.register_buffer("frequencies", spread, persistent=False)
        self.time = nn.Linear(2 * len(spread), _CONDITION)
        self.told = GroupEmbedding(shape, _CONDITION)
        self.mix = nn.Linear(_CONDITION, _CONDITION)
        self.enter = nn.Conv2d(channels, width, 3, padding=1)
        self.place = nn.Parameter(0.02 * torch.randn(1, width, MAP, MAP))
        self.blocks = nn.ModuleList(ConvBlock(width, dropout, _CONDITION) for _ in range(depth))
        self.look = _Attention(width)
        self.norm = group_norm(width)
        self.leave = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def velocity(self, z: Tensor, t: Tensor, y: Tensor) -> Tensor:
        """Velocity (n, dim) of latents z (n, dim) at times t (n,) from 0, noise, to 1, latents."""
        angles = t[:, None] * self.frequencies
        condition = self.time(torch.cat([angles.sin(), angles.cos()], dim=1))
        condition = F.silu(self.mix(F.silu(condition + self.told(y))))
        hidden = self.enter(as_maps(z))
        hidden = hidden + self.place.to(hidden.dtype)  # a sum with float32 would be float32 from here on
        for depth, block in enumerate(self.blocks):
            hidden = block(hidden, condition)
            if depth == len(self.blocks) // 2:
                hidden = self.look(hidden)
        out: Tensor = self.leave(F.silu(self.norm(hidden))).float().contiguous().flatten(1)
        return out

    def loss(self, z: Tensor, noise: Tensor, t: Tensor, y: Tensor) -> Tensor:
        """Mean squared error of the velocity at times t (n,) between noise and latents z, both (n, dim)."""
        between = torch.lerp(noise, z, t[:, None])
        return (self.velocity(between, t, y) - (z - noise)).square().mean()

    def forward(self, noise: Tensor, y: Tensor) -> Tensor:
        """Latents (n, dim) of classes y (n,) from noise."""
        return self._solve(noise, lambda z, t: self._guided(z, t, y))

    def between(self, noise: Tensor, ends: Tensor, share: Tensor) -> Tensor:
        """Latents (n, dim) from noise; the velocities of two classes are interpolated.

        Args:
            noise: (n, dim).
            ends: the two classes (2,).
            share: of the last one (n, 1).
        """
        first, last = (end.expand(len(noise)) for end in ends)
        return self._solve(noise, lambda z, t: torch.lerp(self._guided(z, t, first), self._guided(z, t, last), share))

    def _guided(self, z: Tensor, t: Tensor, y: Tensor) -> Tensor:
        own = self.velocity(z, t, y)
        if self.guidance == 1.0:
            return own
        return torch.lerp(self.velocity(z, t, torch.full_like(y, NO_CLASS)), own, self.guidance)

    def _solve(self, noise: Tensor, velocity: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Heun's method."""
        z, step = noise, 1.0 / self.solver_steps
        for at in range(self.solver_steps):
            start = torch.full((len(z),), at * step, device=z.device)
            first = velocity(z, start)
            second = velocity(z + step * first, start + step)
            z = z + 0.5 * step * (first + second)
        return z


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = max(width // 32, 1)
        self.norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.back = nn.Linear(width, width)
        nn.init.zeros_(self.back.weight)
        nn.init.zeros_(self.back.bias)

    def forward(self, x: Tensor) -> Tensor:
        places = x.flatten(2).transpose(1, 2)
        parts = self.query_key_value(self.norm(places)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        # Written out: the fused kernel's backward pass in bfloat16 takes a CPU as long as all convolutions together.
        query, key, value = parts
        weight = (query @ key.transpose(2, 3) / math.sqrt(query.shape[3])).softmax(dim=3)
        out: Tensor = self.back((weight @ value).transpose(1, 2).flatten(2)).transpose(1, 2)
        return x + out.reshape(x.shape)
