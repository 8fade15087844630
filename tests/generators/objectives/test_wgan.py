"""WGAN-GP against critics whose gradients are known (Gulrajani et al. 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from cohortsmith.generators.networks.residual_mlp import ResidualMLP
from cohortsmith.generators.objectives.wgan import WGANFamily, gradient_penalty

if TYPE_CHECKING:
    from collections.abc import Callable


class Critic(nn.Module):
    def __init__(self, score: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.score = score

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.score(x)[:, None]


def test_penalty_of_a_linear_critic_is_the_squared_excess_of_its_slope() -> None:
    slope = torch.tensor([3.0, -4.0, 12.0])  # length 13
    real, fake, y = torch.randn(6, 3), torch.randn(6, 3), torch.zeros(6, dtype=torch.int64)
    for factor in (1.0, 1 / 13, 0.0):
        penalty = gradient_penalty(Critic(lambda x, k=factor: x @ (k * slope)), real, fake, y, torch.rand(6, 1))  # type: ignore[misc]
        assert penalty.item() == pytest.approx((13 * factor - 1) ** 2, abs=1e-4)


@pytest.mark.parametrize("lipschitz", [13.0, 6.5])
def test_penalty_is_zero_at_the_slope_the_critic_is_given(lipschitz: float) -> None:
    slope, y, share = torch.tensor([3.0, -4.0, 12.0]), torch.zeros(6, dtype=torch.int64), torch.rand(6, 1)
    penalty = gradient_penalty(Critic(lambda x: x @ slope), torch.randn(6, 3), torch.randn(6, 3), y, share, lipschitz)
    assert penalty.item() == pytest.approx((13 / lipschitz - 1) ** 2, abs=1e-4)


def test_penalty_is_taken_between_real_and_generated() -> None:
    real, fake, y = torch.randn(6, 3), torch.randn(6, 3) + 5, torch.zeros(6, dtype=torch.int64)
    share = torch.tensor([0.0, 1.0, 0.5, 0.25, 0.75, 0.1])[:, None]
    # The gradient of |x|^2 / 2 is x itself: the penalty tells where it was taken.
    penalty = gradient_penalty(Critic(lambda x: x.square().sum(1) / 2), real, fake, y, share)
    between = torch.stack([(1 - s) * r + s * f for r, f, s in zip(real, fake, share, strict=True)])
    assert penalty.item() == pytest.approx((between.norm(dim=1) - 1).square().mean().item(), rel=1e-5)


def test_penalty_tells_the_patients_classes_to_the_critic() -> None:
    class Steep(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return (x.sum(1) * y)[:, None]

    y = torch.tensor([0, 1, 2, 3])
    penalty = gradient_penalty(Steep(), torch.randn(4, 1), torch.randn(4, 1), y, torch.rand(4, 1))
    assert penalty.item() == pytest.approx(((y - 1.0) ** 2).mean().item(), rel=1e-5)


def test_the_critic_moves_n_times_on_fresh_patients_and_logs_the_distance(stub_batch: Callable[..., Any]) -> None:
    family = WGANFamily(latent_dim=4, n_critic=4, gradient_penalty=0.0, width=16, depth=1)
    nets = family.build(ResidualMLP(3, 2, 16, 1))
    x, y = torch.randn(12, 3), torch.arange(12) % 2
    batch = stub_batch(x, y)
    moves = list(family.losses(nets, batch))
    assert [player for player, _ in moves] == ["critic"] * 4 + ["generator"]
    assert batch.fresh == 4
    noise, uniform = ([draw for draw in batch.drawn if draw.shape == (12, size)] for size in (4, 3))
    with torch.no_grad():
        for at, (player, loss) in enumerate(moves):
            on_fake = nets["critic"](nets["generator"](noise[at], y, uniform[at]), y).mean()
            gap = on_fake - nets["critic"](x, y).mean()
            expected = gap if player == "critic" else -on_fake
            assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
            if player == "critic":
                assert batch.logged["wasserstein"][at] == pytest.approx(-gap.item(), abs=1e-5)


def test_the_critic_finds_the_wasserstein_distance_of_a_shift(stub_batch: Callable[..., Any]) -> None:
    """Two clouds 2 apart: the best 1-Lipschitz critic rises by 1 along the shift, and W1 is 2."""
    family = WGANFamily(latent_dim=3, n_critic=1)
    line = nn.Linear(3, 1)

    class Line(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            out: Tensor = line(x)
            return out

    class Shift(nn.Module):
        noise_shape = ()

        def forward(self, z: Tensor, y: Tensor, uniform: Tensor | None = None) -> Tensor:
            return z + torch.tensor([2.0, 0.0, 0.0])

    nets = {"critic": Line(), "generator": Shift()}
    optimiser = torch.optim.Adam(line.parameters(), lr=0.02)
    generator = torch.Generator().manual_seed(0)
    batch = stub_batch(torch.randn(512, 3, generator=generator), torch.zeros(512, dtype=torch.int64))
    for _ in range(200):
        _, loss = next(family.losses(nets, batch))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert sum(batch.logged["wasserstein"][-50:]) / 50 == pytest.approx(2.0, rel=0.15)
