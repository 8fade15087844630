"""Frechet and kernel distance beside torchmetrics, both fed what the fixed encoder sees of the same images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from cohortsmith.data import simulate
from cohortsmith.evaluation.metrics.common.joint import frechet_distance
from cohortsmith.evaluation.metrics.images.frechet_kid import squared_discrepancy
from cohortsmith.ssl_models import FixedEncoder
from cohortsmith.ssl_models.backbones.torchvision_ops import allow_torchvision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Seen(nn.Module):
    """What torchmetrics takes for a network: features as they are."""

    num_features = 64

    def forward(self, features: Tensor) -> Tensor:
        return features


@pytest.fixture(scope="module")
def sides() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    encoder = FixedEncoder()
    a, b = (simulate("simulated-cells", 200, seed=seed).x for seed in (0, 1))
    return encoder(a), encoder(255 - b)


def test_frechet_distance_is_that_of_torchmetrics(sides: tuple[NDArray[np.float32], NDArray[np.float32]]) -> None:
    allow_torchvision()  # torchmetrics imports it where it is installed
    from torchmetrics.image.fid import FrechetInceptionDistance

    peer = FrechetInceptionDistance(feature=Seen()).set_dtype(torch.float64)
    for side, real in zip(sides, (True, False), strict=True):
        peer.update(torch.from_numpy(side), real=real)
    assert frechet_distance(*sides) == pytest.approx(float(peer.compute()), rel=1e-3)


def test_kernel_distance_is_that_of_torchmetrics(sides: tuple[NDArray[np.float32], NDArray[np.float32]]) -> None:
    allow_torchvision()
    from torchmetrics.image.kid import KernelInceptionDistance

    peer = KernelInceptionDistance(feature=Seen(), subsets=1, subset_size=200)  # all samples, in whatever order
    for side, real in zip(sides, (True, False), strict=True):
        peer.update(torch.from_numpy(side), real=real)
    assert squared_discrepancy(*sides) == pytest.approx(float(peer.compute()[0]), rel=1e-3)
