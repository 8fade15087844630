"""Protocol that every trained model implements for the training loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from torch import Tensor, nn

    from cohortsmith.training.batch import Batch


class Objective(Protocol):
    """Players (groups of networks with an optimiser each), their losses, and the validation loss.

    A dataclass objective's fields are part of a checkpoint's identity, so that a run is not resumed with other ones.
    """

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """Return one optimiser per player; `adam` builds a fast one. The plan sets the learning rate."""
        ...

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Yield a player and its loss, a mean over the batch, each with a graph of its own.

        The player is updated before the generator is resumed, so the next loss sees the new weights. Only the player's
        own parameters get a gradient. For a gradient with respect to inputs, as in a penalty, the objective calls
        ``torch.autograd.grad(..., create_graph=True)``.
        """
        ...

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> float | Tensor:
        """Return a loss on held-out patients; called without gradients, with the same generator state every time."""
        ...


def adam(
    parameters: Iterable[nn.Parameter],
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    lr_scale: float = 1.0,
) -> torch.optim.Optimizer:
    """Return fused Adam (AdamW with weight decay), several times faster on a CPU than the default implementation.

    Args:
        parameters: of one player.
        betas: decay rates of the two moments.
        eps: added to the root of the second moment.
        weight_decay: decoupled decay (Loshchilov and Hutter 2019).
        lr_scale: this player's factor on the plan's learning rate.
    """
    group = {"params": list(parameters), "lr_scale": lr_scale}
    if weight_decay:
        return torch.optim.AdamW([group], lr=1e-3, betas=betas, eps=eps, weight_decay=weight_decay, fused=True)
    return torch.optim.Adam([group], lr=1e-3, betas=betas, eps=eps, fused=True)
