"""Inversion: the nearest of many generated codes, and the way to a code by its latent, on generators known in full."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cohortsmith.generators.contracts import GeneratorNet, latents
from cohortsmith.generators.networks import ResidualMLP
from cohortsmith.generators.objectives import GANFamily, VAEFamily, WGANFamily
from cohortsmith.generators.objectives.latent_search import POOL, Target, generator_target, inversion


class Shift(GeneratorNet):
    """Codes are the latents, moved by the class: what is nearest is then known."""

    def forward(self, latent: Tensor, y: Tensor, uniform: Tensor | None = None) -> Tensor:
        return latent + 10.0 * y[:, None]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_nearest_is_that_of_a_search_one_by_one() -> None:
    y = torch.tensor([1, 0, 1, 0, 1])
    x = torch.randn((5, 3), generator=seeded(3)) + 10.0 * y[:, None]
    pools: dict[int, Tensor] = {}

    def draw(of: Tensor, generator: torch.Generator) -> tuple[Tensor, None]:
        pools[int(of[0])] = latents(of, 3, generator)
        return pools[int(of[0])], None

    target = generator_target(Shift(), 3)
    found = inversion(Target(draw, target.make, target.cost), x, y, seeded())
    for row, label in enumerate(y.tolist()):
        assert len(pools[label]) == POOL
        slow = min(float((x[row] - 10.0 * label - latent).norm()) for latent in pools[label])
        torch.testing.assert_close(found["nearest_generated"][row], torch.tensor(-slow), rtol=1e-4, atol=1e-3)
    assert (found["inverted"] > -1e-2).all(), "this generator makes any code exactly"
    assert (found["inverted"] >= -found["nearest_generated"].square() / 3 - 1e-4).all(), "descent made it worse"


def test_a_patients_values_are_the_same_in_any_company() -> None:
    nets = {"generator": ResidualMLP(4, 3, 16, 1).generator_net(8)}
    x, y = torch.randn((9, 4), generator=seeded(1)), torch.arange(9) % 3
    target = generator_target(nets["generator"], 8)
    whole, alone = inversion(target, x, y, seeded()), inversion(target, x[4:6], y[4:6], seeded())
    for name, values in whole.items():
        torch.testing.assert_close(values[4:6], alone[name], rtol=1e-4, atol=1e-5)


def test_networks_that_are_only_for_training_tell_more_where_they_are() -> None:
    x, y = torch.randn((6, 4), generator=seeded(1)), torch.arange(6) % 2
    anyway = {"nearest_generated", "inverted"}
    cases: list[tuple[Any, set[str]]] = [
        (GANFamily(width=16, depth=1), {"discriminator", "discriminator_blurred"}),
        (WGANFamily(width=16, depth=1), {"critic"}),
        (VAEFamily(width=16, depth=1, latent_dim=3), {"elbo", "reconstruction", "kl"}),
    ]
    for family, more in cases:
        nets = family.build(ResidualMLP(4, 2, 16, 1))
        found = family.evidence(nets, x, y, seeded())
        saved = {name: nets[name] for name in family.sampling()}
        assert set(found) == anyway | more
        assert set(family.evidence(saved, x, y, seeded())) == anyway
        assert all(values.shape == (6,) for values in found.values())
        if "critic" in more:
            torch.testing.assert_close(found["critic"], nets["critic"](x, y)[:, 0])
