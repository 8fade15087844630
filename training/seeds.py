"""Random streams derived from a seed, independent of the global random state."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

from cohortsmith.training.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

# A number per stream, so that no two streams of a run share draws. The last two are of the secret of a private run.
ORDER, NOISE, AMBIENT, VALIDATION = range(4)
PRIVATE_SAMPLING, PRIVATE_NOISE = 10, 11


def derive_seed(seed: int, stream: int, rank: int = 0) -> int:
    """Return the seed of one stream of a run, independent of all others.

    Raises:
        TrainingError: the seed is negative.
    """
    if seed < 0:
        raise TrainingError(f"seed: expected 0 or more, got {seed}")
    words = np.random.SeedSequence([seed, stream, rank]).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))


@contextmanager
def isolated_rng(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Seed PyTorch's global generators inside the block and restore them afterwards.

    Initialisers and dropout only draw from the global generator; this builds networks reproducibly without changing
    the caller's random state.

    Args:
        seed: 0 or more.
        device: a device whose global generator is seeded too; the CPU's always is.
    """
    device = device or torch.device("cpu")
    before = ambient_state(device)
    # Only the CPU's generator: torch.manual_seed seeds every device, including those that this block does not restore.
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
    try:
        yield
    finally:
        set_ambient_state(before, device)


def ambient_state(device: torch.device) -> dict[str, torch.Tensor]:
    """Return the states of the global generators of the CPU and of a device, as uint8 vectors."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_ambient_state(state: dict[str, torch.Tensor], device: torch.device) -> None:
    """Restore what `ambient_state` returned."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(state["mps"])
