"""Attacks by density: covariances and classes that a release took from its training patients."""

from __future__ import annotations

import numpy as np
import pytest

from cohortsmith.evaluation.core.intervals import auc
from cohortsmith.evaluation.privacy.attacks.densities import class_gaussian, covariance, covariance_within, local_ratio
from cohortsmith.evaluation.privacy.attacks.records import Records


def _people(n: int, d: int, seed: int, classes: int = 2) -> Records:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return Records((rng.standard_normal((n, d)) + 3 * y[:, None]).astype(np.float32), y)


def test_the_mahalanobis_distance_by_hand() -> None:
    """Variances 4 and 1 about (0, 0), ridge a tenth of their mean: (2, 0) lies at 4 / 4.25, (0, 2) at 4 / 1.25."""
    x = np.asarray([[2, 0], [-2, 0], [0, 1], [0, -1]] * 50, dtype=np.float32) * np.float32(np.sqrt(2))
    x *= np.asarray([1, 1], dtype=np.float32)
    none = np.zeros(len(x), dtype=np.int64)
    seen = covariance(Records(x, none))(Records(np.asarray([[2, 0], [0, 2]], dtype=np.float32), none[:2]))
    assert np.exp(-seen) == pytest.approx([4 / 4.25, 4 / 1.25], rel=1e-3)


def test_the_same_whether_there_are_more_genes_or_more_patients() -> None:
    """The Gram matrix and the covariance matrix give one distance."""
    people = _people(60, 40, 0)
    wide = Records(np.hstack([people.x, np.zeros((60, 40), dtype=np.float32)]), people.y)
    targets = _people(10, 40, 1)
    wide_targets = Records(np.hstack([targets.x, np.zeros((10, 40), dtype=np.float32)]), targets.y)
    narrow = np.exp(-covariance(people)(targets))
    # twice the columns halve the mean variance, and with it the ridge
    assert np.corrcoef(narrow, np.exp(-covariance(wide)(wide_targets)))[0, 1] > 0.98


@pytest.mark.parametrize("law", [covariance, covariance_within])
def test_principal_components_of_train_give_its_patients_away(law: object) -> None:
    """A Gaussian on as many components as half the patients, in more genes than patients: no row is near a patient."""
    train, unseen, known = (_people(80, 300, seed) for seed in (1, 2, 3))
    means = train.class_means(2)
    centred = train.x - means[train.y]
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    codes = rng.standard_normal((400, 40)) * spread[:40] / np.sqrt(80)
    made = Records((codes @ axes[:40] + means[y]).astype(np.float32), y)
    scores = [law(made)(side) - law(known)(side) for side in (train, unseen)]  # type: ignore[operator]
    assert auc(*scores).value > 0.9


def test_a_class_learned_from_few_favours_these_few() -> None:
    train, unseen, known = (_people(60, 10, seed) for seed in (1, 2, 3))
    rng = np.random.default_rng(0)
    rows = []
    for label in (0, 1):
        own = train.of_class(label).astype(np.float64)
        rows.append(rng.multivariate_normal(own.mean(axis=0), np.cov(own.T), 200))
    made = Records(np.concatenate(rows).astype(np.float32), np.repeat([0, 1], 200))
    targets = Records(np.concatenate([train.x, unseen.x]), np.concatenate([train.y, unseen.y]))
    score = class_gaussian(targets, made, known)
    assert auc(score[:60], score[60:]).low > 0.55


@pytest.mark.parametrize("attack", [class_gaussian, local_ratio])
def test_other_people_are_not_told(attack: object) -> None:
    train, unseen, known, made = (_people(200, 10, seed) for seed in (1, 2, 3, 4))
    targets = Records(np.concatenate([train.x, unseen.x]), np.concatenate([train.y, unseen.y]))
    score = attack(targets, made, known)  # type: ignore[operator]
    found = auc(score[:200], score[200:])
    assert found.low < 0.5 < found.high
