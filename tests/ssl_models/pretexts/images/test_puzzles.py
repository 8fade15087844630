"""Rotation, flip and permutation: the image is changed as the answer says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cohortsmith.data import DataError
from cohortsmith.ssl_models.pretexts.base import BACKBONE
from cohortsmith.ssl_models.pretexts.images.puzzles import Flip, Permutation, Puzzle, Rotation, orders_of
from tests.ssl_models.gene_nets import Patients
from tests.ssl_models.image_nets import IMAGES, Pixels, noise

PUZZLES: list[Puzzle] = [Rotation(), Flip(), Permutation(), Permutation(grid=4, orders=10)]


def test_rotation_turns_by_quarters() -> None:
    answer = torch.arange(12) % 4
    for image, turned, quarters in zip(IMAGES, Rotation().changed(IMAGES, answer), answer, strict=True):
        for _ in range(int(quarters)):
            image = image.transpose(1, 2).flip(1)  # columns become rows, from the last to the first: anticlockwise
        assert torch.equal(turned, image)


def test_flip_mirrors_across_and_down() -> None:
    plain, across, down, both = Flip().changed(IMAGES[:1].expand(4, -1, -1, -1), torch.arange(4))
    image = IMAGES[0]
    assert torch.equal(plain, image)
    assert torch.equal(across, image[:, :, range(27, -1, -1)])
    assert torch.equal(down, image[:, range(27, -1, -1)])
    assert torch.equal(both, image.rot90(2, (1, 2)))


@pytest.mark.parametrize(("grid", "orders"), [(2, 24), (4, 10)])
def test_permutation_moves_tiles_to_where_the_order_says(grid: int, orders: int) -> None:
    puzzle, side = Permutation(grid=grid, orders=orders), 28 // grid
    for number, order in enumerate(orders_of(grid**2, orders)):
        moved = puzzle.changed(IMAGES[:1], torch.tensor([number]))[0]
        for place, source in enumerate(order):
            (y, x), (v, u) = divmod(place, grid), divmod(int(source), grid)
            tile = moved[:, y * side : (y + 1) * side, x * side : (x + 1) * side]
            assert torch.equal(tile, IMAGES[0, :, v * side : (v + 1) * side, u * side : (u + 1) * side])


def test_orders_are_distinct_and_far_apart_and_the_first_changes_nothing() -> None:
    for tiles, count in ((4, 24), (9, 30), (16, 20)):
        orders = orders_of(tiles, count)
        assert orders[0].tolist() == list(range(tiles))
        assert len({tuple(order) for order in orders}) == count
        assert (np.sort(orders, axis=1) == np.arange(tiles)).all()
    near = min((orders_of(9, 30)[i] != orders_of(9, 30)[j]).sum() for i in range(30) for j in range(i))
    assert near >= 7


@pytest.mark.parametrize("puzzle", PUZZLES, ids=lambda puzzle: type(puzzle).__name__)
def test_the_loss_is_cross_entropy_of_the_answer(puzzle: Puzzle) -> None:
    nets = puzzle.build(Pixels(), IMAGES)
    answer = noise(IMAGES).randint(puzzle.answers)
    logits = nets["head"](nets[BACKBONE](puzzle.changed(IMAGES, answer)))
    assert logits.shape == (12, puzzle.answers)
    batch: Any = Patients(IMAGES)
    ((player, loss),) = puzzle.losses(nets, batch)
    assert player == BACKBONE
    torch.testing.assert_close(loss, F.cross_entropy(logits, answer))
    assert batch.logged["accuracy_train"] == pytest.approx(float((logits.argmax(1) == answer).float().mean()))
    held = puzzle.validation_loss(nets, IMAGES, torch.zeros(12), torch.Generator().manual_seed(0))
    torch.testing.assert_close(held, loss)


def test_images_that_a_puzzle_cannot_be_made_of_are_refused() -> None:
    oblong = IMAGES[:, :, :26]
    with pytest.raises(DataError, match="rotation needs square images; these are 26 x 28 pixels"):
        Rotation().build(Pixels(), oblong)
    with pytest.raises(DataError, match="3 tiles per side; these are 28 x 28"):
        Permutation(grid=3).build(Pixels(), IMAGES)
    with pytest.raises(DataError, match="orders must be from 2 to 24; got 25"):
        Permutation(orders=25)
