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
@pytest.mark.parametrize("sizes", [(11, 60), (25, 60), (200, 400)])
def test_a_few_patients_repeated_ring(repeated: int, noise: float, sizes: tuple[int, int]) -> None:
    real, y = cohort(0, sizes, 30)
    made, made_y = cohort(1, (1000, 1000), 30)
    rng = np.random.default_rng(2)
    made[:1000] = made[rng.choice(repeated, 1000)] + noise * rng.normal(size=(1000, 30))
    (alarm,) = collapse_alarms(made, real, made_y, y, CLASSES)
    assert "mode collapse: generated patients of class 'rare'" in alarm


@pytest.mark.parametrize("repeated", [2, 3, 5])
@pytest.mark.parametrize("dim", [2, 2000])
def test_a_few_patients_repeated_ring_in_narrow_and_wide_codes(dim: int, repeated: int) -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(size=(30, dim)).astype(np.float32)
    made = rng.normal(size=(repeated, dim)).astype(np.float32)[rng.integers(0, repeated, 1000)]
    (alarm,) = collapse_alarms(made, real, np.zeros(1000, np.int64), np.zeros(30, np.int64), ("all",))
    assert f"about {repeated} different ones" in alarm


@pytest.mark.parametrize("n", [12, 30, 200])
@pytest.mark.parametrize("law", ["wide", "heavy tails", "two modes", "few factors", "copula", "copula of few factors"])
def test_samples_of_honest_laws_never_ring(law: str, n: int) -> None:
    """A copula's samples have noise beside the real patients' few factors: not good, and no collapse."""

    def drawn(size: int, seed: int, law: str) -> np.ndarray:
        rng = np.random.default_rng(seed)
        if law == "heavy tails":
            return rng.standard_t(3, size=(size, 30))
        if law == "two modes":
            return rng.normal(size=(size, 30)) + 6 * (rng.random((size, 1)) < 0.2)
        if law.endswith("few factors"):
            return rng.normal(size=(size, 3)) @ np.random.default_rng(9).normal(size=(3, 30)) + 0.1 * rng.normal(
                size=(size, 30)
            )
        return rng.normal(size=(size, 2000 if law == "wide" else 30))

    for seed in range(5 if law == "wide" else 20):
        real, made = drawn(n, seed, law), drawn(600, seed + 1000, law)
        if law.startswith("copula"):  # a Gaussian of the real patients' covariance, drawn to its diagonal
            rng = np.random.default_rng(seed)
            off = rng.normal(size=(600, n)) @ (real - real.mean(axis=0)) / np.sqrt(n)
            made = real.mean(axis=0) + np.sqrt(0.7) * off + np.sqrt(0.3) * real.std(axis=0) * rng.normal(size=(600, 30))
        labels = np.zeros(600, np.int64), np.zeros(n, np.int64)
        assert collapse_alarms(made.astype(np.float32), real.astype(np.float32), *labels, ("all",)) == []


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
