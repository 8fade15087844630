from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from cohortsmith.evaluation.core.intervals import auc
from cohortsmith.evaluation.metrics.common.membership import true_positive_rate
from cohortsmith.evaluation.privacy.power import smallest_leak


@pytest.mark.parametrize(("members", "non_members"), [(300, 150), (1000, 500)])
def test_the_smallest_leak_is_seen_in_four_audits_of_five(members: int, non_members: int) -> None:
    leak = smallest_leak(members, non_members)
    assert leak.auc is not None
    assert leak.tpr is not None
    rng = np.random.default_rng(0)

    def scores(shift: float) -> tuple[np.ndarray, np.ndarray]:
        return rng.standard_normal(members) + shift, rng.standard_normal(non_members)

    shift = norm.ppf(leak.auc) * np.sqrt(2)
    assert np.mean([auc(*scores(shift)).low > 0.5 for _ in range(200)]) == pytest.approx(0.8, abs=0.1)
    shift = norm.ppf(leak.tpr) - norm.ppf(0.01)
    seen = [true_positive_rate(*scores(shift), seed=i, resamples=100).low > 0.01 for i in range(100)]
    assert np.mean(seen) == pytest.approx(0.75, abs=0.15)


def test_more_patients_see_smaller_leaks() -> None:
    few, many = smallest_leak(500, 200), smallest_leak(5000, 2000)
    assert few.auc is not None
    assert many.auc is not None
    assert 0.5 < many.auc < few.auc < 0.6
    assert few.tpr is not None
    assert many.tpr is not None
    assert 0.01 < many.tpr < few.tpr < 0.1


def test_too_few_see_nothing() -> None:
    assert smallest_leak(500, 99).tpr is None
    assert smallest_leak(500, 19) == (None, None)
