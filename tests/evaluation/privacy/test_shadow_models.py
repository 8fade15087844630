"""The shadow-model attack: its likelihood ratio against a slow derivation, and generators with known leaks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from cohortsmith.app.pipeline.fitting import fit_and_sample
from cohortsmith.data import DataError
from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.privacy.shadow_models import _parts, log_ratio, shadow_attack
from cohortsmith.generators import FAMILIES, make_generator
from cohortsmith.generators.baselines.bootstrap import Bootstrap
from tests.evaluation.cohorts import bootstrap, patients
from tests.evaluation.images import cells
from tests.evaluation.sequences import patients as carriers

if TYPE_CHECKING:
    from numpy.typing import NDArray


def test_the_ratio_is_that_of_two_normal_densities() -> None:
    """With so many shadows that nothing is to be guessed, each patient's own means and everybody's covariance."""
    rng = np.random.default_rng(0)
    shadows, n = 6000, 5
    inside = np.empty((shadows, n), dtype=bool)
    for patient in range(n):
        inside[:, patient] = rng.permutation(shadows) % 10 < 6
    out, gap = rng.normal(size=(n, 2)), rng.normal(size=(n, 2)) + 1
    covariance = np.array([[1.0, 0.6], [0.6, 0.5]])
    near = out + inside[..., None] * gap + rng.multivariate_normal([0, 0], covariance, size=(shadows, n))
    seen = rng.normal(size=(n, 2))
    slow = [
        multivariate_normal.logpdf(seen[i], out[i] + gap[i], covariance)
        - multivariate_normal.logpdf(seen[i], out[i], covariance)
        for i in range(n)
    ]
    np.testing.assert_allclose(log_ratio(near, inside, seen), slow, atol=0.3)


def test_patients_are_in_and_out_equally_often_and_stay_whole() -> None:
    train, holdout = patients(90, 1), patients(60, 2)
    train = replace(train, subjects=np.array([f"p{i // 2}" for i in range(90)]))
    for shadows in (4, 7, 16):
        inside = _parts(train, holdout, shadows, np.random.default_rng(0))
        assert np.unique(inside.sum(axis=0)).tolist() == [min(round(0.6 * shadows), shadows - 2)]
        assert (inside[:, 0:90:2] == inside[:, 1:90:2]).all()
        sizes = inside.sum(axis=1)
        assert sizes.max() - sizes.min() <= 12
        assert len({part.tobytes() for part in inside}) == shadows
        together = inside[:, :, None] & inside[:, None, :]
        assert together.any(axis=0).all() or shadows < 16


@pytest.mark.parametrize("kind", ["expression", "sequence", "image"])
def test_a_bootstrap_is_caught(kind: str) -> None:
    """It holds 63 % of its patients: an AUC of .63 + .37 / 2 where a copy is told for certain."""
    make: Any = {"expression": patients, "sequence": carriers, "image": cells}[kind]
    train, holdout = make(240, 1), make(160, 2)
    found = shadow_attack(train, holdout, bootstrap(train, 240, 3), partial(fit_and_sample, "bootstrap", {}), shadows=8)
    assert found.auc.low > 0.55 if kind == "sequence" else found.auc.low > 0.72  # wild types are nobody's
    assert found.auc.value < 0.9
    assert found.control is not None
    assert found.control.low < 0.5 < found.control.high
    assert (found.n_members, found.n_non_members) == (240, 160)
    assert found.tpr.keys() == {0.1, 0.01}
    if kind == "expression":
        assert found.tpr[0.01].low > 0.4
    false, true = found.roc
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)


def test_a_generator_fitted_on_other_patients_is_not() -> None:
    train, holdout, made = patients(240, 1), patients(160, 2), patients(240, 4)
    for family in ("bootstrap", "mvn"):
        found = shadow_attack(train, holdout, made, partial(fit_and_sample, family, {}), shadows=8)
        assert found.auc.low < 0.5 < found.auc.high


class Overfitted(Bootstrap):
    """Patients with noise of half a standard deviation of theirs."""

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        x = super()._draw(y, rng)
        noisy: NDArray[Any] = x + 0.5 * self._x.std(axis=0) * rng.standard_normal(x.shape)
        return noisy.astype(np.float32)


def test_an_overfitted_generator_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAMILIES, "overfitted", Overfitted)
    train, holdout = patients(240, 1), patients(160, 2)
    made = Overfitted().fit(train).sample(480, seed=0)
    found = shadow_attack(train, holdout, made, partial(fit_and_sample, "overfitted", {}), shadows=16)
    assert found.auc.low > 0.55
    assert found.control is not None
    assert found.control.low < 0.5 < found.control.high


def test_same_seed_same_result() -> None:
    train, holdout = patients(120, 1), patients(60, 2)
    made = make_generator("mvn").fit(train, seed=0).sample(120, seed=0)
    one, again, other = (
        shadow_attack(train, holdout, made, partial(fit_and_sample, "mvn", {}), shadows=4, seed=s).auc
        for s in (3, 3, 4)
    )
    assert one == again != other


@pytest.mark.slow
def test_processes_give_what_one_gives() -> None:
    train, holdout = patients(120, 1), patients(60, 2)
    made = make_generator("mvn").fit(train, seed=0).sample(120, seed=0)
    one, two = (
        shadow_attack(train, holdout, made, partial(fit_and_sample, "mvn", {}), shadows=4, jobs=jobs).auc
        for jobs in (1, 2)
    )
    assert one.value == pytest.approx(two.value, abs=1e-3)


def test_refusals() -> None:
    train, holdout = patients(60, 1), patients(40, 2)
    with pytest.raises(DataError, match="at least 4 shadows, 16 or more are better; got 3"):
        shadow_attack(train, holdout, train, partial(fit_and_sample, "mvn", {}), shadows=3)
    with pytest.raises(NotEvaluable, match="at least 20 samples per cohort"):
        shadow_attack(train, patients(12, 2), train, partial(fit_and_sample, "mvn", {}))
    rare = train.take(np.append(np.flatnonzero(train.y != 1), np.flatnonzero(train.y == 1)[:5]))
    with pytest.raises(
        NotEvaluable, match="a shadow generator could not be fitted: .*at least 5 patients of each class"
    ):
        shadow_attack(rare, holdout.take(holdout.y != 1), train, partial(fit_and_sample, "mvn", {}), shadows=8)
