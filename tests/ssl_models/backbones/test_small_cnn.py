"""The strong reference on images: what it learns, that shifts are shifts, what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional as F

from cohortsmith.data import Cohort, DataError, read_cohort, simulate
from cohortsmith.data.kinds import grid
from cohortsmith.ssl_models import Classifier
from cohortsmith.ssl_models.augmentations.label_preserving import shift, shifted
from cohortsmith.training import isolated_rng

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


def cohort_of(x: NDArray[np.uint8], y: NDArray[np.int64], classes: int = 2) -> Cohort:
    ids = np.arange(len(x)).astype(str)
    names = tuple(f"class-{label}" for label in range(classes))
    return Cohort("image", x, y, names, grid(x), ids, pd.DataFrame(index=pd.Index(ids, name="sample_id")))


def bars(n: int, channels: int, seed: int, size: int = 16) -> Cohort:
    """Noise with a bright bar that lies (class 0) or stands (class 1), anywhere: no pixel alone tells the class."""
    rng = np.random.default_rng(seed)
    x, y, at = rng.integers(0, 120, (n, size, size, channels)), rng.integers(0, 2, n), rng.integers(2, size - 4, n)
    for image, label, place in zip(x, y, at, strict=True):
        bar = image[place : place + 2] if label == 0 else image[:, place : place + 2]
        bar += 100
    return cohort_of(x.astype(np.uint8), y.astype(np.int64))


@pytest.mark.parametrize("channels", [1, 3])
def test_classes_of_images_are_learned_and_told_of_new_ones(channels: int) -> None:
    model = Classifier(preset="small-cnn", steps=40, batch_size=32).fit(bars(300, channels, 0), seed=0)
    new = bars(300, channels, 1)
    given = model.predict_proba(new.x)
    assert given.shape == (300, 2)
    assert given.dtype == np.float64
    np.testing.assert_allclose(given.sum(axis=1), 1.0, atol=1e-9)
    assert (given.argmax(axis=1) == new.y).mean() > 0.95
    seen = model.embed(new)
    assert seen.shape == (300, 64)
    assert seen.dtype == np.float32
    between = np.linalg.norm(seen[new.y == 0].mean(axis=0) - seen[new.y == 1].mean(axis=0))
    assert between > np.sqrt(seen[new.y == 0].var(axis=0).mean())
    assert model.history[-1]["step"] == 40


def test_a_plain_network_of_images_is_what_is_taken_when_nothing_is_named() -> None:
    images = bars(40, 1, 0)
    few: dict[str, Any] = {"steps": 2, "batch_size": 16}
    plain, named = (Classifier(preset=name, **few).fit(images).predict_proba(images) for name in ("", "small-cnn"))
    assert np.array_equal(plain, named)


def test_images_are_moved_each_on_its_own_and_borders_are_repeated() -> None:
    x = torch.randint(0, 256, (4, 3, 9, 9), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    by = torch.tensor([[0, 0], [2, 0], [0, -2], [-1, 2]])
    moved = shifted(x, by)
    padded = F.pad(x.float(), (2, 2, 2, 2), mode="replicate")
    for image, wide, (down, right) in zip(moved, padded, by.tolist(), strict=True):
        expected = wide[:, 2 - down : 11 - down, 2 - right : 11 - right]
        assert torch.equal(image.float(), expected)


def test_shifts_go_up_to_two_pixels_each_way() -> None:
    class Ends:
        def randint(self, high: int, *shape: int) -> torch.Tensor:
            assert (high, shape) == (5, (2,))
            return torch.tensor([[0, 4], [2, 2]])

    x = torch.arange(200).view(2, 1, 10, 10)
    moved = shift(x, Ends())  # type: ignore[arg-type]
    assert torch.equal(moved[0, 0, :8, 2:], x[0, 0, 2:, :8])
    assert torch.equal(moved[1], x[1])


def test_what_it_cannot_learn_from_is_refused() -> None:
    images = bars(20, 1, 0)
    model = Classifier(steps=1, batch_size=8)
    with pytest.raises(DataError, match="not fitted"):
        model.predict_proba(images)
    with pytest.raises(DataError, match="at least 8 pixels per side"):
        model.fit(cohort_of(images.x[:, :4], images.y))
    model.fit(images)
    wrongs: list[Any] = [images.x[..., 0], images.x.astype(np.float32), np.repeat(images.x, 2, axis=3)]
    for wrong in wrongs:
        with pytest.raises(DataError, match="uint8 images"):
            model.predict_proba(wrong)
    with pytest.raises(DataError, match=r"expected images \(n, 16 x 16 x 1\) as in training; got 16 x 16 x 3"):
        model.embed(np.repeat(images.x, 3, axis=3))


@pytest.mark.parametrize("images", [np.full((12, 8, 8, 1), 77, np.uint8), bars(1, 3, 0).x])
def test_images_that_tell_nothing_are_no_error(images: NDArray[np.uint8]) -> None:
    alone = cohort_of(images, np.zeros(len(images), np.int64), classes=1)
    given = Classifier(preset="small-cnn", steps=2, batch_size=4).fit(alone).predict_proba(images)
    np.testing.assert_array_equal(given, 1.0)


def test_channels_are_standardised_by_the_images_learned_from() -> None:
    from cohortsmith.ssl_models.backbones.images import SmallCNN
    from cohortsmith.ssl_models.inputs.tensors import Inputs

    images = bars(30, 3, 0)
    inputs = Inputs.fit(images)
    with isolated_rng(0):
        told = SmallCNN(inputs).standardised(inputs.tensor(images))
    torch.testing.assert_close(told.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(told.std((0, 2, 3)), torch.ones(3), atol=1e-4, rtol=0)


@pytest.mark.slow
def test_blood_cells_are_told_apart(real_file: Callable[[str], Path]) -> None:
    """Published ResNet-18 at 28 pixels: 0.958 of BloodMNIST's test (Yang et al. 2023)."""
    cohort = read_cohort(real_file("images/bloodmnist_28.npz"))
    side = cohort.obs["split"].to_numpy()
    train, val = cohort.take(side == "train"), cohort.take(side == "val")
    model = Classifier(preset="small-cnn").fit(train, seed=0)
    assert (model.predict_proba(val).argmax(axis=1) == val.y).mean() > 0.965


@pytest.mark.gpu
def test_a_gpu_learns_as_well() -> None:
    cohort = simulate("simulated-cells", 400, 0, classes=3)
    model = Classifier(preset="small-cnn", steps=100).fit(cohort, seed=0)
    assert (model.predict_proba(cohort).argmax(axis=1) == cohort.y).mean() > 0.9
