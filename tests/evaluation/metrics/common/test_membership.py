from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.metrics.common.membership import (
    ATTACKS,
    _inputs,
    attack_auc,
    attack_tpr,
    gan_leaks,
    gan_leaks_calibrated,
    halves,
    log_density,
    true_positive_rate,
)
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.cohorts import bootstrap, cohort, patients


def _line(*values: float) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)[:, None]


def test_gan_leaks_by_hand() -> None:
    x, made, known = _line(0, 5), _line(1, 9), _line(3)
    assert gan_leaks(x, made, known).tolist() == [-1, -4]
    assert gan_leaks_calibrated(x, made, known).tolist() == [3 - 1, 2 - 4]


def test_density_is_the_kernel_estimate_of_scipy() -> None:
    rng = np.random.default_rng(0)
    samples, x = rng.standard_normal((300, 3)), rng.standard_normal((20, 3))
    # SciPy scales the kernel by the samples' covariance: give it samples whose covariance is the identity
    samples = (samples - samples.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(samples.T))).T
    slow = gaussian_kde(samples.T).logpdf(x.T) + 1.5 * np.log(2 * np.pi)
    assert np.allclose(log_density(x.astype(np.float32), samples.astype(np.float32)), slow, atol=1e-3)


@pytest.fixture(scope="module")
def copied() -> Comparison:
    train = patients(500, 1)
    return Comparison(train, patients(300, 2), bootstrap(train, 500, 3))


@pytest.mark.parametrize("attack", ATTACKS)
def test_copies_of_train_give_its_patients_away(attack: str, copied: Comparison) -> None:
    found = attack_auc(copied, 0, attack=attack)
    assert found.low is not None
    assert found.low > 0.6
    assert found.reference == pytest.approx(0.5, abs=0.1)
    if attack == "gan_leaks":  # a bootstrap holds 63 % of train: .63 + .37 / 2
        assert found.value == pytest.approx(0.82, abs=0.03)
        assert attack_tpr(copied, 0, attack=attack).value == pytest.approx(0.63, abs=0.05)


@pytest.mark.parametrize("attack", ATTACKS)
def test_unseen_real_patients_reveal_no_member(attack: str) -> None:
    found = [
        attack_auc(Comparison(patients(200, s), patients(120, 50 + s), patients(200, 99 + s)), s, attack=attack)
        for s in range(20)
    ]
    assert np.mean([(f.low or 0) <= 0.5 <= (f.high or 0) for f in found]) >= 0.85
    assert np.mean([f.value for f in found]) == pytest.approx(0.5, abs=0.04)


def test_reference_and_non_members_share_no_patient() -> None:
    """Two samples a patient, as tumour and normal tissue: both on one side."""
    y = np.tile([0, 1], 60)
    subjects = np.repeat([f"p{i}" for i in range(60)], 2)
    a, b = halves(y, subjects, np.random.default_rng(0))
    assert not set(subjects[a]) & set(subjects[b])
    assert len(a) == len(b) == 60
    assert np.bincount(y[a]).tolist() == [30, 30]


def test_members_are_train_and_the_reference_set_holds_no_attacked_patient() -> None:
    c = Comparison(patients(200, 1), patients(120, 2), patients(200, 3))
    inputs, real = _inputs(c, 0)
    rows = [{row.tobytes() for row in side} for side in inputs]
    members, non_members, synthetic, reference = rows
    assert members <= {row.tobytes() for row in c.z_train}
    assert not non_members & reference
    assert not (members | non_members) & synthetic
    assert not {row.tobytes() for row in real.members} & {row.tobytes() for row in real.synthetic}


def test_rate_at_one_percent_by_hand() -> None:
    non_members = np.arange(200.0)  # two may be accused: the threshold is 197
    members = np.asarray([196, 197, 198, 500.0])
    assert true_positive_rate(members, non_members, seed=0).value == 0.5
    assert true_positive_rate(members, np.zeros(200), seed=0).value == 1
    assert true_positive_rate(np.zeros(50), np.zeros(200), seed=0).value == 0


def test_one_percent_of_few_is_not_evaluable() -> None:
    c = Comparison(patients(200, 1), patients(150, 2), patients(200, 3))
    assert attack_auc(c, 0, attack="gan_leaks").value > 0
    with pytest.raises(NotEvaluable, match="at least 100 non-members, half the holdout has 75"):
        attack_tpr(c, 0, attack="gan_leaks")


def test_a_cohort_of_one_point_is_survived() -> None:
    train = patients(200, 1)
    c = Comparison(train, patients(120, 2), cohort(np.tile(train.x[:1], (200, 1)), train.y))
    for attack in ATTACKS:
        assert np.isfinite(attack_auc(c, 0, attack=attack).value)


def test_one_patient_with_all_samples_is_not_evaluable() -> None:
    holdout = patients(120, 2)
    one = replace(holdout, subjects=np.asarray(["p"] * 120, dtype=np.str_))
    with pytest.raises(NotEvaluable):
        attack_auc(Comparison(patients(200, 1), one, patients(200, 3)), 0, attack="domias")
