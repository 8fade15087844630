"""Genes to normal scores and back: what real data have survives the way."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cohortsmith.generators.expression.gene_scores import GeneScores
from cohortsmith.generators.expression.monotone_curves import Z_LIMIT


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def one(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)[:, None]


def test_scores_are_normal_whatever_the_gene() -> None:
    columns = [rng(1).gamma(0.5, 3, 1000), rng(2).standard_t(3, 1000), rng(3).uniform(-2, 40, 1000)]
    x = np.stack(columns, axis=1).astype(np.float32)
    scores = GeneScores.fit(x).encode(x, rng())
    for gene in range(3):
        assert stats.kstest(scores[:, gene], "norm").pvalue > 0.2
        # Monotone: ranks stay as they were.
        assert stats.spearmanr(x[:, gene], scores[:, gene]).statistic > 0.9999


def test_there_and_back() -> None:
    x = np.stack([rng(1).gamma(2, 2, 800), rng(2).normal(8, 2, 800)], axis=1).astype(np.float32)
    curves = GeneScores.fit(x)
    back = curves.decode(curves.encode(x, rng()))
    inner = (x > np.quantile(x, 0.01, axis=0)) & (x < np.quantile(x, 0.99, axis=0))
    np.testing.assert_allclose(back[inner], x[inner], atol=0.01)  # extremes of single patients do not come back
    again = GeneScores.of(curves.tensors())
    np.testing.assert_array_equal(again.decode(again.encode(x, rng())), back)


@pytest.mark.parametrize("share", [0.02, 0.4, 0.9])
def test_the_point_mass_at_the_floor_keeps_its_share(share: float) -> None:
    values = rng(1).normal(6, 1, 2000)
    values[: int(share * 2000)] = 1.5
    x = one(values)
    curves = GeneScores.fit(x)
    scores = curves.encode(x, rng())
    # Patients on the floor are spread over the lowest scores: the gene is normal as a whole.
    assert stats.kstest(scores[:, 0], "norm").pvalue > 0.05
    assert (curves.decode(scores) == 1.5).mean() == pytest.approx(share, abs=0.002)
    drawn = curves.decode(rng(2).standard_normal((20_000, 1), dtype=np.float32))
    assert (drawn == 1.5).mean() == pytest.approx(share, abs=0.012)
    assert drawn.min() == np.float32(1.5)


def test_a_ceiling_is_a_point_mass_too() -> None:
    x = one(np.minimum(rng(1).normal(10, 2, 1500), 12))
    drawn = GeneScores.fit(x).decode(rng(2).standard_normal((20_000, 1), dtype=np.float32))
    assert drawn.max() == 12
    assert (drawn == 12).mean() == pytest.approx((x == 12).mean(), abs=0.012)


def test_floor_and_ceiling_together() -> None:
    x = one(np.clip(rng(1).normal(0, 1, 1500), -0.5, 0.8))
    drawn = GeneScores.fit(x).decode(rng(2).standard_normal((20_000, 1), dtype=np.float32))
    for bound in (np.float32(-0.5), np.float32(0.8)):
        assert (drawn == bound).mean() == pytest.approx((x == bound).mean(), abs=0.012)
    assert stats.wasserstein_distance(x[:, 0], drawn[:, 0]) < 0.03


def test_heavy_tails_come_back_heavy() -> None:
    x = one(rng(1).standard_t(3, 3000))
    drawn = GeneScores.fit(x).decode(rng(2).standard_normal((30_000, 1), dtype=np.float32))
    # A Gaussian of the same standard deviation has a kurtosis of 0 and next to nothing beyond five of them.
    assert stats.kurtosis(drawn[:, 0]) > 2
    for share in (0.001, 0.01, 0.99, 0.999):
        assert np.quantile(drawn, share) == pytest.approx(np.quantile(x, share), rel=0.25)


def test_a_constant_gene_stays_constant() -> None:
    x = np.stack([np.full(50, 3.25), rng(1).normal(size=50)], axis=1).astype(np.float32)
    curves = GeneScores.fit(x)
    scores = curves.encode(x, rng())
    assert (scores[:, 0] == 0).all()
    drawn = curves.decode(rng(2).standard_normal((500, 2), dtype=np.float32))
    assert (drawn[:, 0] == 3.25).all()
    assert drawn[:, 1].std() > 0.5


@pytest.mark.parametrize("few", [1, 4])
def test_what_fewer_than_five_patients_have_is_theirs_alone(few: int) -> None:
    values = np.zeros(100)
    values[:few] = np.arange(few) + 7.125
    curves = GeneScores.fit(one(values))
    drawn = curves.decode(rng(2).standard_normal((20_000, 1), dtype=np.float32))
    assert (drawn == 0).all()
    assert not any((tensor >= 7).any() for tensor in curves.tensors().values())


def test_no_patients_extreme_is_kept_and_samples_may_go_beyond() -> None:
    x = rng(1).normal(5, 2, (200, 30)).astype(np.float32)
    curves = GeneScores.fit(x)
    for tensor in curves.tensors().values():
        rows = np.atleast_2d(tensor)
        assert not (rows == x.min(axis=0)).any()
        assert not (rows == x.max(axis=0)).any()
        # Nor any other value: every knot is a mean over several patients.
        assert not any(np.isin(rows[:, gene], x[:, gene]).any() for gene in range(30))
    drawn = curves.decode(rng(2).standard_normal((20_000, 30), dtype=np.float32))
    beyond = ((drawn > x.max(axis=0)) | (drawn < x.min(axis=0))).any(axis=0)
    assert beyond.mean() > 0.9
    assert np.abs(drawn - 5).max() < 20


def test_scores_far_out_give_values_within_reach() -> None:
    x = one(rng(1).normal(8, 1, 300))
    curves = GeneScores.fit(x)
    extreme = curves.decode(np.array([[-50.0], [50.0], [-Z_LIMIT], [Z_LIMIT]], np.float32))[:, 0]
    assert (extreme[:2] == extreme[2:]).all()
    assert 0 < extreme[0] < x.min()
    assert x.max() < extreme[1] < 16


def test_ties_inside_the_gene_do_not_break_the_curve() -> None:
    x = one(np.repeat([1.0, 2.0, 2.5, 3.0, 9.0], 60))
    curves = GeneScores.fit(x)
    scores = curves.encode(x, rng())
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(curves.decode(scores), x, atol=0.01)
