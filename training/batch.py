"""Order of the patients and random numbers of each training step.

Order and noise are drawn for the whole batch, across all processes, by generators with the same seed in every
process; each process keeps its own slice. Any number of processes therefore sees the same patients with the same
noise. The order is drawn on the CPU; noise is drawn on the training device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cohortsmith.training.errors import TrainingError

if TYPE_CHECKING:
    from cohortsmith.training.meter import Meter

Views = Callable[[Tensor, Tensor], Tensor]

# Indices are drawn at least this many batches ahead: a permutation per step would slow small runs down.
_AHEAD = 64


class Order:
    """An endless stream of patients' row numbers, epoch after epoch.

    Each epoch is a fresh permutation, and batches cross its end, so that every patient is seen equally often even
    if a batch is larger than the cohort. If balanced, classes come in rounds, each a fresh permutation of the classes,
    and within each class every epoch is a fresh permutation of its patients.

    Args:
        y: classes as integers (n,); only used when balanced.
        batch_size: rows per batch.
        balanced: draw all classes equally often.
        seed: of the stream.
        device: of the returned row numbers.
    """

    def __init__(self, y: Tensor, *, batch_size: int, balanced: bool, seed: int, device: torch.device) -> None:
        self._batch_size = batch_size
        self._device = device
        self._generator = torch.Generator().manual_seed(seed)
        self._rows = len(y)
        self._classes: list[Tensor] = []
        if balanced:
            if y.ndim != 1 or y.is_floating_point():
                raise TrainingError("balanced: expected one integer class per patient in y")
            labels = y.cpu()
            self._classes = [torch.nonzero(labels == label).flatten() for label in torch.unique(labels)]
        self._left = torch.empty(0, dtype=torch.int64)
        self._on_device = self._left.to(device)
        self._at = 0

    def draw(self) -> Tensor:
        """Return the row numbers (batch_size,) of the next batch, on the device."""
        stop = self._at + self._batch_size
        if stop > len(self._left):
            self._refill()
            stop = self._batch_size
        rows = self._on_device[self._at : stop]
        self._at = stop
        return rows

    def _refill(self) -> None:
        parts = [self._left[self._at :]]
        wanted, have = self._batch_size * _AHEAD, len(parts[0])
        while have < wanted:
            part = self._balanced_epoch() if self._classes else torch.randperm(self._rows, generator=self._generator)
            parts.append(part)
            have += len(part)
        self._set(torch.cat(parts))

    def _balanced_epoch(self) -> Tensor:
        """Return an epoch of the largest class: rounds of one patient per class."""
        rounds = max(len(rows) for rows in self._classes)
        columns = []
        for rows in self._classes:
            times = -(-rounds // len(rows))
            drawn = [rows[torch.randperm(len(rows), generator=self._generator)] for _ in range(times)]
            columns.append(torch.cat(drawn)[:rounds])
        table = torch.stack(columns, dim=1)
        keys = torch.rand(table.shape, generator=self._generator)
        return table.gather(1, keys.argsort(dim=1)).flatten()

    def _set(self, left: Tensor) -> None:
        self._left, self._on_device, self._at = left, left.to(self._device), 0

    def state(self) -> dict[str, Tensor]:
        """Return the exact state of the stream: the generator and the rows drawn ahead."""
        return {"generator": self._generator.get_state(), "left": self._left[self._at :].clone()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restore what `state` returned."""
        self._generator.set_state(state["generator"])
        self._set(state["left"])


class BatchSource:
    """Training data on the device, with the order, the noise and this process's share of each batch."""

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        *,
        order: Order,
        noise: torch.Generator,
        meter: Meter,
        batch_size: int,
        rank: int,
        world_size: int,
        views: Views | None = None,
    ) -> None:
        if batch_size % world_size:
            raise TrainingError(
                f"batch_size: expected a multiple of the {world_size} processes, got {batch_size}; "
                "it counts patients across all of them"
            )
        self.x, self.y = x, y
        self.order, self.noise, self.meter = order, noise, meter
        self.batch_size, self.views = batch_size, views
        share = batch_size // world_size
        self.share = None if world_size == 1 else slice(rank * share, (rank + 1) * share)

    def mine(self, whole: Tensor) -> Tensor:
        """Return this process's slice of a tensor (batch_size, ...)."""
        return whole if self.share is None else whole[self.share]


class Batch:
    """The patients of one step, and their random numbers.

    Attributes:
        x: values (b, ...), where b is this process's share of the batch.
        y: classes (b,).
        step: index of the step, from 0.
        steps: steps of the run.
        device: of all tensors.
    """

    __slots__ = ("_source", "device", "step", "steps", "x", "y")

    def __init__(self, source: BatchSource, step: int, steps: int) -> None:
        rows = source.mine(source.order.draw())
        self._source = source
        self.x = source.x.index_select(0, rows)
        if source.views:
            uniform = torch.rand(source.batch_size, generator=source.noise, device=source.x.device)
            self.x = source.views(self.x, source.mine(uniform))
        self.y = source.y.index_select(0, rows)
        self.step, self.steps = step, steps
        self.device = source.x.device

    def __len__(self) -> int:
        return len(self.x)

    def randn(self, *shape: int) -> Tensor:
        """Return standard normal numbers (b, *shape)."""
        source = self._source
        return source.mine(torch.randn((source.batch_size, *shape), generator=source.noise, device=self.device))

    def rand(self, *shape: int) -> Tensor:
        """Return uniform numbers in [0, 1), (b, *shape)."""
        source = self._source
        return source.mine(torch.rand((source.batch_size, *shape), generator=source.noise, device=self.device))

    def randint(self, high: int, *shape: int) -> Tensor:
        """Return integers from 0 to high - 1, int64 (b, *shape)."""
        source = self._source
        size = (source.batch_size, *shape)
        return source.mine(torch.randint(high, size, generator=source.noise, device=self.device))

    def another(self) -> Batch:
        """Return the next batch, for an objective with several updates of a player per step."""
        return Batch(self._source, self.step, self.steps)

    def log(self, name: str, value: Tensor | float) -> None:
        """Add a scalar to the average in the current row of the history, over steps and processes."""
        self._source.meter.add(name, value, self.step)
