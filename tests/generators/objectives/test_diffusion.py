"""EDM in closed form: preconditioning, weights, noise levels, Heun's method, guidance (Karras et al. 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from cohortsmith.generators.contracts.architecture import NO_CLASS
from cohortsmith.generators.networks.residual_mlp import ResidualMLP
from cohortsmith.generators.objectives.diffusion import (
    EVIDENCE_LEVELS,
    DiffusionFamily,
    dpm_solver,
    heun,
    karras_levels,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from cohortsmith.generators.contracts import SamplerStep


class Answer(nn.Module):
    """A network that gives one answer for a class, and none for the whole population."""

    def __init__(self, answer: float, dim: int = 3, *, hears_class: bool = False) -> None:
        super().__init__()
        self.answer, self.code_shape, self.hears_class = answer, (dim,), hears_class

    def forward(self, x: Tensor, level: Tensor, y: Tensor) -> Tensor:
        known = (y != NO_CLASS).float()[:, None] if self.hears_class else 1.0
        return torch.full_like(x, self.answer) * known


def draws(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_without_noise_denoising_changes_nothing() -> None:
    x, y = draws(5, 3), torch.zeros(5, dtype=torch.int64)
    clean = DiffusionFamily().denoise(Answer(7.0), x, torch.full((5,), 1e-6), y)
    torch.testing.assert_close(clean, x, atol=1e-4, rtol=0)


def test_in_pure_noise_denoising_is_the_networks_answer() -> None:
    x, y = 1e6 * draws(5, 3), torch.zeros(5, dtype=torch.int64)
    for spread in (1.0, 0.5):
        clean = DiffusionFamily(sigma_data=spread).denoise(Answer(0.3), x, torch.full((5,), 1e6), y)
        torch.testing.assert_close(clean, torch.full((5, 3), 0.3 * spread), atol=1e-3, rtol=0)


@pytest.mark.parametrize("sigma", [0.05, 0.5, 5.0, 50.0])
def test_the_network_sees_codes_of_unit_variance(sigma: float) -> None:
    seen = []

    class Look(Answer):
        def forward(self, x: Tensor, level: Tensor, y: Tensor) -> Tensor:
            seen.append((x, level))
            return torch.zeros_like(x)

    x = 0.5 * draws(20_000, 3) + sigma * draws(20_000, 3, seed=1)
    family = DiffusionFamily(sigma_data=0.5)
    family.denoise(Look(0.0), x, torch.full((20_000,), sigma), torch.zeros(20_000, dtype=torch.int64))
    assert seen[0][0].var().item() == pytest.approx(1, rel=0.03)
    assert seen[0][1][0].item() == pytest.approx(torch.tensor(sigma).log().item() / 4)


@pytest.mark.parametrize("p_mean", [-3.0, -0.8, 2.5])
@pytest.mark.parametrize("answer", [0.0, 2.0])
def test_every_noise_level_weighs_the_same(p_mean: float, answer: float) -> None:
    """lambda(sigma) c_out(sigma)^2 = 1: the loss is E|F - F*|^2, and F* of N(0, sd^2) codes has unit variance."""
    for spread in (1.0, 0.5):
        family = DiffusionFamily(p_mean=p_mean, p_std=0.3, sigma_data=spread)
        x, y = spread * draws(30_000, 3), torch.zeros(30_000, dtype=torch.int64)
        loss = family.validation_loss({"denoiser": Answer(answer)}, x, y, torch.Generator().manual_seed(1))
        assert float(loss) == pytest.approx(1 + answer**2, rel=0.03)


def test_training_starts_from_the_loss_of_knowing_nothing(stub_batch: Callable[..., Any]) -> None:
    family = DiffusionFamily()
    nets = family.build(ResidualMLP(8, 2, 16, 1))
    batch = stub_batch(draws(20_000, 8), torch.arange(20_000) % 2)
    ((player, loss),) = family.losses(nets, batch)
    assert player == "denoiser"
    assert loss.item() == pytest.approx(1, rel=0.05)


def test_the_class_is_hidden_for_the_share_asked(stub_batch: Callable[..., Any]) -> None:
    hidden = []

    class Look(Answer):
        def forward(self, x: Tensor, level: Tensor, y: Tensor) -> Tensor:
            hidden.append((y == NO_CLASS).float().mean().item())
            return torch.zeros_like(x)

    for share in (0.0, 0.25):
        batch = stub_batch(draws(20_000, 3), torch.ones(20_000, dtype=torch.int64))
        list(DiffusionFamily(class_dropout=share).losses({"denoiser": Look(0.0)}, batch))
        assert hidden.pop() == pytest.approx(share, abs=0.02)


def test_noise_levels_fall_from_high_to_low_to_zero() -> None:
    levels = karras_levels(18, 0.002, 80.0, 7.0)
    assert levels.shape == (19,)
    assert levels[0].item() == pytest.approx(80, rel=1e-4)
    assert levels[-2].item() == pytest.approx(0.002, rel=1e-2)
    assert levels[-1] == 0
    assert (levels.diff() < 0).all()
    torch.testing.assert_close(karras_levels(5, 1.0, 3.0, 1.0), torch.tensor([3.0, 2.5, 2.0, 1.5, 1.0, 0.0]))
    # The larger rho, the more levels near zero (figure 13).
    assert (levels < 1).sum() > (karras_levels(18, 0.002, 80.0, 3.0) < 1).sum()


def ideal(spread: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda x, sigma: x * (spread**2 / (spread**2 + sigma**2))[:, None]


@pytest.mark.parametrize("solve", [heun, dpm_solver])
@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0])
def test_noise_becomes_the_data_when_the_denoiser_is_ideal(solve: Callable[..., Tensor], spread: float) -> None:
    """For N(0, sd^2) data the flow only scales: x(0) = x(sigma) sd / sqrt(sd^2 + sigma^2)."""
    high = 20.0
    start = high * draws(4000, 2).double()
    end = solve(ideal(spread), start, karras_levels(64, 0.002, high, 7.0).double())
    torch.testing.assert_close(end, start * spread / (spread**2 + high**2) ** 0.5, rtol=5e-3, atol=0)
    assert end.std().item() == pytest.approx(spread, rel=0.03)


@pytest.mark.parametrize("solve", [heun, dpm_solver])
def test_doubling_the_steps_quarters_the_error(solve: Callable[..., Tensor]) -> None:
    start, exact = torch.ones(1, 1).double(), (2.0 / 101.0) ** 0.5
    errors = []
    for steps in (16, 32, 64, 128):
        levels = karras_levels(steps + 1, 1.0, 10.0, 7.0)[:-1].double()
        levels[0], levels[-1] = 10.0, 1.0
        errors.append(abs(solve(ideal(1.0), start, levels).item() - exact))
    for coarse, fine in zip(errors[:-1], errors[1:], strict=True):
        assert 3.4 < coarse / fine < 4.8


@pytest.mark.parametrize("guidance", [0.0, 1.0, 3.0])
def test_guidance_changes_nothing_where_class_and_population_agree(guidance: float) -> None:
    y = torch.zeros(50, dtype=torch.int64)

    def sample(weight: float) -> Tensor:
        family = DiffusionFamily(guidance=weight)
        return family.sample({"denoiser": Answer(0.5)}, y, torch.Generator().manual_seed(0))

    torch.testing.assert_close(sample(guidance), sample(1.0), rtol=1e-4, atol=1e-4)


def test_guidance_pushes_between_its_two_noise_levels_only() -> None:
    asked: list[tuple[float, bool]] = []

    class Listening(Answer):
        def forward(self, x: Tensor, level: Tensor, y: Tensor) -> Tensor:
            asked.append((float((4 * level[0]).exp()), bool((y == NO_CLASS).all())))
            return super().forward(x, level, y)

    family = DiffusionFamily(guidance=2.0, guided_above=0.3, guided_below=5.0, solver="dpm", sampling_steps=12)
    family.sample({"denoiser": Listening(0.5)}, torch.zeros(2, dtype=torch.int64), torch.Generator().manual_seed(0))
    assert len([1 for _, hidden in asked if not hidden]) == 12
    pushed = [level for level, hidden in asked if hidden]
    assert len(pushed) == len([1 for level, hidden in asked if not hidden and 0.3 <= level <= 5.0]) > 2
    assert 0.3 <= min(pushed) <= max(pushed) <= 5.0


def test_guidance_leads_from_the_population_through_the_class_and_beyond() -> None:
    y = torch.zeros(200, dtype=torch.int64)

    def middle(weight: float) -> float:
        nets = {"denoiser": Answer(0.5, hears_class=True)}
        return DiffusionFamily(guidance=weight).sample(nets, y, torch.Generator().manual_seed(0)).mean().item()

    population, learned, beyond = middle(0.0), middle(1.0), middle(2.0)
    assert learned > population + 0.1
    assert beyond - learned == pytest.approx(learned - population, rel=0.01)


@pytest.mark.parametrize("solve", [heun, dpm_solver])
def test_a_callback_sees_every_step_and_changes_nothing(solve: Any) -> None:
    def model(x: Tensor, sigma: Tensor) -> Tensor:
        return x / (1 + sigma[:, None] ** 2)

    steps: list[SamplerStep] = []
    x, levels = 10 * draws(4, 3), karras_levels(5, 0.1, 10.0, 7.0)
    watched = solve(model, x, levels, steps.append)
    assert torch.equal(watched, solve(model, x, levels))
    assert [step.step for step in steps] == list(range(5))
    assert [step.level for step in steps] == levels[:-1].tolist()
    assert torch.equal(steps[0].x, x)
    for step in steps:
        assert torch.equal(step.denoised, model(step.x, torch.full((4,), step.level)))
    assert torch.equal(watched, steps[-1].denoised) or solve is heun


def test_sampling_passes_the_callback_on() -> None:
    family, steps = DiffusionFamily(sampling_steps=4), list[Any]()
    y, nets = torch.zeros(3, dtype=torch.int64), {"denoiser": Answer(0.3)}
    codes = family.sample(nets, y, torch.Generator().manual_seed(0), steps.append)
    assert torch.equal(codes, family.sample(nets, y, torch.Generator().manual_seed(0)))
    assert [step.level for step in steps] == pytest.approx(karras_levels(4, 0.02, 20.0, 7.0)[:-1].tolist())
    unit = family.scaled(steps[0].x, torch.full((3,), steps[0].level))
    torch.testing.assert_close(unit, steps[0].x / (1 + steps[0].level ** 2) ** 0.5)


def test_evidence_is_the_denoising_error_level_by_level_under_one_noise() -> None:
    family = DiffusionFamily(sigma_data=0.8)
    x, y = draws(4, 3), torch.zeros(4, dtype=torch.int64)
    found = family.evidence({"denoiser": Answer(0.3)}, x, y, torch.Generator().manual_seed(7))
    generator = torch.Generator().manual_seed(7)
    for band, levels in EVIDENCE_LEVELS.items():
        errors = []
        for level in levels:
            for _ in range(4):
                noise = torch.randn((1, 3), generator=generator)
                for sign in (1, -1):
                    s = level * 0.8
                    share = 0.8**2 / (s**2 + 0.8**2)
                    clean = share * (x + sign * s * noise) + 0.3 * s * 0.8 / (s**2 + 0.8**2) ** 0.5
                    errors.append((s**2 + 0.8**2) / (s * 0.8) ** 2 * (clean - x).square().mean(1))
        torch.testing.assert_close(found[f"denoising_{band}"], -torch.stack(errors).mean(0), rtol=1e-4, atol=1e-5)
    bands = [found[f"denoising_{band}"] for band in EVIDENCE_LEVELS]
    torch.testing.assert_close(found["denoising"], torch.stack(bands).mean(0))
