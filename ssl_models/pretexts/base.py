"""`Pretext`: a task that needs no labels, and what it leaves in a backbone."""

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

BACKBONE = "backbone"  # name of the network that is kept


@dataclass(frozen=True)
class Pretext(ABC):
    """Settings, networks and loss of one pretext task; an objective of `training.train` with one player.

    The networks are the backbone, under the name `backbone`, and whatever the task needs beside it. Labels do not come
    in: `batch.y` is nought for everybody.

    Attributes:
        steps: of training.
        epochs: passes over the patients, in place of `steps`, when not 0.
        batch_size: patients a step.
        learning_rate: at the top of the schedule.
        weight_decay: decoupled (Loshchilov & Hutter 2019).
        decay: how the rate falls to nought after `warmup`, a share of the steps.
        patience: validations (one an epoch) without gain after which it stops; 0 never stops early.
    """

    steps: int = 1000
    epochs: int = 0
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    decay: Literal["constant", "cosine", "linear"] = "cosine"
    warmup: float = 0.0
    patience: int = 0

    backbones: ClassVar[tuple[str, ...]] = ()  # names of the backbones it works on; all of the kind when empty

    @abstractmethod
    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """Networks by name, the backbone among them; called where random numbers are isolated.

        Args:
            backbone: the network to train.
            x: all inputs (n, ...), for sizes and statistics; not to be kept.
        """

    @abstractmethod
    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Yield `BACKBONE` and the loss of a batch, once."""

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """One player that moves every network which wants gradients."""
        moved = [w for net in nets.values() for w in net.parameters() if w.requires_grad]
        return {BACKBONE: adam(moved, weight_decay=self.weight_decay)}

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> float | Tensor:
        """Loss on held-out patients (n, ...); a task with `patience` must have one."""
        raise DataError(f"{type(self).__name__} has no loss on held-out patients; leave its patience at 0")

    def views(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor] | None:
        """Two views of each patient (n, ...) as the task sees them; None where it has no views."""
        return None

    def predicted(self, nets: Mapping[str, nn.Module], x: Tensor, generator: torch.Generator) -> Tensor | None:
        """Patients (n, ...) with masked values filled in by the task's networks; None where it predicts none."""
        return None

    def plan(self, n: int) -> Plan:
        """Plan for n patients."""
        a_pass = math.ceil(n / self.batch_size)
        return Plan(
            steps=self.epochs * a_pass or self.steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            warmup=self.warmup,
            decay=self.decay,
            ema_decay=0.0,
            validate_every=a_pass if self.patience else 0,
            patience=self.patience,
        )
