"""Attacks on presence data: figures by hand, and altered copies of sequences against honest ones."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.evaluation import Comparison
from cohortsmith.evaluation.core import auc
from cohortsmith.evaluation.metrics.common import unique
from cohortsmith.evaluation.privacy.attacks import METHODS, Records
from cohortsmith.evaluation.privacy.attacks.distance import matching_values
from cohortsmith.evaluation.privacy.attacks.presence import allele_frequencies, kinship, rare_edits_shared
from tests.evaluation.sequences import patients, sequences

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort

N = 400


def _records(*rows: list[int]) -> Records:
    x = np.asarray(rows, dtype=np.float32)
    return Records(x, np.zeros(len(x), dtype=np.int64))


def _edited(source: Cohort, least: int, most: int) -> Cohort:
    """Each sequence with some substitutions more, anywhere."""
    rng, x = np.random.default_rng(4), source.x.copy()
    for row in x:
        at = rng.choice(len(row), rng.integers(least, most + 1), replace=False)
        row[at] = (row[at] + rng.integers(1, 4, len(at))) % 4
    return sequences(x, source.y)


@cache
def _aucs(what: str) -> dict[str, tuple[float, float]]:
    """AUC of each attack on all patients and on those with a unique sequence; half of the holdout is known."""
    train, holdout = patients(N, 1), patients(N, 2)
    made = {
        "others": patients(N, 3),
        "others, 12 edits more": _edited(patients(N, 3), 12, 12),
        "copies, 1 to 3 edits more": _edited(train, 1, 3),
        "copies, 12 edits more": _edited(train, 12, 12),
    }[what]
    c = Comparison(train, holdout, made)
    own, other = unique(c)
    known, attacked = np.arange(N // 2), np.arange(N // 2, N)
    x = np.concatenate([c.z_train, c.z_holdout[attacked]])
    targets = Records(x, np.concatenate([c.train.y, c.holdout.y[attacked]]))
    synthetic, seen = Records(c.z_synthetic, c.synthetic.y), Records(c.z_holdout[known], c.holdout.y[known])
    found = {}
    for name in ("matching_values", "allele_frequencies", "kinship"):
        attack = METHODS[name].score
        assert attack is not None
        score = attack(targets, synthetic, seen)
        inside, out = score[:N], score[N:]
        found[name] = auc(inside, out).value, auc(inside[own], out[other[attacked]]).value
    return found


@pytest.mark.parametrize(("what", "least"), [("copies, 1 to 3 edits more", 0.9), ("copies, 12 edits more", 0.75)])
def test_copies_with_more_edits_are_caught_where_carriers_are_unique(what: str, least: float) -> None:
    found = _aucs(what)
    assert found["matching_values"][1] > least
    assert found["matching_values"][0] > 0.55


def test_frequencies_and_kinship_find_lightly_altered_copies() -> None:
    found = _aucs("copies, 1 to 3 edits more")
    assert found["allele_frequencies"][1] > 0.7
    assert found["kinship"][1] > 0.7


@pytest.mark.parametrize("what", ["others", "others, 12 edits more"])
def test_other_patients_are_not(what: str) -> None:
    for all_patients, unique_ones in _aucs(what).values():
        assert all_patients == pytest.approx(0.5, abs=0.06)
        assert unique_ones == pytest.approx(0.5, abs=0.13)


def test_shared_rare_edits_by_hand() -> None:
    synthetic = _records([1, 0], [0, 1], [0, 1], [0, 1])
    share = np.asarray([1.5 / 5, 3.5 / 5])  # (carriers + 1/2) / (n + 1)
    first = np.log(0.95 / share[0]) + np.log(0.98 / (1 - share[1]))  # target 1 0 with the record 1 0
    second = np.log(0.05 / (1 - share[0])) + np.log(0.02 / share[1])  # with a record 0 1
    target = _records([1, 0])
    assert rare_edits_shared(target, synthetic)[0] == pytest.approx(max(first, second))
    assert matching_values(target, synthetic, synthetic)[0] == pytest.approx(max(first, second))


def test_an_edit_that_only_the_record_has_costs_nothing_if_it_is_rare() -> None:
    many = np.zeros((200, 3), dtype=np.float32)
    many[0, :2] = 1
    plain = many.copy()
    plain[0, 1] = 0
    y = np.zeros(200, dtype=np.int64)
    target = _records([1, 0, 0])
    assert rare_edits_shared(target, Records(many, y)) == pytest.approx(
        rare_edits_shared(target, Records(plain, y)), abs=0.01
    )


def test_allele_frequencies_by_hand() -> None:
    synthetic, known = _records([1], [1], [0]), _records([0], [0], [1])
    made, seen = 2.5 / 4, 1.5 / 4
    pooled = (made + seen) / 2
    inside, outside = (2 + pooled) / 4, (1 + pooled) / 4
    found = allele_frequencies(_records([1], [0]), synthetic, known)
    assert found == pytest.approx([np.log(inside / outside), np.log((1 - inside) / (1 - outside))])


def test_kinship_by_hand() -> None:
    synthetic, known = _records([1, 0], [0, 0], [0, 0]), _records([0, 0], [0, 1], [0, 1])
    carriers, pooled = np.asarray([1.0, 2.0]), (np.asarray([1.5, 0.5]) / 4 + np.asarray([0.5, 2.5]) / 4) / 2
    p = (carriers + pooled) / 7

    def of(t: NDArray[np.float64], s: NDArray[np.float64]) -> float:
        return float(((t - p) * (s - p) / (p * (1 - p))).mean())

    target = np.asarray([1.0, 0.0])
    expected = max(of(target, s) for s in synthetic.x) - max(of(target, s) for s in known.x)
    assert kinship(_records([1, 0]), synthetic, known)[0] == pytest.approx(expected, rel=1e-5)


def test_they_apply_to_presence_only() -> None:
    assert {name for name, method in METHODS.items() if method.presence_only} == {"allele_frequencies", "kinship"}


def _panel(n: int, seed: int, share: NDArray[np.float64]) -> Records:
    """Haplotypes of independent variants."""
    x = np.random.default_rng(seed).random((n, len(share))) < share
    return Records(x.astype(np.float32), np.zeros(n, dtype=np.int64))


def test_panels_of_many_variants_give_away_whose_they_are() -> None:
    """600 variants, released as pieces of two patients joined with 2 % errors, or drawn at train's frequencies."""
    share, none = np.random.default_rng(0).beta(0.5, 3, 600).clip(0.005, 0.6), np.zeros(300, dtype=np.int64)
    train, out, known = (_panel(150, seed, share) for seed in (1, 2, 3))
    rng = np.random.default_rng(4)
    first, second = (train.x[rng.integers(0, 150, 300)] for _ in range(2))
    mosaic = np.where(np.repeat(rng.random((300, 12)) < 0.5, 50, axis=1), first, second)
    mosaic = np.abs(mosaic - (rng.random(mosaic.shape) < 0.02))
    released = {
        "mosaics": Records(mosaic.astype(np.float32), none),
        "frequencies": _panel(300, 7, train.x.mean(axis=0, dtype=np.float64)),
        "others": _panel(300, 5, share),
    }
    targets = Records(np.concatenate([train.x, out.x]), none)

    def found(attack: Callable[[Records, Records, Records], NDArray[np.float64]], what: str) -> float:
        score = attack(targets, released[what], known)
        return auc(score[:150], score[150:]).value

    assert min(found(kinship, "mosaics"), found(matching_values, "mosaics")) > 0.9
    assert found(allele_frequencies, "frequencies") > 0.7
    assert max(found(attack, "others") for attack in (kinship, matching_values, allele_frequencies)) < 0.6
