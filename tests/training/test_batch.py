"""Which patients are drawn, and that several processes draw what one does."""

from __future__ import annotations

import torch

from cohortsmith.training import Batch
from cohortsmith.training.batch import BatchSource, Order
from cohortsmith.training.meter import Meter

CPU = torch.device("cpu")


def order(y: torch.Tensor, batch_size: int, *, balanced: bool = False, seed: int = 0) -> Order:
    return Order(y, batch_size=batch_size, balanced=balanced, seed=seed, device=CPU)


def source(y: torch.Tensor, batch_size: int, rank: int = 0, world_size: int = 1) -> BatchSource:
    return BatchSource(
        torch.arange(len(y), dtype=torch.float32)[:, None],
        y,
        order=order(y, batch_size),
        noise=torch.Generator().manual_seed(1),
        meter=Meter(CPU, lambda tensor: tensor),
        batch_size=batch_size,
        rank=rank,
        world_size=world_size,
    )


def test_every_epoch_sees_every_patient_once() -> None:
    stream = order(torch.zeros(10), 4)
    drawn = torch.cat([stream.draw() for _ in range(500)])
    epochs = drawn.view(200, 10)
    assert torch.equal(epochs.sort(dim=1).values, torch.arange(10).expand(200, 10))
    assert len({tuple(epoch.tolist()) for epoch in epochs}) > 190


def test_batch_larger_than_the_cohort_repeats_patients_evenly() -> None:
    counts = torch.bincount(order(torch.zeros(7), 24).draw(), minlength=7)
    assert set(counts.tolist()) == {3, 4}


def test_balanced_drawing_evens_the_classes() -> None:
    y = torch.tensor([0] * 90 + [1] * 9 + [2] * 3)
    stream = order(y, 32, balanced=True)
    drawn = [stream.draw() for _ in range(270)]
    for rows in drawn:
        counts = torch.bincount(y[rows], minlength=3)
        assert counts.max() - counts.min() <= 2
    everyone = torch.bincount(torch.cat(drawn), minlength=len(y))
    for label in range(3):
        of_class = everyone[y == label].float()
        assert of_class.min() >= 0.9 * of_class.mean()


def test_unbalanced_drawing_keeps_the_proportions() -> None:
    y = torch.tensor([0] * 90 + [1] * 10)
    stream = order(y, 20)
    counts = torch.bincount(y[torch.cat([stream.draw() for _ in range(50)])])
    assert counts.tolist() == [900, 100]


def test_restored_order_goes_on_as_if_nothing_happened() -> None:
    y = torch.tensor([0] * 40 + [1] * 5)
    for balanced in (False, True):
        stream = order(y, 8, balanced=balanced)
        for _ in range(77):
            stream.draw()
        state = stream.state()
        expected = [stream.draw() for _ in range(200)]
        other = order(y, 8, balanced=balanced, seed=99)
        other.restore(state)
        assert all(torch.equal(a, other.draw()) for a in expected)


def test_two_processes_together_draw_the_batch_and_the_noise_of_one() -> None:
    y = torch.arange(30)
    one = source(y, 8)
    halves = [source(y, 8, rank, 2) for rank in range(2)]
    for step in range(10):
        whole = Batch(one, step, 10)
        parts = [Batch(half, step, 10) for half in halves]
        assert torch.equal(whole.x, torch.cat([part.x for part in parts]))
        assert torch.equal(whole.randn(3), torch.cat([part.randn(3) for part in parts]))
        assert torch.equal(whole.rand(), torch.cat([part.rand() for part in parts]))
        assert torch.equal(whole.randint(5, 2), torch.cat([part.randint(5, 2) for part in parts]))
        assert torch.equal(whole.another().y, torch.cat([part.another().y for part in parts]))


def test_noise_has_the_batch_first_and_the_range_asked_for() -> None:
    batch = Batch(source(torch.arange(30), 8), 0, 10)
    assert batch.randn().shape == (8,)
    assert batch.randn(3, 4).shape == (8, 3, 4)
    whole = batch.randint(5, 100)
    assert whole.dtype == torch.int64
    assert set(whole.flatten().tolist()) == set(range(5))
    assert 0 <= batch.rand(100).min() < batch.rand(100).max() < 1
