from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.evaluation import Comparison
from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.metrics.sequences.linkage_decay import frequency_spectrum, ld_decay, mean_r2
from tests.evaluation.sequences import haplotypes, patients

if TYPE_CHECKING:
    from cohortsmith.data import Cohort


def _shuffled(cohort: Cohort) -> Cohort:
    rng = np.random.default_rng(0)
    return replace(cohort, x=np.stack([rng.permutation(column) for column in cohort.x.T], axis=1))


def test_linkage_by_distance_is_that_of_real_patients_or_is_lost() -> None:
    train, holdout = haplotypes(400, 1), haplotypes(400, 2)
    same, lost = (Comparison(train, holdout, made) for made in (haplotypes(400, 3), _shuffled(haplotypes(400, 3))))
    assert ld_decay(same, 0).value > 0.99
    assert ld_decay(lost, 0).value < 0.7
    assert mean_r2(same, 0).value == pytest.approx(mean_r2(same, 0).reference, rel=0.1)
    found = mean_r2(lost, 0)
    assert found.reference is not None
    assert found.value < 0.2 * found.reference


def test_mean_r2_is_that_of_all_pairs() -> None:
    train, holdout = haplotypes(400, 1), haplotypes(400, 2)
    found = mean_r2(Comparison(train, holdout, haplotypes(400, 3)), 0)
    r2 = np.corrcoef((haplotypes(400, 3).x == 3).T) ** 2
    assert found.value == pytest.approx(r2[np.triu_indices(120, 1)].mean(), rel=0.1)


def test_distance_counts_within_a_chromosome_alone() -> None:
    train, holdout, made = (haplotypes(400, seed) for seed in (1, 2, 3))
    split = tuple(name.replace("chr1", "chr2") if i >= 60 else name for i, name in enumerate(train.features))
    sides = (replace(cohort, features=split) for cohort in (train, holdout, made))
    assert max(ld_decay(Comparison(*sides), 0).detail["distance"]) < 60 * 50


def test_few_variable_sites_are_not_evaluable() -> None:
    with pytest.raises(NotEvaluable, match="50 variable sites"):
        ld_decay(Comparison(patients(400, 1), patients(300, 2), patients(300, 3)), 0)


def test_a_spectrum_without_rare_edits_is_seen() -> None:
    rng = np.random.default_rng(0)
    made = haplotypes(400, 3)
    train, holdout, full = (
        replace(c, x=np.where(rng.random(c.x.shape) < 0.01, 1, c.x).astype(np.uint8))
        for c in (haplotypes(400, 1), haplotypes(400, 2), made)
    )
    assert frequency_spectrum(Comparison(train, holdout, full), 0).value < 0.3
    assert frequency_spectrum(Comparison(train, holdout, made), 0).value > 0.45
