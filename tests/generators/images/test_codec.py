"""Pixels to codes and back; the looks that a class comes in; the turns that leave a picture as likely as before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from cohortsmith.data import Cohort, DataError, simulate
from cohortsmith.generators.images.appearance import AppearanceClusters
from cohortsmith.generators.images.codec import ImageCodec
from cohortsmith.generators.images.symmetries import Turned, symmetry_of


@pytest.fixture(scope="module")
def cells() -> Cohort:
    return simulate("simulated-cells", 400, seed=0)


def stained(cells: Cohort, share: float, seed: int = 0) -> tuple[Cohort, np.ndarray]:
    """The cells, a share of each class as if from green-stained slides, and which they are."""
    rng = np.random.default_rng(seed)
    green = rng.random(len(cells)) < share
    x = cells.x.copy()
    x[green] = x[green][..., [2, 0, 1]]
    return replace(cells, x=x), green


def test_pixels_come_back_and_codes_are_standardised(cells: Cohort) -> None:
    codec = ImageCodec()
    codes = codec.fit_encode(cells, np.random.default_rng(0))
    assert codes.shape == (len(cells), 3, 28, 28)
    assert codes.dtype == np.float32
    assert codes.mean((0, 2, 3)) == pytest.approx([0, 0, 0], abs=1e-3)
    assert codes.std((0, 2, 3)) == pytest.approx([1, 1, 1], abs=1e-3)
    assert np.array_equal(codec.decode(codes, cells.y, np.random.default_rng(0)), cells.x)


def test_what_is_brighter_than_white_is_white(cells: Cohort) -> None:
    codec = ImageCodec()
    codes = codec.fit_encode(cells, np.random.default_rng(0))
    made = codec.decode(codes * 100, cells.y, np.random.default_rng(0))
    assert made.dtype == np.uint8
    assert set(np.unique(made)) <= {0, 255} | set(range(256))
    assert made.min() == 0
    assert made.max() == 255


def test_a_saved_codec_decodes_and_draws_alike(cells: Cohort) -> None:
    codec = ImageCodec()
    codes = codec.fit_encode(cells, np.random.default_rng(0))
    again = ImageCodec().restore(*codec.state())
    assert again.code_shape == codec.code_shape == (3, 28, 28)
    assert np.array_equal(again.decode(codes, cells.y, np.random.default_rng(0)), cells.x)
    assert codec.strata is not None
    assert again.strata is not None
    y = np.repeat(np.arange(8), 50)
    drawn = codec.strata.draw(y, np.random.default_rng(1))
    assert np.array_equal(drawn, again.strata.draw(y, np.random.default_rng(1)))


def test_images_of_one_colour_teach_nothing(cells: Cohort) -> None:
    with pytest.raises(DataError, match="same value in every pixel"):
        ImageCodec().fit_encode(replace(cells, x=np.full_like(cells.x, 7)), np.random.default_rng(0))


def test_a_rare_stain_is_a_group_of_its_own_and_drawn_at_its_share(cells: Cohort) -> None:
    cohort, green = stained(simulate("simulated-cells", 2000, seed=1), share=0.12)
    looks = AppearanceClusters.fit(cohort, looks=6, least=10, rng=np.random.default_rng(0))
    groups = looks.groups(cohort)
    of_green = np.array([green[groups == group].mean() for group in range(len(looks))])
    assert np.maximum(of_green, 1 - of_green)[groups].mean() > 0.98
    drawn = looks.draw(np.repeat(np.arange(8), 2000), np.random.default_rng(2))
    assert of_green[drawn].mean() == pytest.approx(green.mean(), abs=0.02)
    assert np.array_equal(looks.of_class[drawn], np.repeat(np.arange(8), 2000))


def test_no_look_is_an_average_of_fewer_patients_than_allowed(cells: Cohort) -> None:
    cohort, green = stained(cells, share=0.02)
    assert 0 < green.sum() < 20
    looks = AppearanceClusters.fit(cohort, looks=8, least=20, rng=np.random.default_rng(0))
    groups = looks.groups(cohort)
    nearest = looks.of_look[groups]
    for look in np.unique(nearest):
        assert (nearest == look).sum() >= 20
    # Many images of one patient are one patient: a look of their own would be a picture of them.
    many, green = stained(cells, share=0.3)
    alone = replace(many, subjects=np.where(green, "the same", many.subjects))
    for cohort, looks_found in ((many, 2), (alone, 1)):
        assert (
            len(AppearanceClusters.fit(cohort, looks=2, least=20, rng=np.random.default_rng(0)).centres) == looks_found
        )


def test_a_class_of_few_has_one_look(cells: Cohort) -> None:
    few = cells.take(np.concatenate([np.flatnonzero(cells.y != 0), np.flatnonzero(cells.y == 0)[:6]]))
    looks = AppearanceClusters.fit(few, looks=8, least=20, rng=np.random.default_rng(0))
    assert (looks.of_class == 0).sum() == 1
    assert looks.share[looks.of_class == 0] == pytest.approx(1)


def test_grey_images_have_looks_too(cells: Cohort) -> None:
    grey = replace(cells, x=cells.x[..., :1].copy(), features=("28x28x1",))
    codec = ImageCodec()
    codes = codec.fit_encode(grey, np.random.default_rng(0))
    assert codes.shape == (len(grey), 1, 28, 28)
    assert codec.strata is not None


def test_turns_are_the_eight_of_a_square_and_each_comes_up() -> None:
    picture = torch.arange(9.0).reshape(1, 1, 3, 3)
    uniform = (torch.arange(8) + 0.5) / 8
    turned = Turned("square")(picture.expand(8, 1, 3, 3), uniform)
    expected = {
        tuple(np.rot90(side, k).ravel()) for side in (picture[0, 0].numpy(), picture[0, 0].numpy().T) for k in range(4)
    }
    assert {tuple(view.flatten().tolist()) for view in turned} == expected
    mirrored = Turned("mirror")(picture.expand(8, 1, 3, 3), uniform)
    assert {tuple(view.flatten().tolist()) for view in mirrored} == {
        tuple(side.ravel()) for side in (picture[0, 0].numpy(), picture[0, 0].numpy()[:, ::-1])
    }
    assert torch.equal(Turned("none")(picture, uniform[:1]), picture)


@pytest.mark.parametrize(("mark", "expected"), [("none", "square"), ("top", "mirror"), ("corner", "none")])
def test_symmetry_is_what_cannot_be_seen(mark: str, expected: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 120, (600, 28, 28, 1), dtype=np.uint8)
    rows, columns = {"none": (slice(0), slice(0)), "top": (slice(6), slice(28)), "corner": (slice(6), slice(6))}[mark]
    x[:, rows, columns] += 100
    assert symmetry_of(x, np.random.default_rng(1)) == expected


def test_few_pictures_are_left_as_they_are() -> None:
    x = np.random.default_rng(0).integers(0, 255, (100, 28, 28, 1), dtype=np.uint8)
    assert symmetry_of(x, np.random.default_rng(1)) == "none"
