from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.core import pick
from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.cohorts import cohort, patients


def test_genes_in_another_order_are_put_in_order() -> None:
    train, holdout, made = patients(60, 1), patients(60, 2), patients(60, 3)
    turned = cohort(made.x[:, ::-1], made.y, genes=list(made.features[::-1]))
    assert np.array_equal(Comparison(train, holdout, turned).synthetic.x, made.x)


def test_missing_genes_are_named() -> None:
    train = patients(60, 1)
    short = cohort(train.x[:, 1:], train.y, genes=list(train.features[1:]))
    with pytest.raises(DataError, match="synthetic lacks 1 of train's genes \\(g0\\)"):
        Comparison(train, train, short)


def test_classes_are_numbered_as_in_train() -> None:
    train = patients(60, 1)
    only_c = cohort(train.x[:5], np.zeros(5), classes="c")
    assert (Comparison(train, train, only_c).synthetic.y == 2).all()
    assert Comparison(train, train, only_c).missing_classes == ("a", "b")


def test_a_class_that_train_has_not_is_an_error() -> None:
    train = patients(60, 1)
    with pytest.raises(DataError, match="holdout has classes that train has not: z"):
        Comparison(train, cohort(train.x, np.zeros(60), classes="z"), train)


def test_other_scale_and_nan_and_emptiness_are_errors() -> None:
    train = patients(60, 1)
    with pytest.raises(DataError, match="scale linear, train on scale log"):
        Comparison(train, train, replace(train, provenance={"scale": "linear"}))
    broken = train.x.copy()
    broken[3, 4] = np.nan
    with pytest.raises(DataError, match="synthetic has NaN or infinite values, first in gene g4"):
        Comparison(train, train, replace(train, x=broken))
    with pytest.raises(DataError, match="synthetic has no samples"):
        Comparison(train, train, train.take([]))


def test_train_is_standard_and_a_constant_gene_does_no_harm() -> None:
    train = patients(90, 1)
    flat = train.x.copy()
    flat[:, 0] = 5
    c = Comparison(replace(train, x=flat), train, train)
    assert np.allclose(c.z_train[:, 1:].std(axis=0), 1, atol=1e-4)
    assert np.allclose(c.z_train[:, 0], 0)
    assert np.isfinite(c.z_synthetic).all()


def test_an_evened_out_population_is_drawn_in_the_holdouts_proportions() -> None:
    pool = patients(900, 1)
    rows = np.concatenate([np.flatnonzero(pool.y == k)[:m] for k, m in enumerate((200, 60, 40))])
    real = pool.take(rows)
    draw = Comparison(real, real, patients(300, 3)).draw(1000, 0)
    assert np.array_equal(np.bincount(draw.real_y), np.bincount(draw.synthetic_y))
    assert len(draw.real) == len(draw.synthetic) == len(draw.reference) == len(draw.structureless) >= 100


def test_an_absent_class_stays_visible_in_the_draw() -> None:
    train, made = patients(300, 1), patients(300, 3)
    draw = Comparison(train, patients(150, 2), made.take(made.y == 0)).draw(1000, 0)
    assert set(draw.synthetic_y) == {0}
    assert set(draw.real_y) == {0, 1, 2}


def test_what_is_fitted_on_train_is_apart_from_the_reference() -> None:
    train = patients(90, 1)
    c = Comparison(train, patients(90, 2), patients(90, 3))
    draw = c.draw(1000, 0)
    assert len(draw) == 60
    apart = {row.tobytes() for row in c.z_train[draw.fitting_rows]}
    assert len(apart) == 30
    assert not apart & {row.tobytes() for row in draw.reference}


def test_too_small_a_draw_says_so() -> None:
    with pytest.raises(NotEvaluable, match="at least 20 samples per side"):
        Comparison(patients(60, 1), patients(15, 2), patients(60, 3)).draw(1000, 0)


def test_pick_fills_up_from_other_classes() -> None:
    y = np.asarray([0, 0, 0, 0, 1])
    rows = pick(y, np.asarray([1, 3]), np.random.default_rng(0))
    assert len(set(rows.tolist())) == 4
    assert 4 in rows
