from __future__ import annotations

import numpy as np
import pytest

from cohortsmith.data import DataError, log_expression, simulate


def test_genes_of_one_module_move_together_and_others_do_not() -> None:
    cohort = simulate("simulated-expression", 600, 0)
    truth = cohort.provenance["truth"]
    module, weight = np.asarray(truth["module"]), np.asarray(truth["weight"])
    z = log_expression(cohort)
    bright = cohort.x.min(axis=0) > 0  # without dropout, which blurs correlations
    within, without = [], []
    for c in range(3):
        r = np.corrcoef(z[cohort.y == c], rowvar=False) * np.sign(np.outer(weight, weight))
        same = (module[:, None] == module) & (module >= 0) & bright & bright[:, None] & ~np.eye(200, dtype=bool)
        alone = (module < 0) & bright
        within.append(np.median(r[same]))
        without.append(np.median(np.abs(np.corrcoef(z[cohort.y == c][:, alone], rowvar=False))))
    assert min(within) > 0.5
    assert max(without) < 0.35


def test_classes_differ_as_the_truth_says() -> None:
    cohort = simulate("simulated-expression", 900, 0, scale="log")
    truth = cohort.provenance["truth"]
    module, weight = np.asarray(truth["module"]), np.asarray(truth["weight"])
    shift = np.asarray(truth["shift"])
    z = log_expression(cohort)
    told = weight * (shift[1] - shift[0])[np.maximum(module, 0)]
    seen = z[cohort.y == 1].mean(axis=0) - z[cohort.y == 0].mean(axis=0)
    assert np.corrcoef(told, seen)[0, 1] > 0.95


def test_counts_have_library_sizes_and_dropout_zeros() -> None:
    cohort = simulate("simulated-expression", 300, 0)
    assert cohort.scale == "counts"
    assert (cohort.x == np.rint(cohort.x)).all()
    sizes = cohort.x.sum(axis=1)
    assert sizes.max() / sizes.min() > 3
    zeros = (cohort.x == 0).mean(axis=0)
    faint = cohort.x.mean(axis=0) < np.median(cohort.x.mean(axis=0))
    assert zeros[faint].mean() > 0.1
    assert zeros[~faint].mean() < 0.02


def test_microarray_intensities_fall_below_zero_as_real_ones_do() -> None:
    cohort = simulate("simulated-expression", 50, 0, scale="linear")
    assert cohort.scale == "linear"
    assert 0 < (cohort.x < 0).mean() < 0.3


def test_same_seed_same_patients() -> None:
    a, b, c = (simulate("simulated-expression", 50, seed) for seed in (3, 3, 4))
    assert a.digest() == b.digest() != c.digest()


@pytest.mark.parametrize(("n", "classes"), [(4, 2), (7, 3), (100, 12), (501, 5)])
def test_asked_sizes_come_back_and_every_class_has_patients(n: int, classes: int) -> None:
    cohort = simulate("simulated-expression", n, 0, genes=10, classes=classes)
    assert len(cohort) == n
    assert len(cohort.class_counts()) == classes
    assert min(cohort.class_counts().values()) >= 2


def test_what_cannot_be_simulated_is_said() -> None:
    with pytest.raises(DataError, match=r"did you mean 'simulated-expression'"):
        simulate("simulate-expression", 10, 0)
    with pytest.raises(DataError, match="must be positive; got 0"):
        simulate("simulated-expression", 0, 0)
    with pytest.raises(DataError, match="2 patients per class; got 3 classes, 200 genes, 5 patients"):
        simulate("simulated-expression", 5, 0)
    with pytest.raises(DataError, match="no option 'gens'; it has classes, genes"):
        simulate("simulated-expression", 50, 0, gens=5)
    with pytest.raises(DataError, match="scale must be one of"):
        simulate("simulated-expression", 50, 0, scale="cpm")
