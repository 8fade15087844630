"""Small images, their inputs and a backbone that changes nothing, for the tests of the pretexts on images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from cohortsmith.data import simulate
from cohortsmith.ssl_models.augmentations.noise import Drawn
from cohortsmith.ssl_models.backbones.images import ImageBackbone, Vit
from cohortsmith.ssl_models.inputs.tensors import Inputs
from cohortsmith.ssl_models.pretexts.base import BACKBONE
from tests.ssl_models.gene_nets import Patients

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.ssl_models.pretexts.base import Pretext

COHORT = simulate("simulated-cells", 12, seed=0, classes=4)
INPUTS = Inputs.fit(COHORT)
IMAGES = INPUTS.tensor(COHORT)


class Pixels(ImageBackbone):
    """Features are the standardised pixels themselves, each scaled by a weight of its own."""

    def __init__(self) -> None:
        super().__init__(INPUTS, IMAGES[0].numel())
        self.scale = nn.Linear(self.width, 1, bias=False)

    @property
    def layers(self) -> Sequence[nn.Module]:
        return [self.scale]

    def forward(self, x: Tensor) -> Tensor:
        return self.standardised(x).flatten(1) * self.scale.weight


def noise(x: Tensor, seed: int = 0) -> Drawn:
    return Drawn(x, torch.Generator().manual_seed(seed))


def losses_of_training(pretext: Pretext, nets: dict[str, nn.Module], *, rate: float, steps: int) -> list[float]:
    """Train on `IMAGES` for some steps and return the loss of each."""
    optimiser = pretext.players(nets)[BACKBONE]
    optimiser.param_groups[0]["lr"] = rate
    losses = []
    for step in range(steps):
        batch: Any = Patients(IMAGES, seed=step)
        ((_, loss),) = pretext.losses(nets, batch)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


def small_vit() -> Vit:
    return Vit(INPUTS, width=16, depth=2, heads=2)
