"""What fitted models tell of who was learned from: every family on every data kind, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cohortsmith.data import DataError
from tests.contracts.cohorts import cohort_of
from tests.contracts.test_generators import NEURAL, everywhere, fitted


@everywhere
def test_evidence_is_one_number_a_patient_in_their_order(family: str, kind: str) -> None:
    cohort, generator = cohort_of(kind).take(np.arange(0, 60, 5)), fitted(family, kind)
    found = generator.membership_evidence(cohort, seed=3)
    assert bool(found) == (family in (*NEURAL, "copula", "mvn", "vlmc"))
    turned = generator.membership_evidence(cohort.take(np.arange(len(cohort))[::-1]), seed=3)
    for name, values in found.items():
        assert values.shape == (12,)
        assert values.dtype == np.float64
        assert np.isfinite(values).all(), name
        if kind not in ("log-floor", "counts"):  # there, values at a floor are spread at random
            np.testing.assert_allclose(turned[name][::-1], values, rtol=5e-3, atol=5e-3, err_msg=name)


@pytest.mark.parametrize("family", ["diffusion", "mvn"])
def test_evidence_is_of_cohorts_like_that_of_the_fit(family: str) -> None:
    generator, cohort = fitted(family, "linear"), cohort_of("linear")
    other = replace(cohort, x=cohort.x[:, ::-1], features=cohort.features[::-1])
    other = replace(other, classes=("class-0", *cohort.classes), y=cohort.y + 1)
    for name, values in generator.membership_evidence(cohort).items():
        np.testing.assert_allclose(generator.membership_evidence(other)[name], values, rtol=1e-5)
    wrong = [
        (cohort_of("image"), "this model is of expression data"),
        (cohort.take([]), "no patients"),
        (cohort_of("counts"), "on scale 'linear', the cohort on 'counts'"),
        (replace(cohort, classes=("class-A", "class-B", "class-X")), "does not know class 'class-X'"),
        (replace(cohort, x=cohort.x[:, 1:], features=cohort.features[1:]), "lacks 1 of the model's 12 genes"),
    ]
    for asked, message in wrong:
        with pytest.raises(DataError, match=message):
            generator.membership_evidence(asked)
