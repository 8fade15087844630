"""Private images: the Gaussian field of each class, its codes, and what the noise leaves of its figures."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.fft import dctn

from cohortsmith.data import DataError
from cohortsmith.generators import make_generator
from cohortsmith.generators.private.budget import Statistics, shrunk, smoothed
from cohortsmith.generators.private.image_codec import PrivateImageCodec, _coded, _frequency, _pairs
from tests.contracts.cohorts import cohort_of

if TYPE_CHECKING:
    from cohortsmith.data import Cohort


def fields(n: int) -> Cohort:
    """Images of smooth noise, loud in the middle, faint at the border; ground and loudness are the class's."""
    rng, (row, column) = np.random.default_rng(0), np.mgrid[:28, :28]
    middle = np.exp(-((row - 13.5) ** 2 + (column - 13.5) ** 2) / 60)
    white = rng.standard_normal((n, 30, 30, 3))
    smooth = sum(white[:, up : up + 28, across : across + 28] for up, across in product(range(3), range(3))) / 3
    y, loud = np.arange(n) % 2, np.array([20.0, 40.0])
    x = np.array([90.0, 150.0])[y][:, None, None, None] + loud[y][:, None, None, None] * middle[..., None] * smooth
    kind = cohort_of("image")
    return replace(
        kind.take(np.resize(np.arange(len(kind)), n)),
        x=np.clip(x, 0, 255).astype(np.uint8),
        y=y,
        classes=("dim", "lit"),
    )


def drawn(noise: float, n: int = 4000) -> tuple[Cohort, np.ndarray]:
    """Images, and what a network that answers with noise makes of a codec that was fitted to them."""
    cohort, codec, rng = fields(n), PrivateImageCodec(), np.random.default_rng(1)
    codec.statistics = Statistics(noise, rng)
    codes = codec.fit_encode(cohort, rng)
    made = codec.decode(rng.standard_normal((2000, codes.shape[1]), dtype=np.float32), np.arange(2000) % 2, rng)
    return cohort, made.astype(float)


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_before_it_has_learned_a_network_makes_the_gaussian_field_of_each_class(noise: float) -> None:
    cohort, made = drawn(noise)
    real = cohort.x.astype(float)
    for label in range(2):
        ours, theirs = made[label::2], real[cohort.y == label]
        assert ours.mean() == pytest.approx(theirs.mean(), abs=3)
        for picture, map_of in ((ours, "made"), (theirs, "real")):
            loud, faint = picture[:, 11:17, 11:17].std(0).mean(), picture[:, :4, :4].std(0).mean()
            assert loud > (1.3 if noise else 2) * faint, (map_of, loud, faint)
        assert ours[:, 11:17, 11:17].std(0).mean() == pytest.approx(theirs[:, 11:17, 11:17].std(0).mean(), rel=0.35)
        near = [np.corrcoef(p[:, 13, 13, 0], p[:, 13, 14, 0])[0, 1] for p in (ours, theirs)]
        far = [np.corrcoef(p[:, 13, 13, 0], p[:, 13, 18, 0])[0, 1] for p in (ours, theirs)]
        assert near[0] == pytest.approx(near[1], abs=0.25)
        assert abs(far[0]) < 0.25


def test_low_waves_come_back_and_the_others_are_drawn() -> None:
    cohort, codec, rng = cohort_of("image"), PrivateImageCodec(), np.random.default_rng(0)
    codes = codec.fit_encode(cohort, rng)
    assert codes.shape == (len(cohort), 193)
    back, again = (codec.decode(codes, cohort.y, rng) for _ in range(2))
    assert not np.array_equal(back, again)
    low = _coded((3, 28, 28))
    waves = [dctn(x.transpose(0, 3, 1, 2).astype(float), axes=(1, 2, 3), norm="ortho") for x in (back, cohort.x)]
    ours, theirs = (w.reshape(len(w), -1)[:, low] for w in waves)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.98  # but for what is clipped, of code and of pixel


def test_how_loud_the_other_waves_are_is_a_number_of_the_code() -> None:
    cohort, codec, rng = fields(600), PrivateImageCodec(), np.random.default_rng(0)
    codes = codec.fit_encode(cohort, rng)
    codes[:, :-1], codes[:, -1] = 0.5 * codes[:, :-1], np.where(np.arange(600) < 300, -2, 2)
    again = codec.encode(replace(cohort, x=codec.decode(codes, cohort.y, rng)), rng)
    assert again[:300, -1].mean() + 2 < again[300:, -1].mean()


def test_class_means_do_not_carry_the_noise_of_their_release() -> None:
    cohort, noise, means = fields(600), 10.0, []
    for level in (0.0, noise):
        codec = PrivateImageCodec()
        codec.statistics = Statistics(level, np.random.default_rng(0))
        codec.fit_encode(cohort, np.random.default_rng(0))
        means.append(codec._field.mean)
    released = noise * 1.5 * np.sqrt(means[0].shape[1]) / 300  # the noise of a class's mean as it is released
    assert np.sqrt(((means[0] - means[1]) ** 2).mean()) < 0.3 * released


def test_what_one_patient_changes_is_within_what_the_noise_is_for() -> None:
    """Sums with and without a patient differ by no more than the radius, whatever the patient looks like."""
    cohort = cohort_of("image")
    sums: list[list[tuple[np.ndarray, float]]] = []

    class Watching(Statistics):
        def _noised(self, values: np.ndarray, most: float) -> np.ndarray:
            sums[-1].append((values, most))
            return values

    wild = replace(cohort, x=np.concatenate([np.full_like(cohort.x[:1], 255) * (cohort.x[:1] % 2), cohort.x[1:]]))
    for some in (wild, wild.take(np.arange(1, len(wild)))):
        sums.append([])
        codec = PrivateImageCodec()
        codec.statistics = Watching()
        codec.fit_encode(some, np.random.default_rng(0))
    assert len(sums[0]) == 5
    counts, totals = (np.linalg.norm(sums[0][k][0] - sums[1][k][0]) for k in (0, 1))  # the others follow from these
    assert counts <= sums[0][0][1] + 1e-9
    assert totals <= sums[0][1][1] + 1e-6


def test_pairs_are_those_of_near_waves_each_once() -> None:
    shape = (2, 5, 6)
    pairs = _pairs(shape)
    found = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert len(found) == len(pairs.first)
    size = int(np.prod(shape))
    channel, row, column = np.unravel_index(np.arange(size), shape)
    expected = {
        frozenset((a, b))
        for a, b in product(range(size), repeat=2)
        if a != b and abs(row[a] - row[b]) in (0, 2) and abs(column[a] - column[b]) in (0, 2)
    }
    assert {frozenset(pair) for pair in found} == expected
    assert channel.max() == 1


def test_figures_that_are_noise_are_drawn_to_zero_and_others_stay() -> None:
    rng, alike = np.random.default_rng(0), np.repeat([0, 1], 500)
    truth = np.concatenate([np.zeros(500), 10 * rng.standard_normal(500)])
    values = truth + rng.standard_normal(1000)
    drawn_in = shrunk(values[None], alike, np.ones((1, 1)))[0]
    assert np.abs(drawn_in[:500]).mean() < 0.2
    np.testing.assert_allclose(drawn_in[500:], values[500:], rtol=0.05)
    np.testing.assert_allclose(shrunk(values[None], alike, np.zeros((1, 1)))[0], values, rtol=1e-6)
    level = smoothed(5 + values[:500], alike[:500], 1.0)
    np.testing.assert_allclose(level, 5, atol=0.6)


def test_frequencies_are_those_of_rows_and_columns() -> None:
    assert _frequency((3, 28, 28)).reshape(3, 28, 28)[2, 3, 4] == 5
    assert _coded((1, 28, 28)).sum() == _coded((3, 28, 28)).sum() == 192


@pytest.mark.parametrize("name", ["looks", "symmetries", "augmentation", "profile"])
def test_settings_of_the_networks_of_images_are_not_for_private_fits(name: str) -> None:
    value = {"looks": 2, "symmetries": "none", "augmentation": 0.5, "profile": "cpu"}[name]
    with pytest.raises(DataError, match=f"gan: {name} is not for fits with dp_epsilon"):
        make_generator("gan", dp_epsilon=1.0, **{name: value}).fit(cohort_of("image"))
