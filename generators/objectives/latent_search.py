"""How near a generator comes to a patient: the membership attack that needs nothing but what samples are made with.

Chen et al. 2020, "GAN-Leaks", section 5.3: among many generated patients of the same class the nearest is found, and
its latent is then moved by gradient descent until the generator makes a patient as near as it can. What a generator has
memorised it makes more exactly. All draws are the same for every patient of a class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cohortsmith.generators.contracts import latents

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

POOL = 4000  # generated patients of each class
_POOL_VALUES = 400_000  # values of all of them: fewer are generated where codes are long
_LEAST_POOL = 64
_STEP_VALUES = 20_000  # steps of descent times values of a code: a step on an image takes thousands of times as long
_LEAST_STEPS, _MOST_STEPS = 5, 40
_RATE = 0.05  # of Adam on the latents


@dataclass(frozen=True)
class Target:
    """What is inverted.

    Attributes:
        draw: latents (n, dim), and other noise that is left as drawn or None, of classes (n,).
        make: codes (n, ...) of latents, noise and classes, differentiable.
        cost: what descent lowers, (n,): of latents, noise, codes to come near to, and classes.
    """

    draw: Callable[[Tensor, torch.Generator], tuple[Tensor, Tensor | None]]
    make: Callable[[Tensor, Tensor | None, Tensor], Tensor]
    cost: Callable[[Tensor, Tensor | None, Tensor, Tensor], Tensor]


def generator_target(net: nn.Module, latent_dim: int) -> Target:
    """Target of an adversarial family's generator: the mean square by which its codes miss a patient's."""
    shape: tuple[int, ...] = net.noise_shape  # type: ignore[assignment]

    def draw(y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        uniform = torch.rand((len(y), *shape), generator=generator, device=y.device) if shape else None
        return latents(y, latent_dim, generator), uniform

    def make(latent: Tensor, uniform: Tensor | None, y: Tensor) -> Tensor:
        codes: Tensor = net(latent, y, uniform)
        return codes.float()

    def cost(latent: Tensor, uniform: Tensor | None, x: Tensor, y: Tensor) -> Tensor:
        return (make(latent, uniform, y) - x).square().flatten(1).mean(1)

    return Target(draw, make, cost)


def inversion(target: Target, x: Tensor, y: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """Minus the distance (n,) of codes x (n, ...) to the nearest generated one, and minus the cost after descent."""
    size = int(min(max(_POOL_VALUES // x[0].numel(), _LEAST_POOL), POOL))
    seed = int(torch.randint(2**31, (1,), generator=generator, device=x.device))
    nearest = x.new_empty(len(x))
    latent, uniform = x.new_empty(0), None
    for label in sorted(set(y.tolist())):
        of = y.new_full((size,), label)
        pool, noise = target.draw(of, torch.Generator(x.device).manual_seed(seed + label))
        rows = (y == label).nonzero()[:, 0]
        with torch.no_grad():
            distances = torch.cdist(x[rows].flatten(1), target.make(pool, noise, of).flatten(1))
        nearest[rows], chosen = distances.min(1)
        if not len(latent):
            latent = x.new_empty(len(x), pool.shape[1])
            uniform = None if noise is None else x.new_empty(len(x), *noise.shape[1:])
        latent[rows] = pool[chosen]
        if uniform is not None and noise is not None:
            uniform[rows] = noise[chosen]
    return {"nearest_generated": -nearest, "inverted": -_descended(target, latent.detach(), uniform, x, y)}


def _descended(target: Target, latent: Tensor, uniform: Tensor | None, x: Tensor, y: Tensor) -> Tensor:
    """Cost (n,) after Adam on the latents; each patient's is moved by its own gradient alone."""
    with torch.enable_grad():
        latent = latent.clone().requires_grad_()
        adam = torch.optim.Adam([latent], lr=_RATE)
        best = latent.new_full((len(x),), torch.inf)
        for _ in range(int(min(max(_STEP_VALUES // x[0].numel(), _LEAST_STEPS), _MOST_STEPS))):
            cost = target.cost(latent, uniform, x, y)
            best = torch.minimum(best, cost.detach())
            (latent.grad,) = torch.autograd.grad(cost.sum(), latent)
            adam.step()
        return torch.minimum(best, target.cost(latent, uniform, x, y).detach())
