"""Diffusion: patients generated from noise by a denoising network (Karras et al. 2022, "EDM")."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor

from cohortsmith.generators.contracts import (
    NO_CLASS,
    NO_EARLY_STOP,
    SMALL_NETWORKS,
    Family,
    SamplerStep,
    frozen_noise,
)
from cohortsmith.training import Plan, adam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import nn

    from cohortsmith.generators.contracts import Architecture, SamplerCallback
    from cohortsmith.training import Batch

    Model = Callable[[Tensor, Tensor], Tensor]

EVIDENCE_LEVELS = {"low": (0.05, 0.1, 0.2), "middle": (0.35, 0.7), "high": (1.2,)}  # of noise, by band
_EVIDENCE_VALUES = 4096  # draws of noise times values of a code: long codes average over their own entries
_LEAST_DRAWS, _MOST_DRAWS = 2, 8


@dataclass(frozen=True)
class DenoisingFamily(Family):
    """What diffusion on numbers and on symbols have in common: one network, with or without the class, and guidance.

    Attributes:
        class_dropout: share of patients whose class is hidden in training; guidance needs it.
        guidance: 1 samples the class as learned; above 1 pushes away from the whole population (Ho & Salimans 2022).
        compiled: compile the network on CUDA.
    """

    validation: float = 0.1
    class_dropout: float = 0.1
    guidance: float = 1.0
    compiled: bool = False

    name: ClassVar[str] = "diffusion"
    private_defaults: ClassVar[dict[str, Any]] = NO_EARLY_STOP | SMALL_NETWORKS | {"steps": 600}
    multiplicity: ClassVar[int] = 8

    def plan(self, patients: int) -> Plan:
        """Plan of training on a number of patients."""
        return replace(super().plan(patients), compiled=self.compiled)

    def build(self, architecture: Architecture) -> dict[str, nn.Module]:
        """Build the denoiser."""
        return {"denoiser": architecture.denoiser()}

    def sampling(self) -> tuple[str, ...]:
        """The denoiser."""
        return ("denoiser",)

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """One Adam."""
        return {"denoiser": adam(nets["denoiser"].parameters(), betas=(0.9, 0.99))}

    def private_moves(self, step: int, steps: int) -> tuple[str, ...]:
        """The denoiser."""
        return ("denoiser",)

    def condition(self, batch: Batch) -> Tensor:
        """Classes (n,) of a batch, some of them hidden."""
        return torch.where(batch.rand() < self.class_dropout, NO_CLASS, batch.y) if self.class_dropout else batch.y

    def guided(self, ask: Callable[[Tensor], Tensor], y: Tensor) -> Tensor:
        """The network's answer for classes y (n,), pushed away from its answer for the whole population.

        Logits need not be normalised first: a constant added to all symbols has no effect.
        """
        own = ask(y)
        if self.guidance == 1.0:
            return own
        common = ask(torch.full_like(y, NO_CLASS))
        return common + self.guidance * (own - common)


@dataclass(frozen=True)
class DiffusionFamily(DenoisingFamily):
    """EDM: preconditioned denoising, and Heun's sampler or DPM-Solver++.

    Attributes:
        sigma_data: standard deviation of the codes.
        p_mean, p_std: of the logarithm of the noise level in training (table 1).
        solver: `heun` calls the network twice at each noise level but the last, `dpm` (DPM-Solver++ 2M) once.
        sampling_steps: noise levels of the sampler.
        guided_below, guided_above: noise levels between which guidance pushes (Kynkaanniemi et al. 2024): above them it
            reduces diversity, below them it has no effect, and it doubles the calls.
        sigma_min, sigma_max, rho: noise levels of the sampler (equation 5).
    """

    steps: int = 8000
    epochs: int = 100
    width: int = 128
    patience: int = 8
    sigma_data: float = 1.0
    p_mean: float = -0.8
    p_std: float = 1.4
    solver: Literal["heun", "dpm"] = "heun"
    sampling_steps: int = 10
    guided_below: float = 1000.0
    guided_above: float = 0.0
    sigma_min: float = 0.02
    sigma_max: float = 20.0
    rho: float = 7.0

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One move on the weighted denoising error (equation 8)."""
        y = self.condition(batch)
        sigma = (self.p_mean + self.p_std * batch.randn()).exp()
        yield "denoiser", self._error(nets["denoiser"], batch.x, y, sigma, batch.randn(*batch.x.shape[1:]))

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Weighted denoising error on held-out codes, each at several quantiles of the noise levels."""
        times = max(1, 4096 // len(x))
        x, y = x.repeat_interleave(times, 0), y.repeat_interleave(times)
        shares = (torch.arange(len(x), device=x.device) % times + 0.5) / times
        sigma = (self.p_mean + self.p_std * torch.special.ndtri(shares)).exp()
        noise = torch.randn(x.shape, generator=generator, device=x.device)
        return self._error(nets["denoiser"], x, y, sigma, noise)

    def sample(
        self,
        nets: Mapping[str, nn.Module],
        y: Tensor,
        generator: torch.Generator,
        callback: SamplerCallback | None = None,
    ) -> Tensor:
        """Codes of classes y (n,) by the solver, from the highest noise level to zero."""
        denoiser = nets["denoiser"]
        shape = (len(y), *denoiser.code_shape)  # type: ignore[misc]
        x = torch.randn(shape, generator=generator, device=y.device) * self.sigma_max

        def model(x: Tensor, sigma: Tensor) -> Tensor:
            if not self.guided_above <= float(sigma[0]) <= self.guided_below:
                return self.denoise(denoiser, x, sigma, y)
            return self.guided(lambda condition: self.denoise(denoiser, x, sigma, condition), y)

        solve = heun if self.solver == "heun" else dpm_solver
        levels = karras_levels(self.sampling_steps, self.sigma_min, self.sigma_max, self.rho)
        return solve(model, x, levels, callback)

    def evidence(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Minus the weighted denoising error in bands of noise levels, and over all of them.

        A loss at a fixed level tells more than one over random levels (Carlini et al. 2023, section 5; Matsumoto et al.
        2023): patients that were learned are denoised better where little noise leaves them recognisable.
        """
        draws = int(min(max(_EVIDENCE_VALUES // x[0].numel(), _LEAST_DRAWS), _MOST_DRAWS))
        bands: dict[str, Tensor] = {}
        for band, levels in EVIDENCE_LEVELS.items():
            errors = [
                self._errors(nets["denoiser"], x, y, x.new_full((len(x),), level * self.sigma_data), noise)
                .flatten(1)
                .mean(1)
                for level in levels
                for noise in frozen_noise(x, draws, generator)
            ]
            bands[f"denoising_{band}"] = -torch.stack(errors).mean(0)
        return bands | {"denoising": torch.stack(list(bands.values())).mean(0)}

    def denoise(self, net: nn.Module, x: Tensor, sigma: Tensor, y: Tensor) -> Tensor:
        """Expected clean codes given noisy ones (n, ...) at levels sigma (n,): equation 7."""
        level = sigma.reshape(-1, *[1] * (x.ndim - 1))
        total = level.square() + self.sigma_data**2
        out: Tensor = net(self.scaled(x, sigma), sigma.log() / 4, y).float()
        return x * (self.sigma_data**2 / total) + out * (level * self.sigma_data / total.sqrt())

    def scaled(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Noisy codes (n, ...) at levels sigma (n,) as the network takes them: of unit variance (equation 7, c_in)."""
        return x / (sigma.reshape(-1, *[1] * (x.ndim - 1)).square() + self.sigma_data**2).sqrt()

    def _error(self, net: nn.Module, x: Tensor, y: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
        return self._errors(net, x, y, sigma, noise).mean()

    def _errors(self, net: nn.Module, x: Tensor, y: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
        level = sigma.reshape(-1, *[1] * (x.ndim - 1))
        weight = (level.square() + self.sigma_data**2) / (level * self.sigma_data).square()
        return weight * (self.denoise(net, x + level * noise, sigma, y) - x).square()


def karras_levels(steps: int, low: float, high: float, rho: float) -> Tensor:
    """Noise levels (steps + 1,) from high to low, then zero (equation 5)."""
    share = torch.linspace(0, 1, steps)
    levels = (high ** (1 / rho) + share * (low ** (1 / rho) - high ** (1 / rho))) ** rho
    return torch.cat([levels, torch.zeros(1)])


def heun(model: Model, x: Tensor, levels: Tensor, callback: SamplerCallback | None = None) -> Tensor:
    """Solve dx/dsigma = (x - model(x, sigma)) / sigma from levels[0] to levels[-1] (algorithm 1, no churn).

    Args:
        model: expected clean codes given noisy ones (n, ...) and their noise levels (n,).
        x: codes (n, ...) at the first level.
        levels: descending noise levels (steps + 1,), the last of them 0.
        callback: called at each step with what `model` answered at its start.
    """
    levels = levels.to(x.device)
    for step, (sigma, sigma_next) in enumerate(zip(levels[:-1], levels[1:], strict=True)):
        denoised = model(x, sigma.expand(len(x)))
        if callback:
            callback(SamplerStep(step, float(sigma), x, denoised))
        slope = (x - denoised) / sigma
        x_next = x + (sigma_next - sigma) * slope
        if sigma_next > 0:
            slope_next = (x_next - model(x_next, sigma_next.expand(len(x)))) / sigma_next
            x_next = x + (sigma_next - sigma) * (slope + slope_next) / 2
        x = x_next
    return x


def dpm_solver(model: Model, x: Tensor, levels: Tensor, callback: SamplerCallback | None = None) -> Tensor:
    """Solve the same by DPM-Solver++(2M) (Lu et al. 2022, algorithm 2, with alpha 1), which reuses the last answer.

    Over a step of h in -log sigma, x' = (sigma' / sigma) x - (e^-h - 1) D, with D the model's expected answer half way,
    on the line through its last two answers. The step to no noise is the answer itself. Arguments are those of `heun`.
    """
    levels = levels.to(x.device)
    before: Tensor | None = None
    last = math.nan
    for step, (sigma, sigma_next) in enumerate(zip(levels[:-1], levels[1:], strict=True)):
        denoised = model(x, sigma.expand(len(x)))
        if callback:
            callback(SamplerStep(step, float(sigma), x, denoised))
        if sigma_next == 0:
            return denoised
        h = float(sigma.log() - sigma_next.log())
        ahead = denoised if before is None else denoised + (denoised - before) * (h / last / 2)
        x = x * (sigma_next / sigma) - math.expm1(-h) * ahead
        before, last = denoised, h
    return x
