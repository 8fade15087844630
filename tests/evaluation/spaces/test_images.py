"""What images are turned into, and figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import wasserstein_distance
from sklearn.metrics import f1_score

from cohortsmith.evaluation import Comparison
from cohortsmith.evaluation.core.pixel_scale import PixelScale, tiles
from cohortsmith.evaluation.core.probability_scores import confusion, macro_f1
from cohortsmith.evaluation.metrics.common.joint import kernel_sums, mmd_from_sums
from cohortsmith.evaluation.metrics.images.frechet_kid import frechet_fixed, polynomial, squared_discrepancy
from cohortsmith.evaluation.metrics.images.modes import effective_number
from cohortsmith.evaluation.metrics.images.near_copies import share_within
from cohortsmith.evaluation.metrics.images.pixels import pixel_js, pixel_wasserstein
from cohortsmith.evaluation.spaces import ImageView, turned
from cohortsmith.evaluation.spaces.image_statistics import (
    ROUNDING,
    colour_names,
    image_colours,
    image_traits,
    radial_power,
    trait_names,
)
from tests.evaluation import images

if TYPE_CHECKING:
    from numpy.typing import NDArray


def test_profiles_are_means_of_tiles_in_standard_deviations() -> None:
    x = images.cells(60, 1).x
    scale = PixelScale(x)
    assert np.allclose(scale.mean, x.mean(axis=(0, 1, 2)))
    assert np.allclose(scale.sd, x.std(axis=(0, 1, 2)))
    profile = scale.profiles(x)[7].reshape(14, 14, 3)
    assert profile[3, 5, 1] == pytest.approx((x[7, 6:8, 10:12, 1].mean() - scale.mean[1]) / scale.sd[1], rel=1e-5)


def test_noise_keeps_mean_and_spread_of_a_channel_and_nothing_else() -> None:
    x = images.cells(60, 1).x // 2  # no value is cut
    noise = PixelScale(x).noise(400, x.shape[1:], np.random.default_rng(0))
    assert noise.dtype == np.uint8
    assert np.allclose(noise.mean(axis=(0, 1, 2)), x.mean(axis=(0, 1, 2)), atol=0.5)
    assert np.allclose(noise.std(axis=(0, 1, 2)), x.std(axis=(0, 1, 2)), atol=0.5)
    flat = noise[:, 10, 10:12, 0].astype(float)
    assert abs(np.corrcoef(flat.T)[0, 1]) < 0.15


def test_an_edge_that_fills_no_tile_is_left_out() -> None:
    x = np.arange(2 * 5 * 7, dtype=np.uint8).reshape(2, 5, 7, 1)
    assert tiles(x, 2).shape == (2, 2, 3, 1)
    assert tiles(x, 2)[0, 0, 0, 0] == np.mean([0, 1, 7, 8])


def test_an_image_has_eight_orientations() -> None:
    x = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
    assert len({way.tobytes() for way in turned(x)}) == 8
    wide = np.arange(8, dtype=np.uint8).reshape(1, 2, 4, 1)
    assert len({way.tobytes() for way in turned(wide)}) == 4


def test_power_of_a_wave_stands_at_its_frequency() -> None:
    at = np.arange(28)
    wave = 128 + 100 * np.cos(2 * np.pi * 5 * at / 28)
    x = np.broadcast_to(wave[None, None, :, None], (1, 28, 28, 1))
    power = radial_power(np.rint(x).astype(np.uint8))[0]
    down, across = np.meshgrid(np.fft.fftfreq(28) * 28, np.fft.fftfreq(28) * 28)
    waves = int((np.rint(np.hypot(down, across)) == 5).sum())
    # two of the ring's waves have |F|^2 / (28 * 28) = (100 / 2)^2 * 28 * 28
    assert power[4] == pytest.approx(2 * 50**2 * 28**2 / waves, rel=1e-2)
    assert np.delete(power, 4).max() < 1e-4 * power[4]
    assert radial_power(np.full((1, 28, 28, 3), 77, dtype=np.uint8)).max() == pytest.approx(ROUNDING)


def test_colours_of_an_image_of_two_halves() -> None:
    x = np.zeros((1, 28, 28, 3), dtype=np.uint8)
    x[:, :14] = (100, 200, 50)
    x[:, 14:] = (200, 200, 200)
    found = dict(zip(colour_names(3), image_colours(x)[0].tolist(), strict=True))
    assert found["mean of red"] == 150
    assert found["sd of red"] == 50
    assert found["sd of green"] == 0
    assert found["light of blue"] == 200
    assert found["saturation"] == pytest.approx(0.75 / 2)
    assert found["contrast"] == pytest.approx(200 - (0.299 * 100 + 0.587 * 200 + 0.114 * 50), rel=1e-4)
    assert image_traits(x).shape == (1, len(trait_names((28, 28, 3))))
    assert image_traits(x[..., :1]).shape == (1, len(trait_names((28, 28, 1))))


def test_kernel_distance_is_the_double_sum() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((9, 4)).astype(np.float32), rng.standard_normal((9, 4)).astype(np.float32) + 1

    def k(x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
        return float((x @ y / 4 + 1) ** 3)

    within = [sum(k(s[i], s[j]) for i in range(9) for j in range(9) if i != j) / (9 * 8) for s in (a, b)]
    across = sum(k(x, y) for x in a for y in b) / 81
    assert squared_discrepancy(a, b) == pytest.approx(sum(within) - 2 * across, rel=1e-5)
    rng = np.random.default_rng(1)
    a, b = (rng.standard_normal((40, 4)).astype(np.float32) for _ in range(2))
    first, second = (kernel_sums(polynomial(side, side), within=True) for side in (a, b))
    value, left_out = mmd_from_sums(first, second, kernel_sums(polynomial(a, b)), 40)
    assert value == pytest.approx(squared_discrepancy(a, b), abs=1e-6)
    assert left_out[3] == pytest.approx(squared_discrepancy(*(np.delete(s, range(12, 16), axis=0) for s in (a, b))))


def test_frechet_distance_in_the_fixed_network_has_its_closed_form() -> None:
    train, holdout = images.cells(300, 1), images.cells(150, 2)

    def see(x: images.Images) -> NDArray[np.float32]:
        means: NDArray[np.float32] = x.reshape(len(x), -1, 3).mean(axis=1).astype(np.float32)
        return means[:, :1]

    image_models = replace(images.image_models(), fixed=see)
    brighter = replace(holdout, x=(holdout.x // 2).astype(np.uint8))
    comparison = Comparison(train, holdout, brighter, image_models=image_models)
    rows, spread = comparison.draw(2000, 0).rows, see(train.x).std()
    a, b = see(holdout.x[rows.real]), see(brighter.x[rows.synthetic])
    expected = ((a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2) / spread**2
    assert frechet_fixed(comparison, 0).value == pytest.approx(expected, rel=1e-3)


def test_pixel_figures_are_those_of_scipy() -> None:
    comparison = Comparison(*map(images.in_green, (images.cells(150, 1), images.cells(90, 2), images.cells(90, 3))))
    rows = comparison.draw(2000, 0).rows
    a, b = comparison.holdout.x[rows.real], comparison.synthetic.x[rows.synthetic]
    by_hand = [
        wasserstein_distance(first, second)
        for first, second in zip(a.reshape(len(a), -1).T, b.reshape(len(b), -1).T, strict=True)
    ]
    assert pixel_wasserstein(comparison, 0).value == pytest.approx(np.mean(by_hand))
    black, white = (replace(images.cells(90, 2), x=np.full((90, 28, 28, 3), grey, dtype=np.uint8)) for grey in (0, 255))
    opposite = Comparison(images.cells(150, 1), black, white)
    assert pixel_js(opposite, 0).value == pytest.approx(1)
    assert pixel_wasserstein(opposite, 0).value == 255


def test_copies_count_as_one_in_the_effective_number() -> None:
    apart = np.asarray([[0, 9, 9], [9, 0, 9], [9, 9, 0]], dtype=np.float32)
    assert effective_number(apart, 1) == pytest.approx(3)
    assert effective_number(np.repeat(np.repeat(apart, 4, axis=0), 4, axis=1), 1) == pytest.approx(3)
    assert effective_number(np.zeros((5, 5), dtype=np.float32), 1) == 1
    half = np.asarray([[0, 1], [1, 0]], dtype=np.float32)
    assert effective_number(half, 1) == pytest.approx(4 / (2 + 2 * np.exp(-0.5)))


def test_a_hundredth_of_new_distances_lies_within_the_hundredth_of_known_ones() -> None:
    rng = np.random.default_rng(0)
    shares = [share_within(rng.random(400), rng.random(400)).value for _ in range(300)]
    assert np.mean(shares) == pytest.approx(0.01, abs=0.0015)
    found = [share_within(rng.random(400), rng.random(400)) for _ in range(300)]
    assert np.mean([interval.low <= 0.01 <= interval.high for interval in found]) > 0.93
    assert share_within(np.zeros(10), np.arange(1, 200)).value == 1


def test_macro_f1_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    y, said = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    assert macro_f1(confusion(y, said, 4)) == pytest.approx(f1_score(y, said, average="macro"))
    present = y < 3  # a class the test set has not does not count, though it may be called
    expected = f1_score(y[present], said[present], average="macro", labels=[0, 1, 2])
    assert macro_f1(confusion(y[present], said[present], 4)) == pytest.approx(expected)


def test_a_dead_feature_of_a_network_does_no_harm() -> None:
    image_models = images.image_models()

    class Dead(images.Glance):
        def embed(self, x: images.Images) -> NDArray[np.float32]:
            features = super().embed(x)
            features[:, 0] = 1
            features[1:, 1], features[:1, 1] = 0, 1e-3  # hardly ever fires
            return features

    def learn(x: images.Images, y: images.Labels, classes: int, seed: int) -> Dead:
        found = image_models.learn(x, y, classes, seed)
        assert isinstance(found, images.Glance)
        return Dead(found.model, found.seed, found.classes)

    comparison = Comparison(
        images.cells(150, 1), images.cells(90, 2), images.cells(90, 3), image_models=replace(image_models, learn=learn)
    )
    draw = comparison.seen_as(ImageView).trained_draw(2000, 0)
    assert np.abs(draw.synthetic).max() < 10
