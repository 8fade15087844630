"""The energy score of a generator's codes: when an adversarial family, whose losses do not show it, should stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_DRAWS = 128  # of each group


def energy_score(
    sample: Callable[[Tensor, torch.Generator], Tensor], x: Tensor, y: Tensor, generator: torch.Generator
) -> Tensor:
    """E|x - s| - E|s - s'| / 2, of patients x (n, ...) of groups y (n,) and generated s, s' of the same group.

    A strictly proper score: least, in the mean over patients, for the distribution they come from (Gneiting and
    Raftery 2007, section 4.2).

    Args:
        sample: codes of groups (m,) and a generator of noise.
        x: held-out codes.
        y: their groups.
        generator: of every draw.
    """
    total = x.new_zeros(())
    for group in torch.unique(y).tolist():
        own = x[y == group].flatten(1)
        drawn = sample(y.new_full((_DRAWS,), group), generator).float().flatten(1)
        apart = torch.cdist(drawn, drawn).sum() / (_DRAWS * (_DRAWS - 1))
        total = total + len(own) * (torch.cdist(own, drawn).mean() - 0.5 * apart)
    return total / len(x)
