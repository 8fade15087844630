"""The expression codec as a whole: class marginals, structure, leaks, modes, library sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from cohortsmith.data import Cohort, DataError, log_expression, simulate
from cohortsmith.generators import make_generator
from cohortsmith.generators.expression.class_marginals import ClassMarginals
from cohortsmith.generators.expression.class_modes import ClassModes, cells
from cohortsmith.generators.expression.codec import ExpressionCodec
from cohortsmith.generators.expression.log_table import LogTable, floors
from cohortsmith.generators.expression.lowrank import LowRank
from cohortsmith.generators.expression.structure import Detail, Structure

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


def groups_of(codec: ExpressionCodec, cohort: Cohort) -> Any:
    return codec.strata.groups(cohort)


class TestStructure:
    @pytest.fixture
    def wide(self, expression: Callable[..., Cohort]) -> Cohort:
        """150 patients, 400 genes that hang together by three factors, each with noise of its own."""
        factors, loadings = rng(1).normal(size=(150, 3)), rng(2).normal(size=(3, 400))
        return expression(factors @ loadings + rng(3).uniform(0.2, 1.5, 400) * rng(4).normal(size=(150, 400)) + 5)

    def test_variances_and_correlations_are_preserved(self, wide: Cohort) -> None:
        codec = ExpressionCodec(leak="off", modes=1, calibrate_marginals=False)
        codes = codec.fit_encode(wide, rng())
        np.testing.assert_allclose(codes.std(axis=0, ddof=1)[:20], 1, rtol=0.2)
        groups = np.tile(groups_of(codec, wide), 100)
        back = codec.decode(rng(5).standard_normal((len(groups), codes.shape[1]), dtype=np.float32), groups, rng(6))
        np.testing.assert_allclose(back.mean(axis=0), wide.x.mean(axis=0), atol=0.3)
        ratio = back.var(axis=0) / wide.x.var(axis=0)
        assert ratio.mean() == pytest.approx(1, abs=0.1)
        apart = np.asarray(np.corrcoef(back.T)) - np.asarray(np.corrcoef(wide.x.T))
        assert np.abs(apart).mean() < 0.1

    def test_what_the_factors_leave_is_drawn_anew(self, wide: Cohort) -> None:
        codec = ExpressionCodec(leak="off", modes=1, calibrate_marginals=False)
        codes = codec.fit_encode(wide, rng())
        first, other = (codec.decode(codes, groups_of(codec, wide), rng(seed)) for seed in (1, 2))
        assert not np.array_equal(first, other)
        # Of the gene with most noise of its own, two patients of one code share less than of the one with least.
        noisy = np.argsort(rng(3).uniform(0.2, 1.5, 400))
        shared = [np.corrcoef(first[:, gene], other[:, gene])[0, 1] for gene in noisy]
        assert np.mean(shared[:100]) > np.mean(shared[-100:]) + 0.03

    def test_tight_pairs_stay_together_even_where_genes_are_joined(self, expression: Callable[..., Cohort]) -> None:
        common = rng(1).normal(size=(400, 20))
        x = np.concatenate([common, common + 0.2 * rng(2).normal(size=(400, 20))], axis=1) + 6
        codec = ExpressionCodec(modes=1, leak=0.53)
        codec.fit_encode(expression(x), rng())
        groups = codec.strata.draw(np.repeat([0, 1], 500), rng(3))
        back = codec.decode(rng(4).standard_normal((1000, *codec.code_shape), dtype=np.float32), groups, rng(5))
        pairs = [np.corrcoef(back[:, gene], back[:, gene + 20])[0, 1] for gene in range(20)]
        assert "modules" in codec.kept["detail"]
        assert np.mean(pairs) > 0.8

    def test_genes_that_do_not_vary(self, expression: Callable[..., Cohort]) -> None:
        x = np.full((12, 50), 2.0)
        x[:, :3] = rng(1).normal(size=(12, 3))
        cohort = expression(x)
        codec = ExpressionCodec()
        codes = codec.fit_encode(cohort, rng())
        back = codec.decode(codes, groups_of(codec, cohort), rng())
        assert (back[:, 3:] == 2).all()
        assert np.isfinite(back).all()

    def test_density_is_that_of_the_gaussian_up_to_a_constant(self) -> None:
        x = rng(1).standard_normal((400, 12), dtype=np.float32) @ rng(2).standard_normal((12, 12)).astype(np.float32)
        y = np.repeat([0, 1], 200)
        law = Structure.fit(x, y, 2, Detail(0), rng())
        covariance = law.colour.astype(np.float64) @ law.colour.T
        exact = [stats.multivariate_normal(law.mean[0], covariance).logpdf(row) for row in x[:5]]
        found = law.evidence(x[:5], y[:5])["density"]
        np.testing.assert_allclose(np.diff(found), np.diff(exact), rtol=1e-2)
        np.testing.assert_allclose(law.decode(law.encode(x, y), y, rng()), x, atol=1e-2)


class TestLeak:
    def test_a_covariance_of_few_patients_is_found_out_and_kept_in_less_detail(
        self, expression: Callable[..., Cohort]
    ) -> None:
        x = rng(1).normal(size=(240, 5)) @ rng(2).normal(size=(5, 120)) + rng(3).normal(size=(240, 120))
        cohort = expression(x)
        attacks = {}
        for leak in ("off", 0.95, 0.6):
            codec = ExpressionCodec(leak=leak, modes=1)
            codec.fit_encode(cohort, rng())
            attacks[leak] = codec.kept
        assert attacks["off"]["attack"] is None
        assert "every gene" in attacks["off"]["detail"]
        assert "modules" in attacks[0.6]["detail"]
        assert attacks[0.6]["attack"] < attacks[0.95]["attack"] <= 0.95

    def test_an_attack_above_the_limit_is_told(self, expression: Callable[..., Cohort]) -> None:
        codec = ExpressionCodec(leak=0.5, modes=1)
        codec.fit_encode(expression(rng(1).normal(size=(60, 40))), rng())
        attack = codec.kept["attack"]
        assert bool(codec.remarks) == (attack > 0.5)
        codec.kept["attack"] = 0.7
        (remark,) = codec.remarks
        assert "AUC 0.70, above the limit 0.5" in remark


class TestModes:
    @pytest.fixture
    def two_studies(self, expression: Callable[..., Cohort]) -> Cohort:
        """Class 0 in two studies that lie far apart, class 1 in one."""
        x = rng(1).normal(size=(300, 30))
        x[:60, :15] += 4
        return expression(x + 8, np.repeat([0, 1], [180, 120]))

    def test_two_studies_under_one_label_are_found_and_drawn_at_their_shares(self, two_studies: Cohort) -> None:
        modes = ClassModes.find(two_studies, 4, rng())
        assert modes.of_class.tolist() == [0, 0, 1]
        assert sorted(modes.share[:2]) == pytest.approx([1 / 3, 2 / 3], abs=0.02)
        groups = modes.groups(two_studies)
        assert len(set(groups[:60])) == 1
        assert groups[0] != groups[100]
        drawn = modes.draw(np.zeros(3000, np.int64), rng(2))
        assert (drawn == groups[0]).mean() == pytest.approx(1 / 3, abs=0.03)

    def test_no_patient_is_made_between_them(self, two_studies: Cohort) -> None:
        made = make_generator("copula").fit(two_studies, seed=0).sample({"class-A": 2000}, seed=1)
        along = made.x[:2000, :15].mean(axis=1)
        assert ((along > 9) & (along < 11)).mean() < 0.02
        assert (along > 10).mean() == pytest.approx(1 / 3, abs=0.05)

    @pytest.mark.parametrize("heavy", [False, True])
    def test_one_cloud_is_one_mode(self, expression: Callable[..., Cohort], heavy: bool) -> None:
        x = rng(1).normal(size=(200, 30)) @ rng(2).normal(size=(30, 30))
        if heavy:
            x *= rng(3).standard_t(4, (200, 1))
        assert len(ClassModes.find(expression(x), 4, rng())) == 2

    def test_a_covariate_tells_them(self, two_studies: Cohort) -> None:
        site = np.where(np.arange(300) % 3 == 0, "north", "south").astype(object)
        site[:2] = "few"
        cohort = replace(two_studies, obs=two_studies.obs.assign(site=site))
        modes = ClassModes.told(cohort, "site")
        assert modes.values.count("north") == modes.values.count("south") == 2
        assert "few" not in modes.values
        groups = modes.groups(cohort)
        assert {modes.values[group] for group in groups[np.arange(300) % 3 == 0][2:]} == {"north"}
        with pytest.raises(DataError, match="no covariate 'batch'; it has .*site"):
            ExpressionCodec(mode_column="batch").fit_encode(cohort, rng())

    def test_cells_are_of_enough_patients_and_lie_in_one_group(self) -> None:
        x, groups = rng(1).normal(size=(500, 8)).astype(np.float32), np.repeat([0, 1], [400, 100])
        cell = cells(x, groups, 30, rng(2))
        assert np.bincount(cell).min() >= 20
        assert len(np.unique(cell)) > 4
        assert all(len(set(groups[cell == number])) == 1 for number in np.unique(cell))


class TestCodec:
    def test_genes_come_back_in_order(self, correlated: Cohort) -> None:
        codec = ExpressionCodec(leak="off")
        codes = codec.fit_encode(correlated, rng())
        assert codes.shape == (300, 16) == (300, *codec.code_shape)
        np.testing.assert_allclose(codes.mean(axis=0), 0, atol=0.1)
        np.testing.assert_allclose(codes.std(axis=0), 1, atol=0.15)
        apart = np.abs(codec.decode(codes, groups_of(codec, correlated), rng()) - correlated.x)
        assert np.quantile(apart, 0.99) < 0.06  # extremes of single patients do not come back

    def test_wide_cohorts_get_a_short_code(self) -> None:
        wide = simulate("simulated-expression", 80, seed=0, genes=300, scale="log")
        codec = ExpressionCodec(leak="off")
        codes = codec.fit_encode(wide, rng())
        assert codec.code_shape == (64,)
        assert ExpressionCodec(rank=5).fit_encode(wide, rng()).shape == (80, 5)
        back = codec.decode(codes, groups_of(codec, wide), rng())
        each = [np.corrcoef(back[:, gene], wide.x[:, gene])[0, 1] for gene in range(300)]
        assert np.mean(each) > 0.6
        np.testing.assert_allclose(back.std(axis=0), wide.x.std(axis=0), rtol=0.6)

    def test_counts_keep_their_library_sizes_and_zeros(self) -> None:
        counts = simulate("simulated-expression", 200, seed=0, genes=40)
        codec = ExpressionCodec(calibrate_marginals=False, leak="off", modes=1)
        codes = codec.fit_encode(counts, rng())
        back = codec.decode(codes, groups_of(codec, counts), rng())
        np.testing.assert_allclose(np.median(back.sum(axis=1) / counts.x.sum(axis=1)), 1, rtol=0.01)
        assert (back == 0).mean() == pytest.approx((counts.x == 0).mean(), abs=0.01)
        decoded = replace(counts, x=back)
        assert np.abs(log_expression(decoded) - log_expression(counts)).mean() < 0.15
        # Drawn on their own, libraries are as large and as varied as real ones.
        groups = codec.strata.draw(rng(2).choice(counts.y, 4000), rng(3))
        drawn = codec.decode(rng(1).standard_normal((4000, *codec.code_shape), dtype=np.float32), groups, rng())
        sizes, truth = np.log2(drawn.sum(axis=1)), np.log2(counts.x.sum(axis=1))
        assert sizes.mean() == pytest.approx(truth.mean(), abs=0.1)
        assert sizes.std() == pytest.approx(truth.std(), rel=0.2)

    def test_negative_intensities_survive(self, expression: Callable[..., Cohort]) -> None:
        values = rng(1).normal(50, 100, (200, 5)).astype(np.float32)
        cohort = replace(expression(values), provenance={"scale": "linear", "label": "label"})
        codec = ExpressionCodec(leak="off")
        codes = codec.fit_encode(cohort, rng())
        back = codec.decode(codes, groups_of(codec, cohort), rng())
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
        large = replace(expression(np.round(rng(1).normal(1e8, 1e7, (60, 5)))), provenance={"scale": "linear"})
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
