"""Metrics of expression against cohorts for which the answer is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.evaluation import Comparison
from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.metrics.expression import biology, gaps, rows, tight_pairs
from tests.evaluation.profiles import GENES, profiles, studies

if TYPE_CHECKING:
    from cohortsmith.data import Cohort
    from cohortsmith.evaluation.core import Finding


def against(made: Cohort, train: Cohort | None = None) -> Comparison:
    return Comparison(train or studies(400, 1), studies(400, 2), made)


def pairs(n: int, seed: int, noise: float = 0.2) -> Cohort:
    """Genes in pairs: a common part, and noise of each one's own."""
    rng = np.random.default_rng(seed)
    common = np.repeat(rng.normal(size=(n, GENES // 2)), 2, axis=1)
    return profiles(
        common + noise * rng.normal(size=(n, GENES)) + 10 + 3 * (np.arange(n) % 2)[:, None], np.arange(n) % 2
    )


def test_pairs_that_come_apart_are_seen() -> None:
    sides = pairs(800, 1), pairs(400, 2)
    kept, torn = (tight_pairs.tight_pairs(Comparison(*sides, pairs(400, 3, noise)), 0) for noise in (0.2, 3.0))
    assert kept.value == pytest.approx(1 / 1.04, abs=0.02)  # noise of .2 beside a common part of 1
    assert kept.reference == pytest.approx(kept.value, abs=0.02)
    assert torn.value < 0.2


def test_pairs_are_found_among_all_genes_of_a_wide_cohort() -> None:
    """Ten pairs among 4500 genes, far apart in the file; no other pair is tight."""
    far = np.random.default_rng(0).permutation(4500)[:20].reshape(2, 10)

    def wide(n: int, seed: int) -> Cohort:
        x = np.random.default_rng(seed).normal(size=(n, 4500))
        x[:, far[1]] = x[:, far[0]] + 0.2 * x[:, far[1]]
        return profiles(x + 10, np.arange(n) % 2)

    found = tight_pairs.tight_pairs(Comparison(wide(200, 1), wide(100, 2), wide(100, 3)), 0)
    assert (found.detail["pairs"], found.detail["tight"], found.detail["fallback"]) == (10, 10, False)
    assert found.value == pytest.approx(1 / np.sqrt(1.04), abs=0.02)


def test_without_tight_pairs_the_tightest_are_taken_and_said_so() -> None:
    loose = [pairs(300, seed, noise=1.0) for seed in (1, 2, 3)]
    found = tight_pairs.tight_pairs(Comparison(*loose), 0)
    assert (found.detail["pairs"], found.detail["tight"], found.detail["fallback"]) == (50, 0, True)


def test_patients_between_two_studies_are_counted() -> None:
    real, filled = (gaps.gap_share(against(studies(600, 3, filled=filled)), 0) for filled in (False, True))
    assert real.value < 0.03
    assert real.reference is not None
    assert real.reference < 0.03
    assert filled.value > 0.2
    assert real.detail["classes_with_clusters"] == ["a"]


def three_studies(n: int, seed: int, filled: bool = False) -> Cohort:
    """Two classes, the first in three studies at the corners of a triangle; `filled`: on its sides, too."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 20)), np.arange(n) % 2
    first, second = (rng.integers(0, 3, n) for _ in range(2))
    share = rng.random((n, 1)) if filled else np.zeros((n, 1))
    corners = 8 * np.eye(3, 20)
    x += np.where(y[:, None] == 0, (1 - share) * corners[first] + share * corners[second], 0)
    return profiles(x + 10, y)


def test_gaps_between_three_studies_are_found() -> None:
    sides = three_studies(600, 1), three_studies(400, 2)
    real, filled = (gaps.gap_share(Comparison(*sides, three_studies(400, 3, fill)), 0) for fill in (False, True))
    assert real.detail["clusters"] == [3]
    assert max(real.value, real.reference or 0) < 0.02
    assert filled.value > 0.1


@pytest.mark.parametrize("law", ["normal", "uniform", "skewed"])
def test_one_cloud_has_no_gap(law: str) -> None:
    def cloud(seed: int) -> Cohort:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(300, 10))
        if law != "normal":
            x[:, 0] = 9 * rng.random(300) if law == "uniform" else 3 * rng.exponential(size=300)
        return profiles(x, np.arange(300) % 2)

    for seed in range(5):
        with pytest.raises(NotEvaluable, match="no class of train has two clusters"):
            gaps.gap_share(Comparison(*(cloud(3 * seed + side) for side in range(3))), 0)


def test_one_feature_of_the_row_tells_shuffled_genes() -> None:
    rng = np.random.default_rng(0)
    made = studies(400, 3)
    shuffled = replace(made, x=made.x[:, rng.permutation(GENES)])
    assert rows.row_features_auc(against(made), 0).value < 0.6
    assert rows.row_features_auc(against(shuffled), 0).value > 0.8


def test_values_off_the_grid_are_a_feature_of_the_row() -> None:
    sides = [replace(c, x=np.round(c.x, 2)) for c in (studies(400, seed) for seed in (1, 2, 3))]
    off = replace(sides[2], x=sides[2].x + np.float32(0.003))
    assert rows.row_features_auc(Comparison(*sides), 0).value < 0.6
    assert rows.row_features_auc(Comparison(sides[0], sides[1], off), 0).value > 0.99


@pytest.mark.parametrize(
    ("law", "broken"),
    [
        (lambda x: np.round(x, 2), lambda x: x + 0.003),
        (lambda x: np.log2(np.maximum(np.rint(np.exp2(x / 4)), 1)), lambda x: x + 0.01),
        (lambda x: np.clip(np.rint(x / 2 - 4), 0, 2), lambda x: np.where(x == 2, 4, x)),
    ],
)
def test_values_that_cannot_exist_are_counted(law: object, broken: object) -> None:
    train, holdout, made = (replace(c, x=law(c.x).astype(np.float32)) for c in (studies(300, s) for s in (1, 2, 3)))  # type: ignore[operator]
    good = rows.impossible_values(Comparison(train, holdout, made), 0)
    off = replace(made, x=broken(made.x).astype(np.float32))  # type: ignore[operator]
    bad = rows.impossible_values(Comparison(train, holdout, off), 0)
    assert good.value < 0.05
    assert good.reference is not None
    assert good.reference < 0.05
    assert bad.value > 0.9


def test_negative_values_where_there_were_none_are_counted() -> None:
    made = studies(300, 3)
    below = replace(made, x=np.where(np.arange(300)[:, None] < 138, made.x - 15, made.x))
    assert rows.impossible_values(against(below), 0).value == pytest.approx(0.46, abs=0.02)


def biological(made: Cohort) -> dict[str, Finding]:
    known = against(made)
    measures = (
        biology.de_recall,
        biology.de_precision,
        biology.fold_change_slope,
        biology.pathway_agreement,
        biology.attribution_agreement,
    )
    return {measure.__name__: measure(known, 0) for measure in measures}


def test_biology_of_real_patients_is_found_and_that_of_shuffled_labels_is_not() -> None:
    made = studies(400, 3)
    found = biological(made)
    assert found["de_recall"].value > 0.9
    assert found["de_precision"].value > 0.8
    assert found["fold_change_slope"].value == pytest.approx(1, abs=0.1)
    assert found["pathway_agreement"].value > 0.95
    assert found["attribution_agreement"].value > 0.6
    lost = against(replace(made, y=np.random.default_rng(0).permutation(made.y)))
    assert biology.de_recall(lost, 0).value == 0
    assert abs(biology.fold_change_slope(lost, 0).value) < 0.2
    assert biology.pathway_agreement(lost, 0).value < 0.7
    assert biology.attribution_agreement(lost, 0).value < 0.5
    with pytest.raises(NotEvaluable, match="no gene is differentially expressed between classes of synthetic"):
        biology.de_precision(lost, 0)


def test_where_classes_do_not_differ_there_is_nothing_to_recall() -> None:
    rng = np.random.default_rng(0)
    alike = [profiles(rng.normal(size=(200, 10)), np.arange(200) % 2) for _ in range(2)]
    with pytest.raises(NotEvaluable, match="between classes of unseen real patients"):
        biology.de_recall(Comparison(alike[0], alike[1], profiles(alike[0].x + 1, np.arange(200) % 2)), 0)


def test_flattened_differences_have_a_slope_below_one() -> None:
    made = studies(400, 3)
    x = made.x.copy()
    for label in (0, 1):
        x[made.y == label] += 0.5 * (made.x.mean(axis=0) - made.x[made.y == label].mean(axis=0))
    assert biological(replace(made, x=x))["fold_change_slope"].value == pytest.approx(0.5, abs=0.07)


def test_one_class_has_no_such_figures() -> None:
    one = [replace(c, y=np.zeros(len(c), np.int64)) for c in (studies(300, s) for s in (1, 2, 3))]
    with pytest.raises(NotEvaluable, match="two classes"):
        biology.de_recall(Comparison(*one), 0)
    assert tight_pairs.tight_pairs(Comparison(*one), 0).value > 0.8


def test_pathways_of_one_class_are_compared_by_the_correlations_between_modules() -> None:
    def factors(seed: int) -> Cohort:
        rng, weights = np.random.default_rng(seed), np.random.default_rng(9).normal(size=(4, 60))
        cohort = profiles(rng.normal(size=(300, 4)) @ weights + 0.5 * rng.normal(size=(300, 60)) + 10, np.zeros(300))
        return replace(cohort, classes=("all",))

    one = [factors(seed) for seed in (1, 2, 3)]
    found = biology.pathway_agreement(Comparison(*one), 0)
    assert found.detail["compared"] == "correlations between modules"
    assert found.value > 0.95
    torn = replace(one[2], x=np.random.default_rng(0).permuted(one[2].x, axis=0))
    assert biology.pathway_agreement(Comparison(one[0], one[1], torn), 0).value < 0.4
