"""Generation steps: what a diffusion model's sampler holds at each noise level, from noise to patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from cohortsmith.data import DataError
from cohortsmith.generators.diffusion import Diffusion
from cohortsmith.generators.objectives import DiffusionFamily

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort
    from cohortsmith.generators.contracts import Generator, SamplerStep


def unfold(generator: Generator, label: str, patients: int = 6, seed: int = 0) -> list[Cohort]:
    """Some synthetic patients of a class, each as a cohort of what the sampler held of it, step by step.

    A step is the state as the denoiser sees it, of unit variance (Karras et al. 2022, equation 7: c_in x), decoded; the
    last is the finished patient.

    Args:
        generator: fitted, of the family `diffusion`, on data whose codes are numbers.
        label: class of all of them.
        patients: how many.
        seed: of the draw.

    Raises:
        DataError: another family or data kind, an unknown class, or a generator that has not been fitted.
    """
    kind = generator.schema.kind
    if not isinstance(generator, Diffusion) or not isinstance(generator.binding.objective, DiffusionFamily):
        raise DataError(f"{generator.family} of {kind} data does not go from noise to a patient")
    generator.requested({label: patients})
    binding, objective = generator.binding, generator.binding.objective
    if not generator.networks:
        raise DataError(f"the network of this {generator.family} adds nothing to the copula, so there are no steps")
    y, rng = np.full(patients, generator.schema.classes.index(label), dtype=np.int64), np.random.default_rng(seed)
    groups = binding.draw_groups(y, rng)
    codes: list[NDArray[np.float32]] = []

    def keep(step: SamplerStep) -> None:
        level = torch.full((len(step.x),), step.level, device=step.x.device)
        codes.append(objective.scaled(step.x, level).float().cpu().numpy())

    codes.append(binding.sample(generator.networks, groups, rng, keep))
    steps = [binding.codec.decode(code, groups, np.random.default_rng(seed)) for code in codes]
    return [
        generator.as_cohort(np.stack([step[i] for step in steps]), np.repeat(y[i], len(steps)), seed)
        for i in range(patients)
    ]
