"""Small images, their inputs and a backbone that changes nothing, for the tests of the pretexts on images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cohortsmith.data import simulate
from cohortsmith.ssl_models.augmentations.noise import Drawn
from cohortsmith.ssl_models.backbones.images import ImageBackbone, Vit
from cohortsmith.ssl_models.inputs.inputs import Inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def small_vit() -> Vit:
    return Vit(INPUTS, width=16, depth=2, heads=2)
