"""Virtual patients in the making: what a diffusion model's sampler holds at each noise level, from noise to patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cohortsmith.data import DataError
from cohortsmith.generators.neural import Diffusion
from cohortsmith.generators.objectives import DiffusionFamily

if TYPE_CHECKING:
    from cohortsmith.data import Cohort
    from cohortsmith.generators.contracts import Generator


@torch.no_grad()
def unfold(generator: Generator, label: str, patients: int = 6, seed: int = 0) -> list[Cohort]:
    """Some virtual patients of a class, each as a cohort of what the sampler held of it, step by step.

    A step is the state as the denoiser sees it, of unit variance (Karras et al. 2022, equation 7: c_in x), decoded; the
    last is the finished patient.

    Args:
        generator: fitted, of the family `diffusion`, on data whose codes are numbers.
        label: class of all of them.
        patients: how many.
        seed: of the draw.

    Raises:
        DataError: another family or data kind, or an unknown class.
    """
    loss = getattr(generator, "_loss", None)
    if not isinstance(generator, Diffusion) or not isinstance(loss, DiffusionFamily):
        raise DataError(f"{generator.family} of {generator.schema.kind} data does not go from noise to a patient")
    generator._checked({label: patients})
    rng = np.random.default_rng(seed)
    y = np.full(patients, generator.schema.classes.index(label), dtype=np.int64)
    states: dict[float, torch.Tensor] = {}

    def keep(_: torch.nn.Module, told: tuple[Any, ...]) -> None:
        # Heun asks twice at a level, guidance too: the state that goes on from a level is the last one asked about.
        states[round(float(told[1].flatten()[0]), 6)] = told[0].float().cpu().clone()

    watched = generator._nets["denoiser"].register_forward_pre_hook(keep)
    try:
        last = generator._codes(y, rng)
    finally:
        watched.remove()
    codes = [states[level].numpy() for level in sorted(states, reverse=True)] + [last]
    steps = [generator._codec.decode(code, y, np.random.default_rng(seed)) for code in codes]
    return [
        generator._cohort(np.stack([step[i] for step in steps]), np.repeat(y[i], len(steps)), 0, seed)
        for i in range(patients)
    ]
