"""A GAN's discriminator against fixed patients: its curves for copies, or for crude edits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cohortsmith.data import DataError, on_columns, shared_columns
from cohortsmith.data.kinds import SEQUENCE, require_kind
from cohortsmith.generators.kinds import bind
from cohortsmith.generators.objectives import GANFamily, discriminator_loss, jensen_shannon, squared_gradient
from cohortsmith.training import Runtime, adam, isolated_rng, train

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

    from cohortsmith.data import Cohort
    from cohortsmith.training import Batch


def discriminate(
    real: Cohort, fake: Cohort, *, seed: int = 0, runtime: Runtime | None = None, **settings: Any
) -> list[dict[str, float]]:
    """Curves of the discriminator that `gan` would train, against `fake` instead of a generator that learns.

    Rows hold `step`, `d_real`, `d_fake` (mean scores on real and fake) and `js` (nats), as a GAN's history does. A
    score of 1/2 on both means that this discriminator finds no difference: copies of the patients get there, too.

    Args:
        real: training patients.
        fake: patients of the same classes, aligned to the same reference, at least one.
        seed: of every draw.
        runtime: device and progress.
        settings: of the family `gan` (`steps`, `r1`, ...).

    Raises:
        DataError: other positions or classes, no patients to compare with, or an unknown setting.
    """
    require_kind(real.kind, SEQUENCE, "this comparison is made on sequences")
    if fake.classes != real.classes or not len(fake):
        raise DataError("a discriminator compares cohorts of the same classes with patients in each")
    columns = shared_columns(real, fake)
    real, fake = on_columns(real, columns), on_columns(fake, columns)
    bound, of_fake = (bind(real.kind, "gan", settings) for _ in range(2))
    family = bound.objective
    if not isinstance(family, GANFamily):
        raise TypeError("the family `gan` has the losses of GANFamily")
    rng = np.random.default_rng([seed, 0])
    x = torch.from_numpy(bound.codec.fit_encode(real, rng))
    made = torch.from_numpy(of_fake.codec.fit_encode(fake, rng))
    with isolated_rng(seed):
        architecture = bound.networks(bound.codec, len(real.classes), family)
        nets: dict[str, nn.Module] = {"discriminator": architecture.encoder(1)}
    objective = _FixedOpponent(family, made, torch.from_numpy(fake.y))
    plan = replace(family.plan(len(real)), log_every=10)
    y = torch.from_numpy(real.y)
    return train(objective, nets, x, y, plan=plan, seed=seed, runtime=runtime or Runtime()).history


class _FixedOpponent:
    """Objective of the discriminator alone."""

    def __init__(self, family: GANFamily, fake: Tensor, y: Tensor) -> None:
        self._family, self._fake, self._y = family, fake, y

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        return {"discriminator": adam(nets["discriminator"].parameters(), betas=(0.0, 0.99))}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        discriminator = nets["discriminator"]
        rows = batch.randint(len(self._fake)).cpu()
        real = batch.x.requires_grad_(self._family.r1 > 0)
        fake, y = self._fake[rows].to(real.device), self._y[rows].to(real.device)
        on_real, on_fake = discriminator(real, batch.y).float(), discriminator(fake, y).float()
        loss = discriminator_loss(on_real, on_fake)
        batch.log("d_real", torch.sigmoid(on_real.detach()).mean())
        batch.log("d_fake", torch.sigmoid(on_fake.detach()).mean())
        batch.log("js", jensen_shannon(loss.detach()))
        penalty = 0.5 * self._family.r1 * squared_gradient(on_real, real) if self._family.r1 else 0.0
        yield "discriminator", loss + penalty

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        raise TypeError("a discriminator alone is not stopped early")
