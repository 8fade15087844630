"""A small backbone, batches and cohorts for the tests of the pretexts on genes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from cohortsmith.ssl_models.augmentations.noise import Drawn
from cohortsmith.ssl_models.backbones.base import Backbone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.ssl_models.pretexts.base import Pretext
    from cohortsmith.training import Batch


class Tiny(Backbone):
    """Two dense layers."""

    def __init__(self, genes: int, width: int = 16) -> None:
        super().__init__(width)
        self.body = nn.Sequential(nn.Linear(genes, 32), nn.ReLU(), nn.Linear(32, width))

    @property
    def layers(self) -> Sequence[nn.Module]:
        return [self.body[0], self.body[2]]

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.body(x))


class Untouched(Tiny):
    """Features are the genes themselves."""

    def __init__(self, genes: int) -> None:
        super().__init__(genes, genes)

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", x + 0 * self.body(x))


@dataclass
class Patients:
    """What a pretext's losses ask of a batch; the same seed gives the same draws."""

    x: Tensor
    seed: int = 0
    logged: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._drawn = Drawn(self.x, torch.Generator().manual_seed(self.seed))

    def rand(self, *shape: int) -> Tensor:
        return self._drawn.rand(*shape)

    def randint(self, high: int, *shape: int) -> Tensor:
        return self._drawn.randint(high, *shape)

    def log(self, name: str, value: Tensor | float) -> None:
        self.logged[name] = float(value)


def noise(x: Tensor, seed: int = 0) -> Drawn:
    return Drawn(x, torch.Generator().manual_seed(seed))


def loss_of(pretext: Pretext, nets: dict[str, nn.Module], x: Tensor, seed: int = 0) -> tuple[Tensor, dict[str, float]]:
    """The one loss of a batch, and what was logged."""
    batch = Patients(x, seed)
    ((player, loss),) = pretext.losses(nets, cast("Batch", batch))
    assert player == "backbone"
    return loss, batch.logged


def correlated(n: int, genes: int, seed: int = 0) -> Tensor:
    """z-scored genes driven by three hidden scores, and a little noise of their own."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(3, genes, generator=torch.Generator().manual_seed(99))
    x = torch.randn(n, 3, generator=generator) @ weights + 0.3 * torch.randn(n, genes, generator=generator)
    return (x - x.mean(0)) / x.std(0)


def distinct(n: int, genes: int) -> Tensor:
    """Values from 1 on that are all different: each tells its patient and its gene."""
    return torch.arange(1.0, n * genes + 1).view(genes, n).T.contiguous()
