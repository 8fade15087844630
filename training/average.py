"""Running average of the weights, which generates better samples than the final weights."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

# On a CPU, updating the average at every step costs a tenth of a small network's training time.
_SLOW, _STRIDE = 0.99, 4


class WeightAverage:
    """Exponential moving average of every network's parameters (Polyak and Juditsky 1992).

    At step t the decay is min(decay, (1 + t) / (10 + t)), so that the initial random weights are forgotten early in
    short runs too. Once it is at least 0.99, the average is updated every fourth step with its fourth power: over a
    window of a hundred steps or more that is the same average, at a quarter of the cost.

    Attributes:
        nets: networks of the same architecture holding the average, in evaluation mode.
    """

    def __init__(self, nets: Mapping[str, nn.Module], decay: float) -> None:
        self._decay = decay
        self._live = dict(nets)
        self._nets = {name: copy.deepcopy(net).eval().requires_grad_(False) for name, net in nets.items()}
        self._kept: list[Tensor] = [kept for net in self._nets.values() for kept in net.parameters()]
        self._params: list[Tensor] = [live.detach() for net in nets.values() for live in net.parameters()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Update the average after a step, counted from 0."""
        decay = min(self._decay, (1 + step) / (10 + step))
        if decay >= _SLOW:
            if step % _STRIDE != _STRIDE - 1:
                return
            decay **= _STRIDE
        torch._foreach_lerp_(self._kept, self._params, 1 - decay)

    @property
    def nets(self) -> dict[str, nn.Module]:
        """The averaged networks, with the current buffers of the live ones."""
        for name, net in self._live.items():
            for kept, live in zip(self._nets[name].buffers(), net.buffers(), strict=True):
                kept.copy_(live)
        return self._nets


def tensors_of(nets: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Return the parameters and buffers of all networks, named net/key."""
    return {f"{name}/{key}": value for name, net in nets.items() for key, value in net.state_dict().items()}


def load_tensors(nets: Mapping[str, nn.Module], tensors: Mapping[str, Tensor]) -> None:
    """Copy back what `tensors_of` returned.

    Raises:
        RuntimeError: names or shapes differ.
    """
    for name, net in nets.items():
        start = f"{name}/"
        net.load_state_dict({key[len(start) :]: value for key, value in tensors.items() if key.startswith(start)})
