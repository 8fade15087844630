"""Networks asked about many patients, a part at a time and without gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from cohortsmith.training import Placement

AT_ONCE = 512  # patients that go through a network together


@torch.no_grad()
def through(net: nn.Module, x: Tensor, where: Placement) -> Tensor:
    """What a network in evaluation mode gives for inputs (n, ...), float32 on the CPU; it comes back to the CPU too."""
    net.to(where.device).eval()
    with torch.autocast(where.device, torch.bfloat16, enabled=where.precision == "bf16-mixed"):
        parts = [net(part.to(where.device)).float().cpu() for part in torch.split(x, AT_ONCE)]
    net.cpu()
    return torch.cat(parts)
