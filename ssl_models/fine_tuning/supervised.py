"""`FineTuning`: how a classifier learns from labels, with a backbone that a pretext has trained or one that is new."""

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
PRETEXT = "pretext/"  # before the names of the frozen networks that fill in masked values


@dataclass(frozen=True)
class FineTuning:
    """Settings of learning from labels.

    Attributes:
        steps: of training.
        epochs: passes over the labelled patients, in place of `steps`, when not 0.
        batch_size: patients a step.
        learning_rate: at the top of the schedule.
        optimiser: `sgd` has a `momentum`, and its `weight_decay` is part of the loss; that of `adam` is decoupled.
        decay: how the rate falls after `warmup`, a share of the steps: to nought, or by half every `halve_every`
            epochs and not under `least_rate`.
        l1l2: for each layer of the backbone from the first on, the factor of the sum of its weights' magnitudes and
            squares that is added to the loss; biases and batch norm are left out, and factors of layers that the
            backbone does not have are too.
        frozen: first layers of the backbone that stay as they are, batch norm's figures too; or `all`.
        class_weights: weigh each class by (t - e)/t in the loss: t patients, e of that class.
        hidden: widths of dense layers (batch norm, ReLU, dropout) between the features and the classes.
        dropout: of those.
        validate_every: steps between two looks at validation patients; 0 looks once an epoch.
        patience: looks without gain after which it stops, keeping the weights of the best; 0 neither looks nor stops.
            Without validation patients it does neither.
        consistency: weight of the squared difference between the probabilities for a patient and for the same patient
            with masked values filled in by the frozen pretext model.
        augmentation: name in `KINDS[kind].augmentations`, or `none`.
        balanced: show the classes evenly instead of as often as they occur.
        unlabelled_weight: weight of the loss of patients without labels, who are then learnt from too (`Mixed`); 0
            learns from labels alone.
        sharpening: temperature of their guessed classes, under 1 for surer ones.
        mixing: of the Beta distribution by which two patients are mixed.
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
            ("dropout", 0 <= self.dropout < 1, "at least 0 and under 1"),
            ("momentum", 0 <= self.momentum < 1, "at least 0 and under 1"),
            ("weight_decay", self.weight_decay >= 0, "at least 0"),
            ("consistency", self.consistency >= 0, "at least 0"),
            ("unlabelled_weight", self.unlabelled_weight >= 0, "at least 0"),
            ("sharpening", 0 < self.sharpening <= 1, "above 0 and at most 1"),
            ("mixing", self.mixing > 0, "above 0"),
            ("l1l2", min(self.l1l2, default=0) >= 0, "at least 0 each"),
        ):
            if not right:
                raise DataError(f"{name} must be {expected}; got {getattr(self, name)!r}")
        self.plan(self.batch_size, validated=False)  # says what is wrong with a schedule

    def plan(self, n: int, *, validated: bool) -> Plan:
        """Plan for n labelled patients, with or without validation patients.

        Raises:
            TrainingError: a schedule that cannot be.
        """
        a_pass = math.ceil(n / self.batch_size)
        looks = validated and self.patience > 0
        return Plan(
            steps=self.epochs * a_pass or self.steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            warmup=self.warmup,
            decay=self.decay,
            halve_every=self.halve_every * a_pass,
            least_rate=self.least_rate,
            ema_decay=0.0,
            balanced=self.balanced,
            validate_every=(self.validate_every or a_pass) if looks else 0,
            patience=self.patience if looks else 0,
        )

    def head(self, backbone: Backbone, classes: int) -> nn.Sequential:
        """Network from a backbone's features to logits; called where random numbers are isolated."""
        widths = [backbone.width, *self.hidden]
        parts: list[nn.Module] = [nn.ReLU()] if backbone.rectify else []
        parts += [dense(narrow, wide, self.dropout) for narrow, wide in zip(widths, widths[1:], strict=False)]
        return nn.Sequential(*parts, nn.Linear(widths[-1], classes))

    def frozen_layers(self, backbone: Backbone) -> list[nn.Module]:
        """Layers that stay as they are.

        Raises:
            DataError: the backbone has fewer layers.
        """
        if self.frozen == "all":
            return [backbone]  # buffers too that stand in no layer
        layers = list(backbone.layers)
        if self.frozen > len(layers):
            raise DataError(f"frozen: this backbone has {len(layers)} layers; got {self.frozen}")
        return layers[: self.frozen]


@dataclass(frozen=True)
class Labelled:
    """Objective of `training.train`: cross-entropy of labelled patients, and what `FineTuning` adds to it.

    The networks are `head`, `backbone` unless the inputs are its features already, and under `pretext/` those that fill
    in masked values.

    Attributes:
        settings: of the fine-tuning.
        class_weights: of each class in the loss; none weighs them alike.
        augment: applied to the inputs of a batch.
        pretext: what fills in masked values.
    """

    settings: FineTuning
    class_weights: tuple[float, ...] = ()
    augment: Augmentation | None = None
    pretext: Pretext | None = None

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """One player that moves the head and the layers that are not frozen."""
        for layer in self._frozen(nets):
            layer.requires_grad_(False)
        own = [w for name in (BACKBONE, HEAD) if name in nets for w in nets[name].parameters() if w.requires_grad]
        settings = self.settings
        if settings.optimiser == "adam":
            return {HEAD: adam(own, weight_decay=settings.weight_decay)}
        momentum, decay = settings.momentum, settings.weight_decay
        return {HEAD: torch.optim.SGD(own, lr=1e-3, momentum=momentum, weight_decay=decay, fused=True)}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One move; the share of the batch that was recognised before it is logged."""
        for still in self._frozen(nets):
            still.eval()
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
        """Cross-entropy of validation patients, classes weighed as in the loss."""
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
        """Factor * (|w| + w^2) of each layer that learns: Zou & Hastie's elastic net (2005), both factors alike."""
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
        """Mean squared difference of the probabilities for patients and for the same ones partly predicted."""
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
    """Weight (t - e)/t of each class with e of t patients, as the founding image study has it."""
    total = sum(counts)
    return tuple((total - count) / total for count in counts)
