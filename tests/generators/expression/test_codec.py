"""The expression codec as a whole: class marginals, low rank, library sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from cohortsmith.data import Cohort, DataError, log_expression, simulate
from cohortsmith.generators.expression.class_marginals import ClassMarginals
from cohortsmith.generators.expression.codec import ExpressionCodec
from cohortsmith.generators.expression.log_table import LogTable, floors
from cohortsmith.generators.expression.lowrank import LowRank

if TYPE_CHECKING:
    from collections.abc import Callable


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


class TestClassMarginals:
    def test_nothing_changes_before_the_match(self) -> None:
        scores = rng(1).standard_normal((90, 4), dtype=np.float32)
        y = np.repeat([0, 1, 2], 30)
        marginals = ClassMarginals.measure(scores, y, 3)
        generated = 3 * rng(2).standard_normal((60, 4), dtype=np.float32)
        np.testing.assert_allclose(marginals.apply(generated, np.repeat([0, 1, 2], 20)), generated, atol=1e-5)

    def test_each_class_gets_trains_distribution(self) -> None:
        y = np.repeat([0, 1], 600)
        real = np.where(y[:, None] == 0, rng(1).gamma(2, 1, (1200, 3)), rng(2).normal(4, 0.3, (1200, 3)))
        generated = rng(3).normal(1.5, 2, (4000, 3)).astype(np.float32)
        of = np.repeat([0, 1], 2000)
        marginals = ClassMarginals.measure(real.astype(np.float32), y, 2).match(generated, of)
        fresh = rng(4).normal(1.5, 2, (4000, 3)).astype(np.float32)
        mapped = marginals.apply(fresh, of)
        for label in (0, 1):
            for gene in range(3):
                own, was = mapped[of == label, gene], fresh[of == label, gene]
                truth = real[y == label, gene]
                distance = stats.wasserstein_distance(own, truth)
                assert distance < 0.2 * stats.wasserstein_distance(was, truth)
                assert stats.spearmanr(own, was).statistic > 0.999, "the copula is to stay as it was"

    def test_a_class_of_few_patients_stays_as_generated(self) -> None:
        y = np.array([0] * 100 + [1] * 7)
        marginals = ClassMarginals.measure(rng(1).standard_normal((107, 2), dtype=np.float32), y, 2)
        generated = 5 + rng(2).standard_normal((50, 2), dtype=np.float32)
        of = np.repeat([0, 1], 25)
        mapped = marginals.match(generated, of).apply(generated, of)
        np.testing.assert_array_equal(mapped[of == 1], generated[of == 1])
        assert abs(mapped[of == 0].mean()) < 1


class TestLowRank:
    @pytest.fixture
    def wide(self, expression: Callable[..., Cohort]) -> Cohort:
        """150 patients, 400 genes that hang together by three factors, each with noise of its own."""
        factors, loadings = rng(1).normal(size=(150, 3)), rng(2).normal(size=(3, 400))
        return expression(factors @ loadings + rng(3).uniform(0.2, 1.5, 400) * rng(4).normal(size=(150, 400)) + 5)

    def test_variances_and_correlations_are_preserved(self, wide: Cohort) -> None:
        codec = ExpressionCodec(rank=8, calibrate_marginals=False)
        codes = codec.fit_encode(wide, rng())
        assert codes.shape == (150, 8)
        np.testing.assert_allclose(codes.std(axis=0, ddof=1), 1, rtol=0.1)
        again = np.tile(np.arange(150), 100)
        back = codec.decode(codes[again], wide.y[again], rng(6))
        np.testing.assert_allclose(back.mean(axis=0), wide.x.mean(axis=0), atol=0.2)
        ratio = back.var(axis=0) / wide.x.var(axis=0)
        assert ratio.mean() == pytest.approx(1, abs=0.1)
        assert ((ratio > 0.75) & (ratio < 1.25)).all()
        apart = np.asarray(np.corrcoef(back.T)) - np.asarray(np.corrcoef(wide.x.T))
        assert np.abs(apart).mean() < 0.08

    def test_what_the_components_leave_is_drawn_anew(self, wide: Cohort) -> None:
        codec = ExpressionCodec(rank=3, calibrate_marginals=False)
        codes = codec.fit_encode(wide, rng())
        first, other = (codec.decode(codes, wide.y, rng(seed)) for seed in (1, 2))
        assert not np.array_equal(first, other)
        # Of the gene with most noise of its own, two patients of one code share less than of the one with least.
        noisy = np.argsort(rng(3).uniform(0.2, 1.5, 400))
        shared = [np.corrcoef(first[:, gene], other[:, gene])[0, 1] for gene in noisy]
        assert np.mean(shared[:100]) > np.mean(shared[-100:]) + 0.2

    def test_genes_that_do_not_vary(self, expression: Callable[..., Cohort]) -> None:
        x = np.full((12, 50), 2.0)
        x[:, :3] = rng(1).normal(size=(12, 3))
        cohort = expression(x)
        codec = ExpressionCodec()
        codes = codec.fit_encode(cohort, rng())
        assert codec.low_rank is not None
        back = codec.decode(codes, cohort.y, rng())
        assert (back[:, 3:] == 2).all()
        assert np.isfinite(back).all()


class TestCodec:
    def test_genes_come_back_in_order(self, correlated: Cohort) -> None:
        codec = ExpressionCodec()
        codes = codec.fit_encode(correlated, rng())
        assert codes.shape == (300, 16) == (300, *codec.code_shape)
        np.testing.assert_allclose(codes.mean(axis=0), 0, atol=0.05)
        np.testing.assert_allclose(codes.std(axis=0), 1, atol=0.06)
        np.testing.assert_allclose(codec.decode(codes, correlated.y, rng()), correlated.x, atol=0.06)

    def test_wide_cohorts_get_a_short_code(self) -> None:
        wide = simulate("simulated-expression", 80, seed=0, genes=300, scale="log")
        codec = ExpressionCodec()
        codes = codec.fit_encode(wide, rng())
        assert codec.code_shape == (20,)
        assert ExpressionCodec(rank=5).fit_encode(wide, rng()).shape == (80, 5)
        assert ExpressionCodec(wide=1000).fit_encode(wide, rng()).shape == (80, 300)
        back = codec.decode(codes, wide.y, rng())
        each = [np.corrcoef(back[:, gene], wide.x[:, gene])[0, 1] for gene in range(300)]
        assert np.mean(each) > 0.6
        np.testing.assert_allclose(back.std(axis=0), wide.x.std(axis=0), rtol=0.5)

    def test_counts_keep_their_library_sizes_and_zeros(self) -> None:
        counts = simulate("simulated-expression", 200, seed=0, genes=40)
        codec = ExpressionCodec(calibrate_marginals=False)
        codes = codec.fit_encode(counts, rng())
        back = codec.decode(codes, counts.y, rng())
        np.testing.assert_allclose(back.sum(axis=1), counts.x.sum(axis=1), rtol=0.01)
        assert (back == 0).mean() == pytest.approx((counts.x == 0).mean(), abs=0.01)
        decoded = replace(counts, x=back)
        assert np.abs(log_expression(decoded) - log_expression(counts)).mean() < 0.15
        # Drawn on their own, libraries are as large and as varied as real ones.
        drawn = codec.decode(rng(1).standard_normal((4000, 41), dtype=np.float32), np.zeros(4000, np.int64), rng())
        sizes, truth = np.log2(drawn.sum(axis=1)), np.log2(counts.x.sum(axis=1))
        assert sizes.mean() == pytest.approx(truth.mean(), abs=0.1)
        assert sizes.std() == pytest.approx(truth.std(), rel=0.15)

    def test_negative_intensities_survive(self, expression: Callable[..., Cohort]) -> None:
        values = rng(1).normal(50, 100, (200, 5)).astype(np.float32)
        cohort = replace(expression(values), provenance={"scale": "linear", "label": "label"})
        codec = ExpressionCodec()
        codes = codec.fit_encode(cohort, rng())
        back = codec.decode(codes, cohort.y, rng())
        assert (back < 0).mean() == pytest.approx((values < 0).mean(), abs=0.01)
        assert np.median(np.abs(back - values)) < 2

    def test_another_data_kind_is_refused(self, correlated: Cohort) -> None:
        image = replace(correlated, kind="image", x=np.zeros((300, 4, 4, 1), np.uint8), features=("4x4x1",))
        with pytest.raises(DataError, match="expression"):
            ExpressionCodec().fit_encode(image, rng())


def test_a_floor_is_what_several_patients_share() -> None:
    columns = np.array([[0, 1.0, -2], [0, 2, -2], [0, 3, -2], [0, 4, 5], [0, 5, 6], [7, 6, 7]], np.float32)
    np.testing.assert_array_equal(floors(columns, least=3), [0, -np.inf, -2])
    np.testing.assert_array_equal(floors(columns[:, :2], least=3), [0, 0])


class TestDecimals:
    @pytest.mark.parametrize(("decimals", "scale"), [(0, "linear"), (1, "linear"), (2, "log"), (3, "log")])
    def test_rounded_values_come_back_rounded_alike(
        self, expression: Callable[..., Cohort], decimals: int, scale: str
    ) -> None:
        values = np.round(rng(1).normal(6, 2, (60, 5)), decimals).astype(np.float32)
        table = LogTable.of(replace(expression(values), provenance={"scale": scale, "label": "label"}))
        assert table.decimals == decimals
        back = table.back(rng(2).normal(3, 1, (40, 5)).astype(np.float32))
        np.testing.assert_array_equal(back, np.round(back, decimals))

    def test_unrounded_and_large_values_are_left_alone(self, expression: Callable[..., Cohort]) -> None:
        fine = expression(rng(1).normal(6, 2, (60, 5)))
        assert LogTable.of(fine).decimals is None
        large = replace(expression(np.round(rng(1).normal(1e6, 1e5, (60, 5)))), provenance={"scale": "linear"})
        assert LogTable.of(large).decimals is None


def test_what_components_tell_against_scipy_and_a_projection() -> None:
    """Fitted to some of many genes' patients: these leave less outside the components than others do."""
    x = rng(1).standard_normal((80, 60), dtype=np.float32) @ np.diag(np.linspace(0.5, 2, 60)).astype(np.float32)
    y = np.repeat([0, 1], 40)
    members = np.arange(80) % 2 == 0
    law = LowRank.fit(x[members], y[members], 2, 15)
    found = law.evidence(x, y)
    covariance = (law.basis.T * law.spread**2) @ law.basis + np.diag(law.residual**2)
    for row in (0, 1, 79):
        exact = stats.multivariate_normal(law.mean[y[row]], covariance).logpdf(x[row])
        constant = stats.multivariate_normal(law.mean[y[row]], covariance).logpdf(law.mean[y[row]])
        assert found["density"][row] == pytest.approx(exact - constant, rel=1e-3)
        centred = x[row] - law.mean[y[row]]
        rest = centred - law.basis.T @ (law.basis @ centred)
        assert found["outside"][row] == pytest.approx(-(rest**2).sum(), rel=1e-3)
        assert found["explained"][row] == pytest.approx(-(rest**2).sum() / (centred**2).sum(), rel=1e-3)
    for name in ("outside", "explained", "inside", "density"):
        assert roc_auc_score(members, found[name]) > 0.6, name
