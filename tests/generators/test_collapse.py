"""The collapse alarm: a few patients repeated ring, honest samples do not."""

from __future__ import annotations

import numpy as np
import pytest

from cohortsmith.generators.collapse import collapse_alarms, diversity

CLASSES = ("rare", "common")


def cohort(seed: int, sizes: tuple[int, int], dim: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], sizes)
    mixing = np.random.default_rng(99).normal(size=(dim, dim)) / np.sqrt(dim)
    return (rng.normal(size=(len(y), dim)) @ mixing + 2 * y[:, None]).astype(np.float32), y


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("repeated", [2, 3, 5])
@pytest.mark.parametrize("sizes", [(25, 60), (200, 400)])
def test_a_few_patients_repeated_ring(repeated: int, noise: float, sizes: tuple[int, int]) -> None:
    real, y = cohort(0, sizes, 30)
    made, made_y = cohort(1, (1000, 1000), 30)
    rng = np.random.default_rng(2)
    made[:1000] = made[rng.choice(repeated, 1000)] + noise * rng.normal(size=(1000, 30))
    (alarm,) = collapse_alarms(made, real, made_y, y, CLASSES)
    assert "mode collapse: generated patients of class 'rare'" in alarm
    assert f"about {repeated}" in alarm or "about" in alarm


@pytest.mark.parametrize("dim", [2, 30, 500])
@pytest.mark.parametrize("sizes", [(12, 40), (150, 300)])
def test_honest_samples_never_ring(dim: int, sizes: tuple[int, int]) -> None:
    for seed in range(20):
        real, y = cohort(seed, sizes, dim)
        made, made_y = cohort(seed + 1000, (600, 600), dim)
        assert collapse_alarms(made, real, made_y, y, CLASSES) == []
        assert diversity(made, real, made_y, y, CLASSES)["common"] == pytest.approx(1, abs=0.35)


def test_a_cohort_of_equal_patients_may_be_generated_so() -> None:
    """Most sequences of a cohort are the wild type."""
    rng = np.random.default_rng(0)
    real = (rng.random((300, 40)) < 0.01).astype(np.float32)
    made = (rng.random((600, 40)) < 0.01).astype(np.float32)
    assert collapse_alarms(made, real, np.zeros(600, np.int64), np.zeros(300, np.int64), ("all",)) == []


def test_one_corner_of_the_class_rings() -> None:
    real, y = cohort(0, (300, 300), 5)
    made, made_y = cohort(1, (600, 600), 5)
    made[:600] = 0.2 * (made[:600] - made[:600].mean(axis=0)) + made[0]
    (alarm,) = collapse_alarms(made, real, made_y, y, CLASSES)
    assert "'rare'" in alarm
