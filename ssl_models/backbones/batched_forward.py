"""Forward passes over many patients in batches, without gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from cohortsmith.training import Placement

AT_ONCE = 512  # patients per forward pass


@torch.no_grad()
def through(net: nn.Module, x: Tensor, where: Placement) -> Tensor:
    """Outputs of a network in evaluation mode for inputs (n, ...), float32; both end up on the CPU."""
    net.to(where.device).eval()
    with torch.autocast(where.device, torch.bfloat16, enabled=where.precision == "bf16-mixed"):
        parts = [net(part.to(where.device)).float().cpu() for part in torch.split(x, AT_ONCE)]
    net.cpu()
    return torch.cat(parts)
