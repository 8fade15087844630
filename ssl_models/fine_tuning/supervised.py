"""`FineTuning`: supervised learning with a pretrained or a newly initialised backbone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn
from torch.nn import functional as F

from cohortsmith.data import DataError
from cohortsmith.ssl_models.backbones import AT_ONCE, dense
from cohortsmith.ssl_models.pretexts import BACKBONE, Pretext
from cohortsmith.training import Plan, adam

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from cohortsmith.ssl_models.augmentations import Augmentation
    from cohortsmith.ssl_models.backbones import Backbone
    from cohortsmith.training import Batch

HEAD = "head"
PRETEXT = "pretext/"  # prefix of the frozen networks that fill in masked values


@dataclass(frozen=True)
class FineTuning:
    """Settings of supervised learning.

    Attributes:
        steps: training steps.
        epochs: passes over the labelled patients, instead of `steps`, if not 0.
        batch_size: patients per step.
        learning_rate: peak rate of the schedule.
        optimiser: `sgd` uses `momentum`, with `weight_decay` as part of the loss; for `adam` it is decoupled.
        decay: how the rate falls after `warmup`, a share of the steps: to zero, or by half every `halve_every`
            epochs down to `least_rate`.
        l1l2: for each layer of the backbone from the first on, the factor of its weights' L1 and squared L2 norms in
            the loss, excluding biases and batch norm; surplus factors are ignored.
        frozen: number of first layers of the backbone to freeze, including batch-norm statistics; or `all`.
        class_weights: weigh each class by (t - e)/t in the loss: t patients, e of that class.
        hidden: widths of dense layers (batch norm, ReLU, dropout) between features and logits.
        dropout: dropout rate of those layers.
        validate_every: steps between validations; 0 validates once per epoch.
        patience: validations without improvement before stopping, keeping the best weights; 0, or no validation
            patients, disables validation and early stopping.
        consistency: weight of the squared difference between the predictions for a patient and for the same patient
            with masked values filled in by the frozen pretext model.
        augmentation: name in `KINDS[kind].augmentations`, or `none`.
        balanced: sample all classes equally often instead of in proportion to their sizes.
        unlabelled_weight: weight of the loss on unlabelled patients (`Mixed`); 0 for supervised learning only.
        sharpening: temperature of their guessed class probabilities; below 1 sharpens them.
        mixing: parameter of the Beta distribution for mixing two patients.
    """

    steps: int = 600
    epochs: int = 0
    batch_size: int = 128
    learning_rate: float = 1e-3
    optimiser: Literal["adam", "sgd"] = "adam"
    momentum: float = 0.9
    weight_decay: float = 0.0
    decay: Literal["constant", "cosine", "linear", "halving"] = "cosine"
    halve_every: int = 0
    least_rate: float = 0.0
    warmup: float = 0.0
    l1l2: tuple[float, ...] = ()
    frozen: int | Literal["all"] = 0
    class_weights: bool = False
    hidden: tuple[int, ...] = ()
    dropout: float = 0.0
    validate_every: int = 0
    patience: int = 0
    consistency: float = 0.0
    augmentation: str = "none"
    balanced: bool = False
    unlabelled_weight: float = 0.0
    sharpening: float = 0.5
    mixing: float = 0.75

    def __post_init__(self) -> None:
        for name, right, expected in (
            ("batch_size", self.batch_size > 1, "at least 2: batch norm needs two patients"),
            ("dropout", 0 <= self.dropout < 1, "at least 0 and below 1"),
            ("momentum", 0 <= self.momentum < 1, "at least 0 and below 1"),
            ("weight_decay", self.weight_decay >= 0, "at least 0"),
            ("consistency", self.consistency >= 0, "at least 0"),
            ("unlabelled_weight", self.unlabelled_weight >= 0, "at least 0"),
            ("sharpening", 0 < self.sharpening <= 1, "above 0 and at most 1"),
            ("mixing", self.mixing > 0, "above 0"),
            ("l1l2", min(self.l1l2, default=0) >= 0, "at least 0 each"),
        ):
            if not right:
                raise DataError(f"{name} must be {expected}; got {getattr(self, name)!r}")
        self.plan(self.batch_size, validated=False)  # raises on an invalid schedule

    def plan(self, n: int, *, validated: bool) -> Plan:
        """Plan for n labelled patients, with or without validation patients.

        Raises:
            TrainingError: an invalid schedule.
        """
        steps_per_epoch = math.ceil(n / self.batch_size)
        early_stopping = validated and self.patience > 0
        return Plan(
            steps=self.epochs * steps_per_epoch or self.steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            warmup=self.warmup,
            decay=self.decay,
            halve_every=self.halve_every * steps_per_epoch,
            least_rate=self.least_rate,
            ema_decay=0.0,
            balanced=self.balanced,
            validate_every=(self.validate_every or steps_per_epoch) if early_stopping else 0,
            patience=self.patience if early_stopping else 0,
        )

    def head(self, backbone: Backbone, classes: int) -> nn.Sequential:
        """Network from a backbone's features to logits; call it inside `isolated_rng`."""
        widths = [backbone.width, *self.hidden]
        parts: list[nn.Module] = [nn.ReLU()] if backbone.rectify else []
        parts += [dense(narrow, wide, self.dropout) for narrow, wide in zip(widths, widths[1:], strict=False)]
        return nn.Sequential(*parts, nn.Linear(widths[-1], classes))

    def frozen_layers(self, backbone: Backbone) -> list[nn.Module]:
        """Frozen layers.

        Raises:
            DataError: the backbone has fewer layers.
        """
        if self.frozen == "all":
            return [backbone]  # including buffers outside of any layer
        layers = list(backbone.layers)
        if self.frozen > len(layers):
            raise DataError(f"frozen: this backbone has {len(layers)} layers; got {self.frozen}")
        return layers[: self.frozen]


@dataclass(frozen=True)
class Labelled:
    """Objective of `training.train`: cross-entropy of labelled patients, with the penalties of `FineTuning`.

    The networks are `head`, `backbone` unless the inputs are its features already, and with the prefix `pretext/` those
    that fill in masked values.

    Attributes:
        settings: of the fine-tuning.
        class_weights: of each class in the loss; empty for equal weights.
        augment: augmentation of the inputs of a batch.
        pretext: fills in masked values.
    """

    settings: FineTuning
    class_weights: tuple[float, ...] = ()
    augment: Augmentation | None = None
    pretext: Pretext | None = None

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """One player that updates the head and the layers that are not frozen."""
        for layer in self._frozen(nets):
            layer.requires_grad_(False)
        own = [w for name in (BACKBONE, HEAD) if name in nets for w in nets[name].parameters() if w.requires_grad]
        settings = self.settings
        if settings.optimiser == "adam":
            return {HEAD: adam(own, weight_decay=settings.weight_decay)}
        momentum, decay = settings.momentum, settings.weight_decay
        return {HEAD: torch.optim.SGD(own, lr=1e-3, momentum=momentum, weight_decay=decay, fused=True)}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One update; the accuracy on the batch is logged."""
        for frozen in self._frozen(nets):
            frozen.eval()
        logits = self._logits(nets, self.augment(batch.x, batch) if self.augment else batch.x)
        batch.log("accuracy_train", (logits.detach().argmax(1) == batch.y).float().mean())
        loss = F.cross_entropy(logits, batch.y, weight=self._weights(logits))
        for term in self._penalties(nets):
            loss = loss + term
        if self.pretext and self.settings.consistency:
            difference = self._inconsistency(nets, batch, logits)
            batch.log("inconsistency", difference.detach())
            loss = loss + self.settings.consistency * difference
        yield HEAD, loss

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> float | Tensor:
        """Cross-entropy of validation patients, classes weighted as in the loss."""
        logits = torch.cat([self._logits(nets, part) for part in torch.split(x, AT_ONCE)])
        return F.cross_entropy(logits, y, weight=self._weights(logits))

    def _frozen(self, nets: Mapping[str, nn.Module]) -> list[nn.Module]:
        frozen = [net for name, net in nets.items() if name.startswith(PRETEXT)]
        if BACKBONE in nets:
            backbone: Backbone = nets[BACKBONE]  # type: ignore[assignment]
            frozen += self.settings.frozen_layers(backbone)
        return frozen

    def _logits(self, nets: Mapping[str, nn.Module], x: Tensor) -> Tensor:
        features = nets[BACKBONE](x) if BACKBONE in nets else x
        logits: Tensor = nets[HEAD](features).float()
        return logits

    def _weights(self, like: Tensor) -> Tensor | None:
        return like.new_tensor(self.class_weights) if self.class_weights else None

    def _penalties(self, nets: Mapping[str, nn.Module]) -> list[Tensor]:
        """Factor * (|w| + w^2) of each trainable layer: the elastic net of Zou & Hastie (2005) with equal factors."""
        if not self.settings.l1l2 or BACKBONE not in nets:
            return []
        backbone: Backbone = nets[BACKBONE]  # type: ignore[assignment]
        return [
            factor * (weight.abs().sum() + weight.square().sum())
            for factor, layer in zip(self.settings.l1l2, backbone.layers, strict=False)
            for weight in layer.parameters()
            if weight.ndim > 1 and weight.requires_grad
        ]

    def _inconsistency(self, nets: Mapping[str, nn.Module], batch: Batch, logits: Tensor) -> Tensor:
        """Mean squared difference of predictions for patients with and without masked values filled in."""
        if self.pretext is None:
            raise TypeError("only a pretext predicts masked values")
        own = {name.removeprefix(PRETEXT): net for name, net in nets.items() if name.startswith(PRETEXT)}
        generator = torch.Generator(batch.device).manual_seed(int(batch.randint(2**31 - 1)[0]))
        with torch.no_grad():
            predicted = self.pretext.predicted(own, batch.x, generator)
        if predicted is None:
            raise DataError(f"consistency needs a pretext that predicts values; {type(self.pretext).__name__} does not")
        return F.mse_loss(self._logits(nets, predicted).softmax(1), logits.softmax(1))


def balance_weights(counts: list[int]) -> tuple[float, ...]:
    """Weight (t - e)/t of each class with e of t patients, as in the founding image study."""
    total = sum(counts)
    return tuple((total - count) / total for count in counts)
