"""The discriminator of the founding study as a classifier: a perceptron on whole sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from cohortsmith.data import DataError
from cohortsmith.data.kinds import SEQUENCE, require_kind
from cohortsmith.data.nucleotides import one_hot
from cohortsmith.training import Plan, Runtime, adam, isolated_rng, train

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from cohortsmith.data import Cohort
    from cohortsmith.training import Batch

_NET = "classifier"


@dataclass(frozen=True)
class CrossEntropy:
    """Softmax cross-entropy, the negative log-likelihood of the class (Bishop 2006, equation 4.108)."""

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """One player."""
        return {_NET: adam(nets[_NET].parameters())}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One update; the accuracy on the batch is logged."""
        logits = nets[_NET](batch.x)
        batch.log("accuracy_train", (logits.detach().argmax(1) == batch.y).float().mean())
        yield _NET, F.cross_entropy(logits.float(), batch.y)

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> float | Tensor:
        """Error rate on patients (n, length)."""
        missed: Tensor = (nets[_NET](x).argmax(1) != y).float().mean()
        return missed


class _Centred(nn.Module):
    mean: Tensor

    def __init__(self, mean: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)

    def forward(self, x: Tensor) -> Tensor:
        return x - self.mean


class ClassProbabilities:
    """Classifies aligned sequences by a perceptron on the one-hot encoding of all positions.

    Inputs are centred on the training patients' mean: patients share all but a few positions, which would otherwise
    dominate every unit.

    Args:
        steps: training steps, each on all patients.
        width: units per hidden layer.
        depth: number of hidden layers.
        activation: ReLU after each hidden layer; without it the network is linear, a weighted vote of the positions.
        learning_rate: of Adam.

    Attributes:
        history: rows of `step`, `loss`, `accuracy_train` and, where holdout patients were given, `accuracy_holdout`.

    Raises:
        DataError: an invalid setting.
    """

    def __init__(
        self,
        *,
        steps: int = 120,
        width: int = 64,
        depth: int = 1,
        activation: bool = True,
        learning_rate: float = 1e-3,
    ) -> None:
        for name, value in (("steps", steps), ("width", width), ("depth", depth)):
            if value < 1:
                raise DataError(f"{name} must be at least 1; got {value}")
        self.steps, self.width, self.depth = steps, width, depth
        self.activation, self.learning_rate = activation, learning_rate
        self.history: list[dict[str, float]] = []
        self._net: nn.Module | None = None
        self._features: tuple[str, ...] = ()
        self._classes: tuple[str, ...] = ()

    def fit(self, cohort: Cohort, holdout: Cohort | None = None, *, seed: int = 0, log_every: int = 1) -> Self:
        """Learn the classes of a cohort.

        Args:
            cohort: training patients.
            holdout: patients for `accuracy_holdout` only; they do not influence training.
            seed: of the initial weights and the order of the patients.
            log_every: steps averaged into a row of the history.

        Raises:
            DataError: not sequences, a single class, or holdout patients with other positions or classes.
        """
        _check(cohort)
        if len(cohort.classes) < 2:
            raise DataError(f"a classifier needs at least two classes; this cohort has {len(cohort.classes)}")
        self._features, self._classes = cohort.features, cohort.classes
        validation = None
        if holdout is not None:
            self._refuse_other(holdout)
            validation = (_inputs(holdout), torch.from_numpy(holdout.y))
        plan = Plan(
            steps=self.steps,
            batch_size=len(cohort),
            learning_rate=self.learning_rate,
            ema_decay=0.0,
            validate_every=log_every if validation else 0,
            log_every=log_every,
        )
        with isolated_rng(seed):
            net = self._build(_inputs(cohort).mean(0), len(cohort.classes))
        result = train(
            CrossEntropy(),
            {_NET: net},
            _inputs(cohort),
            torch.from_numpy(cohort.y),
            plan=plan,
            seed=seed,
            # The layers are small: transfers to a GPU would take longer than the computation.
            runtime=Runtime(device="cpu"),
            validation=validation,
        )
        self._net, self.history = result.nets[_NET], [_row(row) for row in result.history]
        return self

    @torch.no_grad()
    def probabilities(self, cohort: Cohort) -> NDArray[np.float32]:
        """Probability of each class, (n, classes), rows sum to one.

        Raises:
            DataError: not fitted, or a cohort with other positions or classes.
        """
        if self._net is None:
            raise DataError("this classifier is not fitted; call fit(cohort) first")
        self._refuse_other(cohort)
        given: NDArray[np.float32] = F.softmax(self._net(_inputs(cohort)), dim=1).numpy()
        return given

    def accuracy(self, cohort: Cohort) -> float:
        """Share of patients whose most probable class is their own."""
        return float(np.mean(self.probabilities(cohort).argmax(axis=1) == cohort.y))

    def _build(self, mean: Tensor, classes: int) -> nn.Module:
        layers: list[nn.Module] = [_Centred(mean)]
        inputs = len(mean)
        for _ in range(self.depth):
            layers.append(nn.Linear(inputs, self.width))
            layers += [nn.ReLU()] if self.activation else []
            inputs = self.width
        return nn.Sequential(*layers, nn.Linear(inputs, classes))

    def _refuse_other(self, cohort: Cohort) -> None:
        _check(cohort)
        if cohort.features != self._features or cohort.classes != self._classes:
            raise DataError(
                f"expected patients with the {len(self._features)} positions and {len(self._classes)} classes of "
                f"training; got {len(cohort.features)} positions and {len(cohort.classes)} classes, or different ones"
            )


def _check(cohort: Cohort) -> None:
    require_kind(cohort.kind, SEQUENCE, "class probabilities need sequences")
    if not len(cohort):
        raise DataError("the cohort is empty; expected sequences")


def _inputs(cohort: Cohort) -> Tensor:
    """One-hot encoding of the sequences, (n, length * 5)."""
    return torch.from_numpy(one_hot(cohort.x).reshape(len(cohort), -1))


def _row(row: Mapping[str, Any]) -> dict[str, float]:
    kept = {key: float(value) for key, value in row.items() if key != "validation_loss"}
    return kept | ({"accuracy_holdout": 1.0 - row["validation_loss"]} if "validation_loss" in row else {})
