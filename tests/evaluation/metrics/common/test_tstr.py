from __future__ import annotations

import numpy as np
import pytest

from cohortsmith.evaluation.metrics.common.tstr import trts, tstr
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.cohorts import cohort, patients, shuffled


def test_real_in_the_synthetic_place_is_as_useful_as_real() -> None:
    c = Comparison(patients(300, 1), patients(200, 2), patients(300, 3))
    for measure in (tstr, trts):
        found = measure(c, 0)
        assert found.low is not None
        assert found.high is not None
        assert found.reference is not None
        assert found.low <= found.reference <= found.high
        assert found.value > 0.8
        assert found.chance == pytest.approx(1 / 3, abs=0.01)


def test_shuffled_labels_fall_to_chance() -> None:
    c = Comparison(patients(300, 1), patients(200, 2), shuffled(patients(300, 3), 4))
    assert tstr(c, 0).value < 0.6
    assert trts(c, 0).value == pytest.approx(1 / 3, abs=0.1)
    assert (tstr(c, 0).reference or 0) > 0.8


def test_swapped_labels_are_worse_than_chance_class_by_class() -> None:
    made = patients(300, 3)
    c = Comparison(patients(300, 1), patients(200, 2), cohort(made.x, (made.y + 1) % 3))
    found = tstr(c, 0)
    assert found.value < 0.2
    assert [row["class"] for row in found.detail["by_class"]] == ["a", "b", "c"]
    assert all(row["reference"] > 0.8 for row in found.detail["by_class"])
    assert sum(row["n"] for row in found.detail["by_class"]) == 200


def test_one_synthetic_class_scores_that_class_of_the_holdout() -> None:
    made = patients(300, 3)
    found = tstr(Comparison(patients(300, 1), patients(201, 2), made.take(made.y == 1)), 0)
    assert found.value == pytest.approx(67 / 201)
    assert [row["value"] for row in found.detail["by_class"]] == [0, 1, 0]


def test_the_reference_learns_from_as_many_samples() -> None:
    c = Comparison(patients(300, 1), patients(200, 2), patients(45, 3))
    assert tstr(c, 0).detail["n_reference_classifier"] == 45


def test_the_classifier_is_standardised_by_train() -> None:
    """Genes on very different scales, as microarrays have, do not change the figure."""
    sides = [patients(n, s) for n, s in ((300, 1), (200, 2), (300, 3))]
    stretch = np.logspace(-1.5, 0.5, 12)
    stretched = [cohort(side.x * stretch + 5, side.y) for side in sides]
    assert tstr(Comparison(*stretched), 0).value == pytest.approx(tstr(Comparison(*sides), 0).value, abs=0.011)
