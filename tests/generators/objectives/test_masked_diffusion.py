"""Masked diffusion: its bound and its sampler against closed forms, guidance, a fit on a small law."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cohortsmith.generators.contracts.architecture import NO_CLASS
from cohortsmith.generators.objectives.masked_diffusion import EVIDENCE_SHARES, MaskedDiffusionFamily


def hot(symbols: Tensor) -> Tensor:
    """One-hot codes (n, 5, columns) of symbols (n, columns)."""
    return torch.nn.functional.one_hot(symbols, 5).permute(0, 2, 1).float()


class Independent(nn.Module):
    """Says of every column the same, whatever is shown."""

    def __init__(self, chances: Tensor) -> None:
        super().__init__()
        self.chances, self.code_shape = chances, (5, chances.shape[1])

    def forward(self, x: Tensor, level: Tensor, y: Tensor) -> Tensor:
        return self.chances.log().expand(len(x), -1, -1)


class OneOfTwo(nn.Module):
    """The exact denoiser of: just one of two columns is a T (1), the other an A (0), each as likely."""

    code_shape = (5, 2)

    def forward(self, x: Tensor, level: Tensor, y: Tensor) -> Tensor:
        logits = torch.full_like(x, -30.0)
        logits[:, :2] = 0.0
        for column, other in ((0, 1), (1, 0)):
            for symbol in (0, 1):
                shown = x[:, symbol, other] == 1
                logits[shown, symbol, column] = -30.0
        return logits


def uniform(n: int, columns: int) -> Tensor:
    return torch.rand(n, columns, generator=torch.Generator().manual_seed(0))


def test_the_bound_is_the_likelihood_when_columns_are_independent() -> None:
    chances = torch.tensor([[0.7, 0.2], [0.1, 0.2], [0.1, 0.3], [0.05, 0.2], [0.05, 0.1]])
    x = hot(torch.tensor([[0, 2]])).expand(200_000, -1, -1)
    share = (torch.arange(200_000) + 0.5) / 200_000
    family = MaskedDiffusionFamily(level_min=1e-4)
    bound = family._bound(Independent(chances), x, torch.zeros(200_000), share, uniform(200_000, 2))
    assert bound.item() == pytest.approx(-math.log(0.7 * 0.3), rel=0.02)


def test_the_bound_of_the_exact_denoiser_is_the_entropy_of_the_pair() -> None:
    # log 2 for the pair; a denoiser of independent columns would pay twice as much.
    x = hot(torch.tensor([[0, 1], [1, 0]])).repeat(100_000, 1, 1)
    share = (torch.arange(200_000) + 0.5) / 200_000
    bound = MaskedDiffusionFamily(level_min=1e-4)._bound(
        OneOfTwo(), x, torch.zeros(200_000), share, uniform(200_000, 2)
    )
    assert bound.item() == pytest.approx(math.log(2), rel=0.02)


def test_a_masked_place_of_a_patient_costs_nothing() -> None:
    x = hot(torch.tensor([[0, 1]]))
    x[:, :, 1] = 0
    family, ones = MaskedDiffusionFamily(), torch.ones(1)
    chances = torch.full((5, 2), 0.2)
    bound = family._bound(Independent(chances), x, torch.zeros(1), ones, torch.zeros(1, 2))
    assert bound.item() == pytest.approx(math.log(5), rel=1e-5)


@pytest.mark.parametrize(("steps", "exact"), [(2, True), (1, False)])
def test_shown_one_by_one_columns_know_of_each_other(steps: int, exact: bool) -> None:
    family = MaskedDiffusionFamily(sampling_steps=steps)
    y = torch.zeros(4000, dtype=torch.int64)
    drawn = family.sample({"denoiser": OneOfTwo()}, y, torch.Generator().manual_seed(0)).argmax(1)
    right = (drawn.sum(1) == 1).float().mean().item()
    assert right == (1.0 if exact else pytest.approx(0.5, abs=0.03))
    assert drawn[:, 0].float().mean().item() == pytest.approx(0.5, abs=0.03)


def test_guidance_pushes_away_from_the_population() -> None:
    class GroupEmbedding(nn.Module):
        code_shape = (5, 1)

        def forward(self, x: Tensor, level: Tensor, y: Tensor) -> Tensor:
            logits = torch.full_like(x, -30.0)
            logits[:, 0] = 0.0
            logits[:, 1] = torch.where(y == NO_CLASS, 0.0, 1.0)[:, None]
            return logits

    y = torch.zeros(20_000, dtype=torch.int64)
    nets: Any = {"denoiser": GroupEmbedding()}
    for guidance in (1.0, 3.0):
        family = MaskedDiffusionFamily(guidance=guidance)
        drawn = family.sample(nets, y, torch.Generator().manual_seed(0)).argmax(1)
        # log-odds: 0 in the population, 1 in the class, so 0 + guidance * (1 - 0)
        expected = 1 / (1 + math.exp(-guidance))
        assert drawn.float().mean().item() == pytest.approx(expected, abs=0.012)


def test_a_callback_sees_the_columns_revealed_so_far() -> None:
    family, steps = MaskedDiffusionFamily(sampling_steps=2), list[Any]()
    y = torch.zeros(50, dtype=torch.int64)
    nets: Any = {"denoiser": OneOfTwo()}
    codes = family.sample(nets, y, torch.Generator().manual_seed(0), steps.append)
    assert torch.equal(codes, family.sample(nets, y, torch.Generator().manual_seed(0)))
    assert [(step.step, step.level) for step in steps] == [(0, 1.0), (1, 0.5)]
    assert [int(step.x.sum(1).sum(1).unique()) for step in steps] == [0, 1]
    for step in steps:
        torch.testing.assert_close(step.denoised.sum(1), torch.ones(50, 2))
    assert torch.equal(steps[1].denoised * steps[1].x, steps[1].x)


def test_evidence_is_the_bound_under_fixed_masks_and_their_complements() -> None:
    family, nets = MaskedDiffusionFamily(level_min=0.1), {"denoiser": OneOfTwo()}
    x = torch.zeros(3, 5, 2)
    x[0, 0] = x[1, 1] = x[2, 0, 0] = x[2, 1, 1] = 1
    y = torch.zeros(3, dtype=torch.int64)
    found = family.evidence(nets, x, y, torch.Generator().manual_seed(2))
    generator = torch.Generator().manual_seed(2)
    for band, share in EVIDENCE_SHARES.items():
        bounds = []
        for _ in range(2):
            uniform = torch.rand((1, 2), generator=generator)
            for mask in (uniform, 1 - uniform):
                alone = [family._bound(nets["denoiser"], x[[i]], y[[i]], torch.tensor([share]), mask) for i in range(3)]
                bounds.append(torch.stack(alone))
        torch.testing.assert_close(found[f"bound_{band}"], -torch.stack(bounds).mean(0))
