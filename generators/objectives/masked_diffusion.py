"""Diffusion on symbols: columns are masked, and a network predicts what they held (Austin et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cohortsmith.generators.contracts import SamplerStep
from cohortsmith.generators.objectives.diffusion import DenoisingFamily

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import nn

    from cohortsmith.generators.contracts import SamplerCallback
    from cohortsmith.training import Batch

EVIDENCE_SHARES = {"low": 0.15, "middle": 0.5, "high": 0.85}  # of masked columns, by band
_MASKS = 4  # for each share


@dataclass(frozen=True)
class MaskedDiffusionFamily(DenoisingFamily):
    """Absorbing-state diffusion with the simplified bound.

    At noise level t in (0, 1) each column is masked with probability t. The bound on -log p(x) is the expectation over
    t of the cross-entropy of the masked columns over t (Sahoo et al. 2024, "MDLM", equation 10 for alpha = 1 - t).
    The sampler reveals the columns in a random order, in equal parts, each drawn from the network's prediction given
    the columns revealed before: with as many steps as columns it is exact, with fewer, columns revealed together are
    drawn independently.

    Attributes:
        sampling_steps: parts in which the columns are revealed.
        level_min: lowest noise level in training.
    """

    steps: int = 1500
    validate_every: int = 100
    learning_rate: float = 2e-3
    width: int = 128
    depth: int = 2
    patience: int = 3
    sampling_steps: int = 48
    level_min: float = 0.005

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One move on the bound."""
        y = self.condition(batch)
        yield "denoiser", self._bound(nets["denoiser"], batch.x, y, batch.rand(), batch.rand(batch.x.shape[2]))

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """The bound on held-out codes, each at several evenly spaced noise levels."""
        times = max(1, 4096 // len(x))
        shares = (torch.arange(times, device=x.device) + 0.5) / times
        losses = [
            self._bound(nets["denoiser"], x, y, share.expand(len(x)), self._uniform(x, generator)) for share in shares
        ]
        return torch.stack(losses).mean()

    def evidence(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Minus the bound at fixed shares of masked columns, under the same masks for all, and over all shares.

        Masks come in pairs from uniform noise u and 1 - u, so that every column is masked as often as any other.
        """
        found: dict[str, Tensor] = {}
        for band, share in EVIDENCE_SHARES.items():
            bounds = []
            for _ in range(_MASKS // 2):
                uniform = torch.rand((1, x.shape[2]), generator=generator, device=x.device)
                for half in (uniform, 1 - uniform):
                    bounds.append(self._bounds(nets["denoiser"], x, y, x.new_full((len(x),), share), half))
            found[f"bound_{band}"] = -torch.stack(bounds).mean(0)
        return found | {"bound": torch.stack(list(found.values())).mean(0)}

    def sample(
        self,
        nets: Mapping[str, nn.Module],
        y: Tensor,
        generator: torch.Generator,
        callback: SamplerCallback | None = None,
    ) -> Tensor:
        """One-hot codes of classes y (n,), revealed column by column in a random order."""
        denoiser = nets["denoiser"]
        symbols, columns = (int(side) for side in denoiser.code_shape)  # type: ignore[union-attr]
        x = torch.zeros((len(y), symbols, columns), device=y.device)
        order = torch.rand((len(y), columns), generator=generator, device=y.device).argsort(1)
        revealed = 0
        for step, part in enumerate(order.tensor_split(min(self.sampling_steps, columns), dim=1)):
            level = torch.full((len(y),), 1 - revealed / columns, device=y.device)
            index = part[:, None, :].expand(-1, symbols, -1)
            logits = self.guided(partial(_logits, denoiser, x, level), y)
            if callback:  # x is filled in place: what a callback keeps must not change later
                masked = 1 - x.sum(1, keepdim=True)
                callback(SamplerStep(step, 1 - revealed / columns, x.clone(), x + masked * logits.softmax(1)))
            chances = logits.gather(2, index).softmax(1).cumsum(1)
            uniform = torch.rand((len(y), 1, part.shape[1]), generator=generator, device=y.device)
            drawn = (uniform * chances[:, -1:] >= chances[:, :-1]).sum(1, keepdim=True)
            x.scatter_(2, index, (drawn == torch.arange(symbols, device=y.device)[:, None]).to(x))
            revealed += part.shape[1]
        return x

    def _bound(self, net: nn.Module, x: Tensor, y: Tensor, share: Tensor, uniform: Tensor) -> Tensor:
        """`_bounds`, averaged over patients."""
        return self._bounds(net, x, y, share, uniform).mean()

    def _bounds(self, net: nn.Module, x: Tensor, y: Tensor, share: Tensor, uniform: Tensor) -> Tensor:
        """Bound (n,), in nats, for codes (n, 5, columns), levels from share (n,), uniform noise (n or 1, columns)."""
        level = self.level_min + (1 - self.level_min) * share
        hidden = uniform < level[:, None]
        logits = net(x * ~hidden[:, None], level, y).float()
        surprise = -(x * logits.log_softmax(1)).sum(1)
        bounds: Tensor = (surprise * hidden).sum(1) / level
        return bounds

    @staticmethod
    def _uniform(x: Tensor, generator: torch.Generator) -> Tensor:
        return torch.rand((len(x), x.shape[2]), generator=generator, device=x.device)


def _logits(net: nn.Module, x: Tensor, level: Tensor, y: Tensor) -> Tensor:
    logits: Tensor = net(x, level, y)
    return logits.float()
