"""The image classifier: what it learns, that it repeats itself, that shifts are shifts, what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from data import DataError, read_cohort, simulate
from ssl_models import ImageClassifier
from ssl_models.image_classifier import ShiftedCrossEntropy, shifted
from training import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

Images = tuple["NDArray[np.uint8]", "NDArray[np.int64]"]


def bars(n: int, channels: int, seed: int, size: int = 16) -> Images:
    """Noise with a bright bar that lies (class 0) or stands (class 1), anywhere: no pixel alone tells the class."""
    rng = np.random.default_rng(seed)
    x, y, at = rng.integers(0, 120, (n, size, size, channels)), rng.integers(0, 2, n), rng.integers(2, size - 4, n)
    for image, label, place in zip(x, y, at, strict=True):
        bar = image[place : place + 2] if label == 0 else image[:, place : place + 2]
        bar += 100
    return x.astype(np.uint8), y.astype(np.int64)


@pytest.mark.parametrize("channels", [1, 3])
def test_classes_of_images_are_learned_and_told_of_new_ones(channels: int) -> None:
    x, y = bars(300, channels, 0)
    model = ImageClassifier(steps=40, batch_size=32).fit(x, y, 3, seed=0)
    new, truth = bars(300, channels, 1)
    given = model.predict_proba(new)
    assert given.shape == (300, 3)
    assert given.dtype == np.float64
    np.testing.assert_allclose(given.sum(axis=1), 1.0, atol=1e-9)
    assert (given.argmax(axis=1) == truth).mean() > 0.95
    assert given[:, 2].max() < 0.5  # a class without an image
    seen = model.embed(new)
    assert seen.shape == (300, 64)
    assert seen.dtype == np.float32
    between = np.linalg.norm(seen[truth == 0].mean(axis=0) - seen[truth == 1].mean(axis=0))
    assert between > np.sqrt(seen[truth == 0].var(axis=0).mean())
    assert model.history[-1]["step"] == 40


def test_a_seed_repeats_and_leaves_the_global_state_alone() -> None:
    x, y = bars(60, 1, 0)
    state = torch.get_rng_state()
    first, again, other = (ImageClassifier(steps=3, batch_size=16).fit(x, y, 2, seed=s).embed(x) for s in (4, 4, 5))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert torch.equal(state, torch.get_rng_state())


def test_images_are_moved_each_on_its_own_and_borders_are_repeated() -> None:
    x = torch.randint(0, 256, (4, 3, 9, 9), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    by = torch.tensor([[0, 0], [2, 0], [0, -2], [-1, 2]])
    moved = shifted(x, by)
    padded = F.pad(x.float(), (2, 2, 2, 2), mode="replicate")
    for image, wide, (down, right) in zip(moved, padded, by.tolist(), strict=True):
        expected = wide[:, 2 - down : 11 - down, 2 - right : 11 - right]
        assert torch.equal(image.float(), expected)


def test_the_loss_is_the_mean_negative_log_likelihood_of_the_class() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0]])
    logged: dict[str, Any] = {}

    class Two:
        x = torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
        y = torch.tensor([0, 1])

        def randint(self, high: int, *shape: int) -> torch.Tensor:
            assert (high, shape) == (5, (2,))
            return torch.full((2, 2), 2)

        def log(self, name: str, value: Any) -> None:
            logged[name] = float(value)

    class Fixed(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return logits

    ((player, loss),) = ShiftedCrossEntropy().losses({"classifier": Fixed()}, Two())  # type: ignore[arg-type]
    shares = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(axis=1, keepdims=True)
    assert player == "classifier"
    assert float(loss) == pytest.approx(-np.log([shares[0, 0], shares[1, 1]]).mean(), abs=1e-6)
    assert logged == {"accuracy_train": 0.5}


def test_what_it_cannot_learn_from_is_refused() -> None:
    x, y = bars(20, 1, 0)
    model = ImageClassifier(steps=1, batch_size=8)
    with pytest.raises(DataError, match="not been fitted"):
        model.predict_proba(x)
    wrongs: list[Any] = [x[..., 0], x.astype(np.float32), np.repeat(x, 2, axis=3), x[:, :4]]
    for wrong in wrongs:
        with pytest.raises(DataError, match="images uint8"):
            model.fit(wrong, y, 2)
    for images, labels, classes in ((x[:0], y[:0], 2), (x, y[:5], 2), (x, y, 1), (x, y - 1, 2)):
        with pytest.raises(DataError, match="at least one image"):
            model.fit(images, labels, classes)
    with pytest.raises(DataError, match="1 channels were learned from; got 3"):
        model.fit(x, y, 2).embed(np.repeat(x, 3, axis=3))
    with pytest.raises(TrainingError, match="steps"):
        ImageClassifier(steps=0)


@pytest.mark.parametrize("images", [np.full((12, 8, 8, 1), 77, np.uint8), bars(1, 3, 0)[0]])
def test_images_that_tell_nothing_are_no_error(images: NDArray[np.uint8]) -> None:
    labels = np.zeros(len(images), np.int64)
    given = ImageClassifier(steps=2, batch_size=4).fit(images, labels, 2).predict_proba(images)
    assert np.isfinite(given).all()


@pytest.mark.slow
def test_blood_cells_are_told_apart(real_file: Callable[[str], Path]) -> None:
    """Published ResNet-18 at 28 pixels: 0.958 of BloodMNIST's test (Yang et al. 2023)."""
    cohort = read_cohort(real_file("images/bloodmnist_28.npz"))
    side = cohort.obs["split"].to_numpy()
    train, val = cohort.take(side == "train"), cohort.take(side == "val")
    model = ImageClassifier().fit(train.x, train.y, len(cohort.classes), seed=0)
    assert (model.predict_proba(val.x).argmax(axis=1) == val.y).mean() > 0.965


@pytest.mark.gpu
def test_a_gpu_learns_as_well() -> None:
    cohort = simulate("simulated-cells", 400, 0, classes=3)
    model = ImageClassifier(steps=100).fit(cohort.x, cohort.y, 3, seed=0)
    assert (model.predict_proba(cohort.x).argmax(axis=1) == cohort.y).mean() > 0.9
