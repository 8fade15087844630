"""Altered copies of images are found again: turned, mirrored, zoomed, shifted, recoloured, noisy or blurred."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage

from cohortsmith.evaluation import Comparison
from cohortsmith.evaluation.core import auc, nearest
from cohortsmith.evaluation.metrics.images import near_copies_registered
from cohortsmith.evaluation.spaces import ImageView
from cohortsmith.evaluation.spaces.copy_detection import BETWEEN_POSES, FEW_POSES, POSES, CopyDetector, poses_for
from cohortsmith.evaluation.spaces.image_registration import Registration
from cohortsmith.evaluation.spaces.polar_images import gap_at_best_angle, invariants, on_rings, reduced
from tests.evaluation.images import cells

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Images = NDArray[np.uint8]


def _whole(x: NDArray[np.floating]) -> Images:
    whole: Images = np.clip(np.rint(x), 0, 255).astype(np.uint8)
    return whole


def _turned(x: Images, degrees: float, zoom: float, gain: tuple[float, ...] = (1, 1, 1)) -> Images:
    angle = np.deg2rad(degrees)
    way = np.asarray([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
    middle = (np.asarray(x.shape[1:3]) - 1) / 2
    out = np.empty(x.shape)
    for image, into in zip(x, out, strict=True):
        for c in range(x.shape[3]):
            into[..., c] = ndimage.affine_transform(
                image[..., c].astype(float), way, middle - way @ middle, order=1, mode="nearest"
            )
    return _whole(out * gain)


ALTERED: dict[str, Callable[[Images], Images]] = {
    "turned, zoomed, recoloured": lambda x: _turned(x, 45, 1.15, (0.9, 1, 1.08)),
    "turned by an odd angle, smaller": lambda x: _turned(x, -37, 0.9),
    "half turn": lambda x: x[:, ::-1, ::-1],
    "mirrored": lambda x: x[:, :, ::-1],
    "darker": lambda x: _whole(x * 0.8 + 10),
    "cropped": lambda x: _whole(ndimage.zoom(x[:, 3:-3, 3:-3].astype(float), (1, 28 / 22, 28 / 22, 1), order=1)),
    "shifted": lambda x: _whole(ndimage.shift(x.astype(float), (0, 2, -1.5, 0), order=1, mode="nearest")),
    "noisy": lambda x: _whole(x + np.random.default_rng(5).normal(0, 10, x.shape)),
    "blurred": lambda x: _whole(ndimage.gaussian_filter(x.astype(float), (0, 1, 1, 0))),
}


@cache
def _searched() -> tuple[Registration, float]:
    registration = Registration(cells(150, 1).x, np.random.default_rng(0))
    return registration, float(np.sort(registration.nearest(cells(120, 2).x).distance)[0])


@pytest.mark.parametrize("how", ALTERED)
def test_altered_copies_are_found_and_named(how: str) -> None:
    registration, bar = _searched()
    rows = np.arange(0, 150, 4)
    found = registration.nearest(ALTERED[how](cells(150, 1).x[rows]))
    assert (found.distance <= bar).mean() >= 0.9
    assert (found.at == rows).mean() >= 0.9


def test_other_patients_images_are_not() -> None:
    registration, bar = _searched()
    assert (registration.nearest(cells(120, 3).x).distance <= bar).mean() <= 0.05


def test_turned_and_mirrored_images_have_equal_invariants() -> None:
    x = cells(20, 1).x
    own = on_rings(reduced(x))
    for way in (np.rot90(x, 1, axes=(1, 2)), x[:, :, ::-1]):
        other = on_rings(reduced(np.ascontiguousarray(way)))
        assert np.allclose(invariants(own), invariants(other), atol=1e-4)
        assert gap_at_best_angle(own, other).max() < 0.01
    assert gap_at_best_angle(own[:-1], own[1:]).min() > 0.1


def test_the_gap_is_what_a_search_over_angles_gives() -> None:
    a, b = on_rings(reduced(cells(8, 1).x)), on_rings(reduced(cells(8, 2).x))
    by_hand = np.full(8, np.inf)
    for way in (b, b[:, :, (-np.arange(32)) % 32]):
        for step in range(32):
            gap = np.sqrt(((a - np.roll(way, step, axis=2)) ** 2).sum(axis=1).mean(axis=1) / 3)
            by_hand = np.minimum(by_hand, gap)
    found = gap_at_best_angle(a, b)
    assert (found <= by_hand + 1e-4).all()  # its angles are finer
    assert np.allclose(found, by_hand, atol=0.05)


def test_grey_wide_and_large_images_are_sampled_too() -> None:
    for shape in ((30, 28, 40, 1), (30, 64, 64, 3), (30, 8, 8, 1)):
        x = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
        registration = Registration(x, np.random.default_rng(0))
        found = registration.nearest(x[:5])
        assert found.at.tolist() == [0, 1, 2, 3, 4]
        assert found.distance.max() < 1e-2
    flat = np.full((25, 28, 28, 3), 7, dtype=np.uint8)
    assert np.isfinite(Registration(flat, np.random.default_rng(0)).nearest(flat[:3]).distance).all()


def test_the_near_copy_figure_counts_them() -> None:
    train, other = cells(150, 1), cells(150, 3)
    half = np.concatenate([ALTERED["turned, zoomed, recoloured"](train.x[:75]), other.x[75:]])
    copied = Comparison(train, cells(120, 2), replace(other, x=half))
    assert 0.4 < near_copies_registered(copied, 0).value < 0.6  # of a random draw of 100
    assert near_copies_registered(Comparison(train, cells(120, 2), other), 0).value <= 0.04


def test_spaces_for_attacks_tell_turned_members_from_others() -> None:
    train, others = cells(150, 1), cells(120, 2)
    made = replace(train, x=ALTERED["turned, zoomed, recoloured"](train.x))
    view = Comparison(train, others, made).seen_as(ImageView)
    spaces = {space.words: space for space in view.membership_spaces()}
    registered = spaces["images registered to each other"]
    assert registered.views
    assert registered.by_distance_only
    points = registered.see("synthetic", np.arange(len(made)), False)

    def score(side: str, n: int) -> NDArray[np.float32]:
        views = registered.see(side, np.arange(n), True)
        best: NDArray[np.float32] = -nearest(views, points)[:, 0].reshape(-1, n).min(axis=0)
        return best

    assert auc(score("train", 150), score("holdout", 120)).value > 0.95


def test_fewer_poses_for_large_cohorts() -> None:
    assert (poses_for(1500), poses_for(1501)) == (POSES, FEW_POSES)
    assert (len(POSES), len(FEW_POSES)) == (95, 35)
    detector = CopyDetector(cells(60, 1).x, np.random.default_rng(0), BETWEEN_POSES)
    assert detector.views(cells(60, 1).x[:7], FEW_POSES).shape[0] == 35 * 7
    again = CopyDetector(cells(60, 1).x, np.random.default_rng(0), BETWEEN_POSES)
    assert np.array_equal(detector(cells(60, 1).x), again(cells(60, 1).x))
