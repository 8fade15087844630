"""Discriminators, copies and membership inference of sequences, on baselines whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.data.nucleotides import encode
from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.core.sequence_edits import consensus
from cohortsmith.evaluation.metrics.common.closest_record import dcr, dcr_share, exact_matches, nndr, unique_matches
from cohortsmith.evaluation.metrics.common.discriminator import discriminator_auc, discriminator_auc_linear
from cohortsmith.evaluation.metrics.common.membership import attack_auc, attack_auc_unique, unique
from cohortsmith.evaluation.metrics.common.precision_recall import adversarial_term, precision
from cohortsmith.evaluation.metrics.common.tstr import trts, tstr
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.cohorts import bootstrap
from tests.evaluation.sequences import patients, random_edits, sequences, weight_matrix

if TYPE_CHECKING:
    from cohortsmith.data.cohort import Cohort


@cache
def _against(what: str) -> Comparison:
    train = patients(1000, 1, deletions=0)
    made: dict[str, Cohort] = {
        "copies": bootstrap(train, 1000, 3),
        "others": patients(1000, 4, deletions=0),
        "edits": random_edits(train, 3),
        "matrix": weight_matrix(train, 3),
    }
    return Comparison(train, patients(800, 2, deletions=0), made[what])


def test_a_copy_is_read_against_what_unseen_patients_share_with_train() -> None:
    copied, others = exact_matches(_against("copies"), 0), exact_matches(_against("others"), 0)
    assert copied.value == 1
    assert others.reference is not None
    assert 0.5 < others.reference < 0.9  # wild types, and hotspots on the common background
    assert others.low is not None
    assert others.high is not None
    assert others.low <= others.reference <= others.high
    assert copied.detail["excess"] == pytest.approx(1 - (copied.reference or 0))
    assert exact_matches(_against("edits"), 0).value == 0


def test_matches_are_counted_in_the_holdouts_class_proportions() -> None:
    """Only wild types match here; a cohort with many more of them must not look copied."""
    wild, other = encode("ACGT" * 30), encode("ACGT" * 30)
    train = np.tile(wild, (200, 1))
    train[:100, 7] = 0
    holdout, made = train.copy(), np.tile(other, (400, 1))
    holdout[:100, 7], holdout[:100, 8] = 1, 2
    made[:100, 10] = 0
    sides = [sequences(x, np.repeat([0, 1], [100, len(x) - 100])) for x in (train, holdout, made)]
    found = exact_matches(Comparison(*sides), 0)
    assert found.value == pytest.approx(0.5, abs=0.01)
    assert found.reference == pytest.approx(0.5, abs=0.01)


def test_unique_carriers_are_unique_among_all_real_patients() -> None:
    texts = "AAAA", "AAAA", "GAAA", "TAAA", "CAAA", "CCAA"
    train, holdout = sequences([encode(t) for t in texts]), sequences([encode(t) for t in ("AAAA", "TAAA", "AAAG")])
    own, others = unique(Comparison(train, holdout, train))
    assert own.tolist() == [False, False, True, False, True, True]
    assert others.tolist() == [False, False, True]


def test_a_bootstrap_reveals_unique_carriers_and_no_other_patients() -> None:
    """A bootstrap holds 63 % of train: .63 + .37 / 2 when nothing else is informative."""
    copied = attack_auc_unique(_against("copies"), 0)
    assert copied.value == pytest.approx(0.82, abs=0.05)
    assert copied.low is not None
    assert copied.low > 0.7
    assert copied.reference == pytest.approx(0.5, abs=0.12)
    assert copied.detail["by_attack"]["gan_leaks"] == pytest.approx(0.82, abs=0.05)
    others = attack_auc_unique(_against("others"), 0)
    assert others.low is not None
    assert others.low <= 0.55
    assert others.value == pytest.approx(0.52, abs=0.08)
    # among all patients, most of whom are alike, the same copies are hardly detected
    assert attack_auc(_against("copies"), 0, attack="gan_leaks").value < copied.value - 0.1


def test_too_few_unique_carriers_are_not_evaluable() -> None:
    x = np.tile(encode("ACGT" * 20), (200, 1))
    cohort = sequences(x)
    with pytest.raises(NotEvaluable, match="whose sequence is unique needs at least 20"):
        attack_auc_unique(Comparison(cohort, cohort, cohort), 0)


def test_a_match_with_one_patient_alone_by_hand() -> None:
    """Two patients share a sequence, one has two samples of his, one is alone; a quarter of the copies are of each."""
    texts = ["AAAACCCC", "AAAACCCC", "GAAACCCC", "GAAACCCC", "TAAACCCC", *["CCCCCCCC"] * 60]
    train = sequences([encode(text) for text in texts])
    subjects = train.subjects.copy()
    subjects[3] = subjects[2]
    made = sequences([encode(texts[i]) for i in (0, 2, 4, 5) for _ in range(10)])
    found = unique_matches(Comparison(replace(train, subjects=subjects), made, made), 0)
    assert found.value == 0.5
    assert found.reference == 0.5
    assert exact_matches(Comparison(train, made, made), 0).value == 1


def test_copies_match_unique_patients_and_the_wild_type_none() -> None:
    copied, others = (unique_matches(_against(what), 0) for what in ("copies", "others"))
    assert copied.low is not None
    assert copied.low > 2 * (copied.reference or 0)
    assert others.value == pytest.approx(others.reference, abs=0.04)
    c = _against("others")
    wild = replace(c.synthetic, x=np.tile(consensus(c.train.x), (len(c.synthetic), 1)))
    assert unique_matches(Comparison(c.train, c.holdout, wild), 0).value == 0
    with pytest.raises(NotEvaluable, match="that train does not hold twice; there are 0 synthetic"):
        dcr(Comparison(c.train, c.holdout, wild), 0)


def test_distances_count_edits_and_a_shared_record_identifies_none() -> None:
    copied, edits, others = (_against(what) for what in ("copies", "edits", "others"))
    assert dcr(copied, 0).value == 0
    assert dcr(edits, 0).value == pytest.approx(4, abs=0.3)
    assert dcr(others, 0).value == pytest.approx(dcr(others, 0).reference, abs=0.1)
    assert dcr(others, 0).value > 0.5
    assert nndr(copied, 0).value < (nndr(copied, 0).reference or 0) - 0.1
    assert dcr_share(copied, 0).value > 0.56
    assert dcr_share(others, 0).value == pytest.approx(0.5, abs=0.04)


@pytest.mark.slow
def test_discriminators_tell_random_edits_always_and_copies_never() -> None:
    for metric in (discriminator_auc, discriminator_auc_linear):
        assert metric(_against("edits"), 0).value > 0.99
        for what in ("copies", "others"):
            assert metric(_against(what), 0).value == pytest.approx(0.5, abs=0.08)
    # logistic regression sees means, which a weight matrix has right; that each mutated patient has an edit it has not
    linear = discriminator_auc_linear(_against("matrix"), 0).value
    assert linear == pytest.approx(0.5, abs=0.12)
    assert discriminator_auc(_against("matrix"), 0).value > max(linear, 0.6)


def test_random_edits_are_like_no_patient() -> None:
    edits = _against("edits")
    assert precision(edits, 0).value < 0.01
    assert precision(_against("others"), 0).value == pytest.approx(precision(edits, 0).reference, abs=0.05)
    # the mean of both terms would be one half
    assert adversarial_term(edits, 0, term=0).value > 0.95
    assert adversarial_term(edits, 0, term=1).value < 0.2


def test_classifiers_use_the_number_of_edits_too() -> None:
    assert tstr(_against("others"), 0).value > 0.95
    assert trts(_against("edits"), 0).value < 0.65
    assert trts(_against("matrix"), 0).value < (trts(_against("matrix"), 0).reference or 0) - 0.1
