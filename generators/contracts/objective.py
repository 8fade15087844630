"""`Family`: what the four families have in common, as one dataclass of settings with losses and a sampler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from cohortsmith.training import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import nn

    from cohortsmith.generators.contracts.architecture import Architecture
    from cohortsmith.training import Batch


class SamplerStep(NamedTuple):
    """What a sampler has at one of its steps.

    Attributes:
        step: number of the step, from 0.
        level: noise level: a standard deviation, or the share of columns that are still masked.
        x: noisy or masked codes (n, ...) at that level.
        denoised: what the network expects the clean codes to be (n, ...): values, or probabilities of symbols.
    """

    step: int
    level: float
    x: Tensor
    denoised: Tensor


SamplerCallback = Callable[[SamplerStep], None]


NO_EARLY_STOP: dict[str, Any] = {"validation": 0.0}  # in a private fit, patients must not decide when to stop

# Every weight gets noise: few weights, moved far.
SMALL_NETWORKS: dict[str, Any] = {"width": 64, "depth": 1, "learning_rate": 2e-3}

_VALIDATIONS = 40


@dataclass(frozen=True)
class Family(ABC):
    """Settings, losses and sampler of a family; it sees codes (n, ...) and classes (n,), never a cohort.

    Attributes:
        steps: training steps at most.
        epochs: passes over the patients at most, so that small cohorts are not memorised; 0 sets no limit, nor does a
            private fit.
        minutes: that training takes at most, by the pace measured before it begins; 0 takes all steps.
        batch_size: patients per step, over all processes; at most half the cohort is taken.
        learning_rate, warmup: Adam's rate and the share of the steps over which it rises; it falls as a cosine.
        ema_decay: decay of the running average of the weights, which samples come from.
        width, depth, dropout: of the networks.
        balanced: show the classes to the networks equally often.
        validation: share of the patients held out for early stopping; 0 trains on all patients for all steps.
        validate_every, patience: steps between two validations (0 is a fortieth of all), and validations without gain
            before training stops.
        dp_epsilon: differential privacy's epsilon (`training.privacy`); 0 trains without.
        dp_delta: its delta; 0 is a tenth of one over the number of patients.
        dp_clip: largest norm of one patient's gradient.
        dp_public_statistics: whether the codec's statistics and the class counts are public, as the user states;
            otherwise the budget is charged for them (`cohortsmith.generators.private.budget`).
        private_defaults: defaults of a private fit where they differ from those of other fits.
        multiplicity, blind: as `training.private.PrivateObjective` has them.
    """

    steps: int = 2000
    epochs: int = 0
    minutes: float = 0.0
    batch_size: int = 256
    learning_rate: float = 1e-3
    warmup: float = 0.03
    ema_decay: float = 0.995
    width: int = 256
    depth: int = 3
    dropout: float = 0.0
    balanced: bool = False
    validation: float = 0.0
    validate_every: int = 0
    patience: int = 0
    dp_epsilon: float = 0.0
    dp_delta: float = 0.0
    dp_clip: float = 1.0
    dp_public_statistics: bool = False

    name: ClassVar[str]
    private_defaults: ClassVar[dict[str, Any]] = NO_EARLY_STOP
    multiplicity: ClassVar[int] = 1
    blind: ClassVar[frozenset[str]] = frozenset()

    def plan(self, patients: int) -> Plan:
        """Plan of training on a number of patients."""
        batch_size = min(self.batch_size, max(patients // 4, 2) * 2)
        limited = self.epochs and not self.dp_epsilon  # noise already prevents memorisation
        limit = max(self.epochs * patients // batch_size, 1) if limited else self.steps
        steps = min(self.steps, limit)
        return Plan(
            steps=steps,
            log_every=min(50, max(1, steps // 30)),
            batch_size=batch_size,
            learning_rate=self.learning_rate,
            warmup=self.warmup,
            decay="cosine",
            ema_decay=self.ema_decay,
            clip_norm=1.0,
            balanced=self.balanced,
            validate_every=(self.validate_every or max(steps // _VALIDATIONS, 1)) if self.validation else 0,
            patience=self.patience if self.validation else 0,
        )

    @abstractmethod
    def build(self, architecture: Architecture) -> dict[str, nn.Module]:
        """Networks by name."""

    @abstractmethod
    def sampling(self) -> tuple[str, ...]:
        """Names of the networks that `sample` needs: a saved model holds these, and no other."""

    @abstractmethod
    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """One optimiser per player, in the order of their moves."""

    @abstractmethod
    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Yield each player and the loss it minimises; when the next one is asked for, that player has moved."""

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Loss on held-out codes (n, ...)."""
        raise TypeError(f"{self.name} has no validation loss: set validation to 0")

    def private_moves(self, step: int, steps: int) -> tuple[str, ...]:
        """Players in the order in which they move at a step of a private run; by default the only one."""
        return (self.name,)

    def private_loss(self, nets: Mapping[str, nn.Module], batch: Batch, player: str) -> Tensor:
        """Loss of a player on one patient, seen several times; of a blind player on none. By default from `losses`."""
        return next(self.losses(nets, batch))[1]

    def private_moved(self, nets: Mapping[str, nn.Module], player: str) -> None:  # noqa: B027
        """Restore constraints after a private move, such as clipped weights."""

    def private_refusal(self) -> str:
        """Why these settings cannot be those of a private fit; empty by default."""
        return ""

    def finish(self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor) -> None:  # noqa: B027
        """Fit, in place, what is fitted to the trained networks, such as a prior."""

    @abstractmethod
    def sample(
        self,
        nets: Mapping[str, nn.Module],
        y: Tensor,
        generator: torch.Generator,
        callback: SamplerCallback | None = None,
    ) -> Tensor:
        """Codes (n, ...) of synthetic patients of the classes y (n,).

        Args:
            nets: networks by name.
            y: classes, or groups within classes where the networks are conditioned on those.
            generator: of every draw.
            callback: called at each step; a family that samples in one pass has no steps and never calls it.
        """

    def evidence(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """What trained networks tell of who was learned from: by kind, (n,) values, higher for likelier members.

        A family that tells nothing has none.

        Args:
            nets: networks by name; those that only training needs are used where they are among them.
            x: codes (n, ...) of patients.
            y: their classes or groups (n,).
            generator: of noise that is the same for every patient.
        """
        return {}


def frozen_noise(x: Tensor, draws: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Standard normal noise of one code's shape, for every patient the same: each draw, and its negative."""
    for _ in range(draws // 2):
        noise = torch.randn((1, *x.shape[1:]), generator=generator, device=x.device)
        yield noise
        yield -noise


def latents(y: Tensor, dim: int, generator: torch.Generator) -> Tensor:
    """Standard normal latents (n, dim), one for each class in y (n,)."""
    return torch.randn((len(y), dim), generator=generator, device=y.device)


def fake_codes(net: nn.Module, batch: Batch, latent_dim: int) -> Tensor:
    """Codes (n, ...) that an adversarial family's generator makes for a batch's classes from the batch's noise."""
    shape: tuple[int, ...] = net.noise_shape  # type: ignore[assignment]
    codes: Tensor = net(batch.randn(latent_dim), batch.y, batch.rand(*shape) if shape else None)
    return codes


def generated_codes(net: nn.Module, y: Tensor, latent_dim: int, generator: torch.Generator) -> Tensor:
    """Codes (n, ...) of the classes y (n,) that an adversarial family's generator makes from fresh noise."""
    shape: tuple[int, ...] = net.noise_shape  # type: ignore[assignment]
    latent = latents(y, latent_dim, generator)
    uniform = torch.rand((len(y), *shape), generator=generator, device=y.device) if shape else None
    codes: Tensor = net(latent, y, uniform)
    return codes
