"""History of a run, collected without synchronising with the device at every step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from cohortsmith.training.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor


class Meter:
    """Scalars by name, kept on the device until a row of the history is due.

    Args:
        device: of the scalars.
        average: averages a tensor over processes.
    """

    def __init__(self, device: torch.device, average: Callable[[Tensor], Tensor]) -> None:
        self._device = device
        self._average = average
        self._pending: dict[str, list[tuple[int, Tensor]]] = {}
        self._values: dict[str, list[float]] = {}
        self._players: dict[str, str] = {}

    def add_loss(self, name: str, player: str, value: Tensor, step: int) -> None:
        """Record a loss, which must be finite."""
        self._players[name] = player
        self.add(name, value, step)

    def add(self, name: str, value: Tensor | float, step: int) -> None:
        """Record a scalar.

        Raises:
            TrainingError: the value is not a scalar.
        """
        tensor = value.detach() if isinstance(value, torch.Tensor) else torch.tensor(value, device=self._device)
        if tensor.numel() != 1:
            raise TrainingError(f"{name}: expected a scalar to log, got a tensor of shape {tuple(tensor.shape)}")
        try:
            self._pending[name].append((step, tensor))
        except KeyError:
            self._pending[name] = [(step, tensor)]

    def drain(self) -> None:
        """Move the pending scalars to the CPU, in one transfer.

        Raises:
            TrainingError: a loss is not finite; the message names the player and the step.
        """
        if not self._pending:
            return
        scalars = [value.to(torch.float32).reshape(()) for kept in self._pending.values() for _, value in kept]
        numbers = iter(self._average(torch.stack(scalars)).tolist())
        broken: tuple[int, str, float] | None = None
        for name, kept in self._pending.items():
            values = [next(numbers) for _ in kept]
            self._values.setdefault(name, []).extend(values)
            if name in self._players:
                found = [(step, name, value) for (step, _), value in zip(kept, values, strict=True) if not _ok(value)]
                broken = min([*found[:1], *([broken] if broken else [])], default=None)
        self._pending = {}
        if broken is not None:
            step, name, value = broken
            what = "NaN" if math.isnan(value) else "infinite"
            raise TrainingError(
                f"loss of player {self._players[name]} became {what} at step {step + 1}; lower learning_rate, "
                "or set clip_norm"
            )

    def row(self) -> dict[str, float]:
        """Return the averages since the last row, and start the next."""
        self.drain()
        means = {name: math.fsum(values) / len(values) for name, values in self._values.items()}
        self._values = {}
        return means

    def state(self) -> dict[str, list[float]]:
        """Return the values of the unfinished row."""
        self.drain()
        return {name: list(values) for name, values in self._values.items()}

    def restore(self, state: Mapping[str, list[float]]) -> None:
        """Restore what `state` returned."""
        self._values = {name: list(values) for name, values in state.items()}


def _ok(value: float) -> bool:
    return math.isfinite(value)
