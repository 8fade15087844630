from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from cohortsmith.data.errors import DataError
from cohortsmith.data.nucleotides import encode
from cohortsmith.evaluation.core.nearest_distances import distances, nearest, same_rows
from cohortsmith.evaluation.core.sequence_edits import consensus, edits_of, independent, scattered, symbol_counts
from cohortsmith.evaluation.spaces import SequenceView
from cohortsmith.evaluation.spaces.comparison import Comparison
from cohortsmith.evaluation.spaces.sequence_statistics import COUNTS
from tests.evaluation.sequences import BASE, patients, sequences


def _codes(*texts: str) -> np.ndarray:
    return np.stack([encode(text) for text in texts])


def test_edits_by_hand() -> None:
    x = _codes("ACG-", "ACGA", "TC--", "ANG-")
    own = consensus(x)
    assert own.tolist() == encode("ACG-").tolist()
    edits = edits_of(own, x)
    assert edits.names(("1", "2", "3", "3+1")) == ("1A>T", "3delG", "3+1insA")
    assert edits.matrix(x).tolist() == [[0, 0, 0], [0, 0, 1], [1, 1, 0], [0, 0, 0]]


def test_a_masked_base_is_in_no_count() -> None:
    assert symbol_counts(_codes("AN", "NN")).tolist() == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]


def test_profiles_of_sequences_are_edits_from_trains_consensus() -> None:
    train, holdout, made = (sequences(_codes(*texts)) for texts in (("AC", "AC", "TC"), ("AC", "AG"), ("AT", "GC")))
    c = Comparison(train, holdout, made)
    assert c.columns == ("1A>T", "1A>G", "2C>T", "2C>G")
    assert c.z_holdout.tolist() == [[0, 0, 0, 0], [0, 0, 0, 1]]
    assert c.z_synthetic.tolist() == [[0, 0, 1, 0], [0, 1, 0, 0]]


def test_squared_distance_counts_differing_edits() -> None:
    """Edits are multiplied as sparse tables; the answer is the plain one, exactly."""
    rng = np.random.default_rng(0)
    a, b = ((rng.random((n, 300)) < 0.01).astype(np.float32) for n in (700, 300))
    b[:5] = a[3:8]
    slow = cdist(a, b)
    assert np.allclose(distances(a, b), slow, atol=1e-6)
    assert ((distances(a, b) == 0) == (slow == 0)).all()
    numbers = same_rows(a, b)
    assert ((numbers[0][:, None] == numbers[1]) == (slow == 0)).all()
    assert np.allclose(nearest(a, a, self_excluded=True)[:, 0], np.sort(cdist(a, a), axis=1)[:, 1], atol=1e-6)


def test_an_insertion_that_one_cohort_lacks_is_a_gap_there() -> None:
    train = sequences(_codes("AC", "AC"), features=("7", "8"))
    longer = sequences(_codes("AGC", "A-C"), features=("7", "7+1", "8"))
    c = Comparison(train, longer, train)
    assert c.features == ("7", "7+1", "8")
    assert c.columns == ("7+1insG",)
    assert c.z_holdout.ravel().tolist() == [1, 0]
    assert not c.z_train.any()


def test_different_references_are_not_compared() -> None:
    train = patients(4, 0)
    other = replace(train, provenance={**train.provenance, "reference": "NM_000059.4"})
    with pytest.raises(DataError, match=r"holdout is aligned to NM_000059.4, train to NM_000546.6.*--reference"):
        Comparison(train, other, train)


def test_columns_drawn_on_their_own_keep_frequencies_and_lose_links() -> None:
    rng = np.random.default_rng(0)
    linked = np.repeat(_codes("AAC", "TTC"), [300, 700], axis=0)
    made = independent(linked, 4000, rng)
    assert (made[:, 0] == 1).mean() == pytest.approx(0.7, abs=0.03)
    assert (made[:, 0] == made[:, 1]).mean() == pytest.approx(0.7**2 + 0.3**2, abs=0.03)
    assert (made[:, 2] == 2).all()


def test_scattered_substitutions_are_as_many_as_patients_have_and_leave_gaps_alone() -> None:
    x = np.tile(encode("ACGT" * 50 + "-"), (100, 1))
    x[:50, 7] = 0
    x[:50, 9] = 0
    made = scattered(x, 2000, np.random.default_rng(0))
    differ = made != consensus(x)
    assert differ.sum(axis=1).mean() == pytest.approx(1, abs=0.1)
    assert set(np.unique(differ.sum(axis=1))) <= {0, 1, 2}
    assert (made[:, -1] == 4).all()
    assert np.ptp(differ[:, :-1].sum(axis=0)) < 40


def test_traits_count_what_no_column_stands_for() -> None:
    x = np.tile(BASE, (40, 1))
    x[:20, 5] = (x[0, 5] + 1) % 4  # shared by 20: a column of its own
    x[0, 9], x[1, 700] = 4, 4  # one patient each: counted only
    cohort = sequences(x)
    c = Comparison(cohort, cohort, cohort)
    found = c.seen_as(SequenceView).traits(least=10)
    assert len(found.shared) == 1
    matrix = found.matrix(x)
    assert matrix[:, 0].tolist() == [1] * 20 + [0] * 20
    gaps = matrix[:, 1 + COUNTS.index("gaps")]
    assert gaps.tolist() == [1, 1] + [0] * 38
    assert (matrix[:, -1] == gaps).all()  # one lost base shifts the frame
    purine = np.isin(np.arange(4), (0, 3))
    transition = purine[x[0, 5]] == purine[BASE[5]]
    assert matrix[0, 1:3].tolist() == ([1, 0] if transition else [0, 1])
