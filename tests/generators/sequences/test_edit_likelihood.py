"""The law of a sequence: symbols of polymorphic columns, a number of sporadic edits, and which they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cohortsmith.generators.sequences.edit_likelihood import EditLikelihood
from cohortsmith.generators.sequences.sites import Sites

CONSENSUS = np.array([0, 1, 2, 3], np.uint8)  # A T C G
NUMBERS = 3  # none, one or two sporadic edits


def law() -> EditLikelihood:
    """Four columns of which the first is polymorphic."""
    return EditLikelihood(
        Sites(
            consensus=CONSENSUS,
            log_rates=np.zeros((2, 5, 4), np.float32),
            log_numbers=np.zeros((2, NUMBERS), np.float32),
            polymorphic=np.array([True, False, False, False]),
            common=np.zeros(0, np.int64),
            features=np.zeros((20, 1), np.float32),
        )
    )


def hot(*symbols: int) -> torch.Tensor:
    code = torch.zeros(1, 5, len(symbols))
    for column, symbol in enumerate(symbols):
        code[0, symbol, column] = 1
    return code


def decoded(seed: int = 0) -> torch.Tensor:
    return torch.randn(1, 20 + NUMBERS, generator=torch.Generator().manual_seed(seed))


def by_hand(word: torch.Tensor, symbols: tuple[int, ...]) -> float:
    """-log p of a sequence, cell by cell: p(first symbol) * p(number of edits) * product of p(edit)."""
    cells, numbers = word[0, :20].double().reshape(5, 4).numpy(), word[0, 20:].double().numpy()
    chance = np.exp(cells[:, 0]) / np.exp(cells[:, 0]).sum()
    total = -np.log(chance[symbols[0]])
    others = {(s, c): np.exp(cells[s, c]) for c in (1, 2, 3) for s in range(5) if s != CONSENSUS[c]}
    edits = [(s, c) for c, s in enumerate(symbols) if c and s != CONSENSUS[c]]
    total -= np.log(np.exp(numbers[len(edits)]) / np.exp(numbers).sum())
    return float(total - sum(np.log(others[edit] / sum(others.values())) for edit in edits))


@pytest.mark.parametrize("symbols", [(0, 1, 2, 3), (2, 1, 2, 3), (0, 3, 2, 3), (1, 1, 0, 4)])
def test_the_likelihood_is_the_product_of_its_draws(symbols: tuple[int, ...]) -> None:
    word = decoded()
    assert law().nll(word, hot(*symbols), torch.zeros(1)).item() == pytest.approx(by_hand(word, symbols), rel=1e-5)


def test_a_masked_place_counts_nothing() -> None:
    word, x = decoded(), hot(2, 1, 2, 3)
    x[0, :, 0] = 0
    shown = by_hand(word, (2, 1, 2, 3)) - by_hand(word, (2, 1, 2, 3))
    cells = word[0, :20].reshape(5, 4)[:, 0].log_softmax(0)[2].item()
    assert shown == 0
    assert law().nll(word, x, torch.zeros(1)).item() == pytest.approx(by_hand(word, (2, 1, 2, 3)) + cells, rel=1e-5)


def test_draws_have_the_probabilities_stated() -> None:
    word, n = decoded(3), 40_000
    drawn = law().sample(word.expand(n, -1), torch.zeros(n), torch.Generator().manual_seed(0))
    assert torch.equal(drawn.sum(1), torch.ones(n, 4)), "each column has one symbol"
    assert bool(((drawn == 0) | (drawn == 1)).all())
    first = word[0, :20].reshape(5, 4)[:, 0].softmax(0)
    torch.testing.assert_close(drawn[:, :, 0].mean(0), first, atol=0.01, rtol=0)
    edits = (drawn[:, :, 1:].argmax(1) != torch.tensor([1, 2, 3])).sum(1)
    numbers = word[0, 20:].softmax(0)
    assert (edits == 0).float().mean().item() == pytest.approx(numbers[0].item(), abs=0.01)
    # Two edits of one column leave one, so just those who asked for two may have fewer.
    assert (edits == 2).float().mean().item() <= numbers[2].item() + 0.01
    word[0, 22] = -20  # at most one
    drawn = law().sample(word.expand(n, -1), torch.zeros(n), torch.Generator().manual_seed(1))
    single = drawn[(drawn[:, :, 1:].argmax(1) != torch.tensor([1, 2, 3])).sum(1) == 1]
    for symbols in ((0, 3, 2, 3), (0, 1, 2, 0), (0, 1, 4, 3)):
        alike = (single[:, :, 1:] == hot(*symbols)[:, :, 1:]).flatten(1).all(1).float().mean().item()
        edit = next((s, c) for c, s in enumerate(symbols) if c and s != CONSENSUS[c])
        cells = {(s, c): word[0, :20].reshape(5, 4)[s, c].exp() for c in (1, 2, 3) for s in range(5)}
        open_cells = {cell: value for cell, value in cells.items() if cell[0] != CONSENSUS[cell[1]]}
        share = (open_cells[edit] / sum(open_cells.values())).item()
        assert alike == pytest.approx(share, abs=0.015)


def test_a_generator_can_learn_through_the_draw() -> None:
    # The straight-through gradient leads to the edit that a critic likes.
    word = torch.zeros(256, 20 + NUMBERS, requires_grad=True)
    generator = torch.Generator().manual_seed(0)
    liked = hot(0, 1, 2, 0)[0, :, 3]
    common = torch.zeros(20 + NUMBERS, requires_grad=True)
    optimiser = torch.optim.Adam([common], lr=0.1)
    machine = law()
    for _ in range(60):
        codes = machine.relax(word + common, torch.rand(256, *machine.noise_shape, generator=generator))
        loss = -(codes[:, :, 3] @ liked).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        codes = machine.relax(word + common, torch.rand(256, *machine.noise_shape, generator=generator))
    assert (codes[:, 0, 3] > 0.5).float().mean() > 0.9


def test_the_mean_is_the_average_of_the_draws() -> None:
    word, n = decoded(4), 40_000
    word[0, 22] = -20  # at most one edit: with two of one column the mean is approximate
    drawn = law().sample(word.expand(n, -1), torch.zeros(n), torch.Generator().manual_seed(1))
    torch.testing.assert_close(law().mean(word)[0], drawn.mean(0), atol=0.012, rtol=0)
