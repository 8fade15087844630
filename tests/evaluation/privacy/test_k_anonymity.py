"""Variant sets: counts on planted sets, and that copies are detected and other patients are not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.data.nucleotides import GAP, MASKED, encode
from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.privacy.k_anonymity import K_ANONYMITY, below_k, singled_out
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.cohorts import bootstrap
from tests.evaluation.sequences import patients, sequences

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort

WILD = encode("ACGT" * 30)


def _with(*edited: tuple[int, ...], wild: int = 0) -> NDArray[np.uint8]:
    """A sequence for each tuple of edited columns, and so many without any."""
    x = np.tile(WILD, (len(edited) + wild, 1))
    for row, columns in zip(x, edited, strict=False):
        row[list(columns)] = (WILD[list(columns)] + 1) % 4
    return x


@cache
def _made(what: str) -> Comparison:
    train = patients(900, 1)
    made: dict[str, Cohort] = {"copies": bootstrap(train, 900, 3), "others": patients(900, 4)}
    return Comparison(train, patients(700, 2), made[what])


def test_unique_sets_are_those_of_one_real_patient_and_half_of_them_is_reproduced() -> None:
    """Train: 30 patients with a set of their own, 5 with one shared with the holdout, the rest wild types."""
    own, shared = [(3 * i, 3 * i + 1) for i in range(30)], [(100 + i,) for i in range(5)]
    train = sequences(_with(*own, *shared, wild=100))
    holdout = sequences(_with(*[(3 * i + 2,) for i in range(30)], *shared, wild=100))
    holdout = replace(holdout, subjects=np.char.add("other-", holdout.subjects))
    found = singled_out(Comparison(train, holdout, sequences(_with(*own[:15], (2,), (5,), wild=60))), 0)
    assert (found.value, found.detail["n"], found.detail["found"]) == (0.5, 30, 15)
    assert found.reference == pytest.approx(2 / 30)
    assert found.detail["reference_low"] < 2 / 30 < found.detail["reference_high"]
    assert found.low is not None
    assert found.low < 0.5


def test_sets_are_counted_by_how_many_patients_have_them() -> None:
    train = sequences(_with(*[(1,)] * 4, *[(2,)] * 5, (3,), wild=90))
    made = sequences(_with(*[(1,)] * 30, *[(2,)] * 20, *[(3,)] * 10, *[(4,)] * 5, wild=35))
    found = below_k(Comparison(train, sequences(_with((3,), wild=99)), made), 0)
    n = found.detail["n"]
    assert found.detail["carriers"].keys() == {"none", "one", "two to 4", "5 or more"}
    assert sum(found.detail["carriers"].values()) == pytest.approx(1)
    assert found.value == pytest.approx(found.detail["carriers"]["one"] + found.detail["carriers"]["two to 4"])
    assert found.value == pytest.approx(0.4, abs=4 / np.sqrt(n) * 0.5)
    assert found.detail["train_below_k"] == pytest.approx(0.05)
    assert found.detail["smallest"] == 1
    assert below_k(Comparison(train, sequences(_with(wild=100)), made), 0, k=2).value < 0.25
    all_patients = below_k(Comparison(train, sequences(_with(wild=100)), made), 0, k=1)
    assert all_patients.value == 0


def test_samples_of_one_patient_are_one_carrier() -> None:
    train = sequences(_with(*[(1,)] * 6, wild=94))
    train = replace(train, subjects=np.array(["a"] * 6 + [f"p{i}" for i in range(94)]))
    found = below_k(Comparison(train, sequences(_with(wild=100)), sequences(_with(*[(1,)] * 100))), 0)
    assert found.detail["carriers"]["one"] == 1
    assert found.value == 1


def test_a_masked_base_is_no_variant_and_an_indel_is_one_however_it_is_written() -> None:
    """Of GG in 'CGGA' the first or the second may be said to be gone: the same patient's set all the same."""
    wild = encode("ACTCGGATTC" * 12)
    train, made = np.tile(wild, (100, 1)), np.tile(wild, (100, 1))
    train[0, 4], made[:50, 5], made[50:, 30] = GAP, GAP, MASKED
    found = below_k(Comparison(sequences(train), sequences(np.tile(wild, (100, 1))), sequences(made)), 0)
    assert 0.3 < found.value < 0.7
    assert found.detail["carriers"]["none"] == 0
    assert found.detail["carriers"]["one"] == found.value


def test_copies_single_patients_out_and_other_patients_do_so_as_often_as_chance() -> None:
    copied, others = singled_out(_made("copies"), 0), singled_out(_made("others"), 0)
    assert copied.value == pytest.approx(1 - np.exp(-1), abs=0.06)  # a bootstrap holds 63 % of the patients
    assert copied.low is not None
    assert copied.reference is not None
    assert copied.low > copied.detail["reference_high"]
    assert others.low is not None
    assert others.low <= others.detail["reference_high"]
    few, few_real = below_k(_made("copies"), 0), below_k(_made("others"), 0)
    assert few.low is not None
    assert few.low > few.detail["reference_high"]
    assert few_real.low is not None
    assert few_real.low <= few_real.detail["reference_high"]


def test_too_few_unique_patients_say_so_and_the_metrics_have_names() -> None:
    wild = sequences(_with(wild=60))
    with pytest.raises(NotEvaluable, match="at least 20 patients with a unique variant set; train has 0"):
        singled_out(Comparison(wild, wild, wild), 0)
    estimates = {metric.name: metric.compute(_made("others")) for metric in K_ANONYMITY}
    assert set(estimates) == {"singled_out_variants", "variant_sets_below_5"}
    assert all(estimate.ok and estimate.group == "privacy" for estimate in estimates.values())
    assert not K_ANONYMITY[0].compute(Comparison(wild, wild, wild)).ok
