"""The GAN's losses against the formulas of Goodfellow et al. 2014 and Mescheder et al. 2018."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from cohortsmith.generators.networks.residual_mlp import ResidualMLP
from cohortsmith.generators.objectives.gan import GANFamily, discriminator_loss, jensen_shannon, squared_gradient

if TYPE_CHECKING:
    from collections.abc import Callable


def test_discriminator_loss_is_the_formula_written_out() -> None:
    rng = np.random.default_rng(0)
    on_real, on_fake = rng.normal(0, 3, 40), rng.normal(0, 3, 25)
    expected = 0.0
    for logit in on_real:
        expected -= math.log(1 / (1 + math.exp(-logit))) / len(on_real)
    for logit in on_fake:
        expected -= math.log(1 - 1 / (1 + math.exp(-logit))) / len(on_fake)
    assert discriminator_loss(torch.tensor(on_real), torch.tensor(on_fake)).item() == pytest.approx(expected)


def test_js_is_zero_for_a_blind_discriminator_and_log_2_for_a_perfect_one() -> None:
    blind, sure = torch.zeros(8, 1), torch.full((8, 1), 60.0)
    assert jensen_shannon(discriminator_loss(blind, blind)).item() == pytest.approx(0, abs=1e-6)
    assert jensen_shannon(discriminator_loss(sure, -sure)).item() == pytest.approx(math.log(2))


def test_the_best_discriminator_gives_the_exact_js_and_any_other_less() -> None:
    p, q = np.array([4, 3, 2, 1]), np.array([1, 1, 3, 5])
    middle = (p + q) / 20
    exact = 0.5 * sum(
        a / 10 * math.log(a / 10 / m) + b / 10 * math.log(b / 10 / m) for a, b, m in zip(p, q, middle, strict=True)
    )
    best = np.log(p / q)

    def estimate(logits: Any) -> float:
        on_real, on_fake = torch.tensor(np.repeat(logits, p)), torch.tensor(np.repeat(logits, q))
        return jensen_shannon(discriminator_loss(on_real, on_fake)).item()

    assert estimate(best) == pytest.approx(exact)
    rng = np.random.default_rng(1)
    assert all(estimate(best + rng.normal(0, 0.5, 4)) < exact for _ in range(20))


def test_r1_by_finite_differences() -> None:
    weights = torch.randn(5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def score(x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x @ weights).prod(1, keepdim=True) + (x**3).sum(1, keepdim=True)

    x = torch.randn(7, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    step, expected = 1e-5, 0.0
    for row in range(7):
        for column in range(5):
            move = torch.zeros(7, 5, dtype=torch.float64)
            move[row, column] = step
            slope = (score(x + move)[row] - score(x - move)[row]).item() / (2 * step)
            expected += slope**2 / 7
    x.requires_grad_()
    assert squared_gradient(score(x), x).item() == pytest.approx(expected, rel=1e-5)


def test_r1_has_a_gradient_by_the_discriminators_weights() -> None:
    line = torch.nn.Linear(3, 1)
    x = torch.randn(4, 3, requires_grad=True)
    squared_gradient(line(x), x).backward()  # type: ignore[no-untyped-call]
    # |w|^2 for every patient: its gradient is 2 w.
    assert line.weight.grad is not None
    torch.testing.assert_close(line.weight.grad, 2 * line.weight.detach())


@pytest.mark.parametrize("r1", [0.0, 4.0])
def test_a_round_is_the_discriminators_move_and_then_the_generators(stub_batch: Callable[..., Any], r1: float) -> None:
    family = GANFamily(latent_dim=4, width=16, depth=1, r1=r1, instance_noise=0.0)
    nets = family.build(ResidualMLP(3, 2, 16, 1))
    assert list(family.players(nets)) == ["discriminator", "generator"]
    x, y = torch.randn(10, 3), torch.arange(10) % 2
    batch = stub_batch(x.clone(), y)
    moves = family.losses(nets, batch)

    player, loss = next(moves)
    with torch.no_grad():
        on_real = nets["discriminator"](x, y)
        on_fake = nets["discriminator"](nets["generator"](batch.drawn[0], y, batch.drawn[1]), y)
    plain = discriminator_loss(on_real, on_fake)
    leaf = x.clone().requires_grad_()
    penalty = squared_gradient(nets["discriminator"](leaf, y), leaf)
    assert player == "discriminator"
    assert loss.item() == pytest.approx((plain + r1 / 2 * penalty).item(), rel=1e-5)
    # What is logged speaks of the discriminator alone, without the penalty.
    assert batch.logged["js"] == [pytest.approx(jensen_shannon(plain).item(), abs=1e-6)]
    assert batch.logged["d_real"] == [pytest.approx(on_real.sigmoid().mean().item(), rel=1e-5)]
    assert batch.logged["d_fake"] == [pytest.approx(on_fake.sigmoid().mean().item(), rel=1e-5)]

    # The generator meets the discriminator as it is now, on fresh noise: -E log D(G(z)).
    with torch.no_grad():
        nets["discriminator"].leave.bias += 1.5  # type: ignore[union-attr, operator]
    player, loss = next(moves)
    with torch.no_grad():
        on_fake = nets["discriminator"](nets["generator"](batch.drawn[2], y, batch.drawn[3]), y)
    assert player == "generator"
    assert loss.item() == pytest.approx(-on_fake.sigmoid().log().mean().item(), rel=1e-5)
    assert not torch.equal(batch.drawn[0], batch.drawn[2])
    assert next(moves, None) is None


def test_instance_noise_falls_on_real_and_generated_alike(stub_batch: Callable[..., Any]) -> None:
    family = GANFamily(latent_dim=4, width=16, depth=1, r1=0.0, instance_noise=0.5)
    nets = family.build(ResidualMLP(3, 2, 16, 1))
    x, y = torch.randn(10, 3), torch.arange(10) % 2
    batch = stub_batch(x.clone(), y)
    moves = family.losses(nets, batch)
    _, loss = next(moves)
    on_real_noise, latent, uniform, on_fake_noise = batch.drawn
    with torch.no_grad():
        on_real = nets["discriminator"](x + 0.5 * on_real_noise, y)
        on_fake = nets["discriminator"](nets["generator"](latent, y, uniform) + 0.5 * on_fake_noise, y)
    assert loss.item() == pytest.approx(discriminator_loss(on_real, on_fake).item(), rel=1e-5)
