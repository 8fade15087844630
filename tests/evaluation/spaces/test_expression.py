"""Genes aligned by their quantiles: copies on another scale lie where the patients do."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.evaluation import Comparison
from cohortsmith.evaluation.core import auc, nearest
from cohortsmith.evaluation.spaces import ExpressionView
from cohortsmith.evaluation.spaces.expression_view import normal_scores
from tests.evaluation.cohorts import cohort, patients

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort

ALTERED: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "powers": lambda x: np.exp2(x / 4),
    "scaled": lambda x: x * np.float32(1.3) + 2,
    "rounded": lambda x: np.round(x, 1),
}


@cache
def _real() -> tuple[Cohort, Cohort]:
    return patients(500, 1), patients(420, 2)


def _calibrated(made: Cohort) -> float:
    """AUC of the distance to the nearest known outsider minus that to the nearest synthetic patient."""
    train, holdout = _real()
    view = Comparison(train, holdout, made).seen_as(ExpressionView)
    space = next(one for one in view.membership_spaces() if one.words == "genes, quantile-aligned")
    assert space.by_distance_only
    synthetic = space.see("synthetic", np.arange(len(made)), False)
    known = space.see("holdout", np.arange(210), False)
    sides = space.see("train", np.arange(500), True), space.see("holdout", np.arange(210, 420), True)
    scores = [nearest(x, known)[:, 0] - nearest(x, synthetic)[:, 0] for x in sides]
    return auc(*scores).value


@pytest.mark.parametrize("how", ALTERED)
def test_copies_on_another_scale_are_told_from_outsiders(how: str) -> None:
    train, _ = _real()
    assert _calibrated(cohort(ALTERED[how](train.x), train.y)) > 0.7


def test_other_patients_are_not() -> None:
    assert np.mean([_calibrated(patients(500, 10 + i)) for i in range(5)]) == pytest.approx(0.5, abs=0.03)


def test_normal_scores_by_hand() -> None:
    x = np.asarray([[3, 5], [1, 5], [2, 9]], dtype=np.float32)
    # ranks 3 1 2 and 1.5 1.5 3; (rank - 3/8) / (3 + 1/4) = .808, .192, .5 and .346, .346, .808
    expected = [[0.8694, -0.3957], [-0.8694, -0.3957], [0, 0.8694]]
    assert np.allclose(normal_scores(x), expected, atol=1e-3)
    assert normal_scores(x).dtype == np.float32
    wide = np.random.default_rng(0).standard_normal((30, 450)).astype(np.float32)
    assert np.array_equal(normal_scores(wide), normal_scores(np.exp(wide)))
