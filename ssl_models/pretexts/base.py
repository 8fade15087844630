"""`Pretext`: base class of self-supervised tasks that train a backbone without labels."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from cohortsmith.data import DataError
from cohortsmith.training import Plan, adam

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch
    from torch import Tensor, nn

    from cohortsmith.ssl_models.backbones import Backbone
    from cohortsmith.training import Batch

BACKBONE = "backbone"  # name of the network to keep


@dataclass(frozen=True)
class Pretext(ABC):
    """Settings, networks and loss of one pretext task; an objective of `training.train` with one player.

    The networks are the backbone, under the name `backbone`, and additional networks of the task. Labels are not
    used: `batch.y` is zero for all patients.

    Attributes:
        steps: training steps.
        epochs: passes over the patients, instead of `steps`, if not 0.
        batch_size: patients per step.
        learning_rate: peak rate of the schedule.
        weight_decay: decoupled (Loshchilov & Hutter 2019).
        decay: how the rate falls to zero after `warmup`, a share of the steps.
        patience: validations (one per epoch) without improvement before stopping early; 0 disables early stopping.
    """

    steps: int = 1000
    epochs: int = 0
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    decay: Literal["constant", "cosine", "linear"] = "cosine"
    warmup: float = 0.0
    patience: int = 0

    backbones: ClassVar[tuple[str, ...]] = ()  # supported backbones; all of the data kind when empty

    @abstractmethod
    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """Networks by name, including the backbone; call it inside `isolated_rng`.

        Args:
            backbone: the network to train.
            x: all inputs (n, ...), for sizes and statistics; must not be stored.
        """

    @abstractmethod
    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Yield `BACKBONE` and the loss of a batch, once."""

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """One player that updates all trainable parameters."""
        trainable = [w for net in nets.values() for w in net.parameters() if w.requires_grad]
        return {BACKBONE: adam(trainable, weight_decay=self.weight_decay)}

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> float | Tensor:
        """Loss on held-out patients (n, ...); required for `patience`."""
        raise DataError(f"{type(self).__name__} has no validation loss; leave its patience at 0")

    def views(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor] | None:
        """Two random views of each patient (n, ...); None for tasks without views."""
        return None

    def predicted(self, nets: Mapping[str, nn.Module], x: Tensor, generator: torch.Generator) -> Tensor | None:
        """Patients (n, ...) with masked values filled in by the task's networks; None for tasks that predict none."""
        return None

    def plan(self, n: int) -> Plan:
        """Plan for n patients."""
        steps_per_epoch = math.ceil(n / self.batch_size)
        return Plan(
            steps=self.epochs * steps_per_epoch or self.steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            warmup=self.warmup,
            decay=self.decay,
            ema_decay=0.0,
            validate_every=steps_per_epoch if self.patience else 0,
            patience=self.patience,
        )
