"""The three risks on cohorts whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cohortsmith.evaluation.core.intervals import Interval
from cohortsmith.evaluation.privacy.risks import MEASURES, Risk, _clustered, excess_risk, risks, targets
from cohortsmith.evaluation.privacy.singling_out import Predicates, _predicates, _rate
from cohortsmith.evaluation.spaces import SequenceView
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation import images, sequences
from tests.evaluation.cohorts import bootstrap, cohort, patients


@cache
def _against(kind: str, what: str) -> Comparison:
    """Copies of train, train with noise, or other patients, in the synthetic cohort's place."""
    rng = np.random.default_rng(5)
    if kind == "expression":
        train, holdout, others = (patients(n, s) for n, s in ((600, 1), (300, 2), (600, 9)))
        noisy = cohort(train.x + 0.3 * rng.standard_normal(train.x.shape), train.y)
    elif kind == "image":
        train, holdout, others = (images.cells(n, s) for n, s in ((300, 1), (200, 2), (300, 9)))
        noisy = replace(train, x=np.clip(train.x + rng.normal(0, 4, train.x.shape), 0, 255).astype(np.uint8))
    else:
        train, holdout, others = (sequences.patients(n, s, deletions=0) for n, s in ((600, 1), (400, 2), (600, 9)))
        noisy = train
    made = {"copies": bootstrap(train, len(train), 3), "noisy": noisy, "others": others}
    return Comparison(train, holdout, made[what])


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("what", ["copies", "noisy"])
@pytest.mark.parametrize("kind", ["expression", "image"])
def test_copies_are_caught(kind: str, what: str, name: str) -> None:
    found = risks(_against(kind, what), 0)[name]
    assert found.status == "ok"
    assert found.low > 0.2
    if what == "copies" and name != "singling_out":  # a bootstrap holds 63 % of train
        assert found.value == pytest.approx(0.63, abs=0.08)
    assert found.attack.value > found.control.value + 0.1
    assert found.naive.value < found.control.value + 0.03


@pytest.mark.parametrize("kind", ["expression", "sequence", "image"])
def test_other_patients_give_no_risk(kind: str) -> None:
    for name, found in risks(_against(kind, "others"), 0).items():
        assert found.name == name
        assert found.low < 0.01
        assert 0 <= found.value <= found.high <= (0.09 if kind != "sequence" else 0.2)
        assert found.how


def test_copied_sequences_single_their_patients_out() -> None:
    found = risks(_against("sequence", "copies"), 0)
    assert found["singling_out"].low > 0.4
    assert found["inference"].attack.value > found["inference"].control.value


def test_risk_is_what_the_attack_does_beyond_the_control() -> None:
    a, c, naive = Interval(0.4, 0.35, 0.45), Interval(0.2, 0.16, 0.25), Interval(0.1, 0.1, 0.1)
    found = excess_risk("linkability", a, c, naive, (100, 100), "")
    assert found.value == pytest.approx(0.25)
    # ends: d risk / d attack = 1 / .8, d risk / d control = -.6 / .64
    assert found.low == pytest.approx(0.25 - np.hypot(0.05 / 0.8, 0.05 * 0.6 / 0.64))
    assert found.high == pytest.approx(0.25 + np.hypot(0.05 / 0.8, 0.04 * 0.6 / 0.64))
    assert found.status == "ok"
    below = excess_risk("linkability", c, a, Interval(0.3, 0.3, 0.3), (100, 100), "")
    assert (below.value, below.low) == (0, 0)
    assert below.status == "weak: an uninformed guess succeeds in 0.3, the attack in 0.2"


def test_a_patient_singled_out_in_any_part_of_train_counts() -> None:
    """Train twice as large as the holdout: a predicate finds its patient in one of two parts."""
    found = risks(_against("expression", "copies"), 0)["singling_out"]
    assert found.scale == 2
    assert found.attack.value == pytest.approx(0.5, abs=0.08)
    assert found.value > 0.9


def test_each_predicate_is_true_of_one_sample_alone() -> None:
    source = patients(200, 1)
    made = _predicates(source.x, source.y, False, np.random.default_rng(0))
    held = np.concatenate(list(made.hold(source.x, source.y)))
    assert (held.sum(axis=1) == 1).all()


def test_rate_of_predicates_by_hand() -> None:
    """True of one patient, of two, of none, and of one of another class."""
    x, y = np.asarray([[0], [1], [1.1], [5]], dtype=np.float32), np.asarray([0, 0, 0, 1])
    low = np.asarray([[-0.5], [0.5], [2], [4.5]], dtype=np.float32)
    made = Predicates(np.zeros((4, 1), dtype=np.int64), low, low + 1, np.asarray([0, 0, 0, 0]))
    assert _rate(made, [(x, y)]).value == 0.25
    assert _rate(made, [(x, np.zeros(4, dtype=np.int64))]).value == 0.5


def test_several_tries_at_a_patient_are_worth_more_than_one_but_not_as_many() -> None:
    rng = np.random.default_rng(0)
    one = _clustered((rng.random(500) < 0.3).astype(np.float64))
    four = _clustered((rng.random((4, 500)) < 0.3).mean(axis=0))
    assert (four.high - four.low) == pytest.approx((one.high - one.low) / 2, rel=0.1)
    alike = _clustered(np.full(500, 0.0))
    assert alike.low == 0
    assert 0 < alike.high < 0.01


@pytest.mark.parametrize("kind", ["expression", "sequence", "image"])
def test_halves_share_no_column(kind: str) -> None:
    c = _against(kind, "others")
    for a, b in c.view.halvings(np.random.default_rng(0)):
        assert not set(a.tolist()) & set(b.tolist())
        assert len(a) + len(b) == c.z_train.shape[1]
        if kind == "sequence":
            column = c.seen_as(SequenceView).edits.column
            assert not set(column[a].tolist()) & set(column[b].tolist())


def test_a_patient_of_many_samples_is_attacked_once() -> None:
    train = patients(200, 1)
    twice = replace(train, subjects=np.repeat([f"p{i}" for i in range(100)], 2).astype(np.str_))
    inside, _ = targets(Comparison(twice, patients(100, 2), train), 0)
    assert len(np.unique(twice.subjects[inside])) == len(inside) == 100


def test_too_few_are_not_evaluable_one_by_one() -> None:
    found = risks(Comparison(patients(15, 1), patients(15, 2), patients(15, 3)), 0)
    assert set(found) == set(MEASURES)
    for risk in found.values():
        assert risk.status.startswith("not evaluable: ")
        assert np.isnan(risk.value)


def test_same_seed_same_risks() -> None:
    c = _against("expression", "others")
    first: dict[str, Risk] = risks(c, 1)
    assert risks(Comparison(c.train, c.holdout, c.synthetic), 1) == first
    assert risks(c, 2) != first
