"""Communication between the processes of a run; with one process every call returns its argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from cohortsmith.training.devices import is_main_process

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lightning_fabric import Fabric
    from torch import Tensor


class Processes:
    """The processes of a run, seen from one of them.

    Attributes:
        rank: index of this process, from 0.
        count: number of processes.
        is_main: whether this is the one that writes files and reports progress.
    """

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self.rank, self.count = fabric.global_rank, fabric.world_size
        # A process started for an earlier multi-process run may now take part in a single-process run: it still writes
        # nothing.
        self.is_main = fabric.is_global_zero and is_main_process()

    def mean(self, tensor: Tensor) -> Tensor:
        """Return the mean of a tensor over the processes."""
        return tensor if self.count == 1 else cast("Tensor", self._fabric.all_reduce(tensor, reduce_op="mean"))

    def average(self, gradients: Sequence[Tensor]) -> None:
        """Replace gradients by their means over the processes."""
        # One reduction of all gradients instead of DistributedDataParallel: its wrapper hooks into backward, which
        # forbids torch.autograd.grad (gradient penalties) and alternating updates through each other's networks.
        if self.count == 1 or not gradients:
            return
        flat = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        start = 0
        for gradient in gradients:
            stop = start + gradient.numel()
            gradient.copy_(flat[start:stop].view_as(gradient))
            start = stop

    def align(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite tensors with the main process's."""
        if self.count == 1:
            return
        for tensor in tensors:
            shared = tensor.clone() if self.is_main else torch.zeros_like(tensor)
            tensor.copy_(self._sum(shared))

    def rows(self, tensor: Tensor) -> Tensor:
        """Return every process's tensor, stacked (count, ...)."""
        table = tensor.new_zeros((self.count, *tensor.shape))
        table[self.rank] = tensor
        return table if self.count == 1 else self._sum(table.to(self._fabric.device)).to(tensor.device)

    def _sum(self, tensor: Tensor) -> Tensor:
        return cast("Tensor", self._fabric.all_reduce(tensor, reduce_op="sum"))
