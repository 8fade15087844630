from __future__ import annotations

import shutil
import time

import numpy as np
import pytest

from cohortsmith.data.errors import DataError
from cohortsmith.data.nucleotides import GAP, MASKED
from cohortsmith.evaluation.metrics.sequences.blast import blast_hits, blast_identity
from cohortsmith.evaluation.metrics.sequences.identity import best_hits, identity
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.cohorts import bootstrap
from tests.evaluation.sequences import BASE, patients, random_edits, sequences

needs_blastn = pytest.mark.skipif(shutil.which("blastn") is None, reason="skipped: blastn is not installed")
L = len(BASE)


def _edited(*edits: tuple[int, int]) -> np.ndarray:
    x = BASE.copy()
    for place, step in edits:
        x[place] = GAP if step == GAP else (x[place] + step) % GAP
    return x


def test_best_hit_by_hand() -> None:
    subjects = np.stack([_edited((100, 1)), BASE, _edited((100, 1), (700, 2))])
    queries = np.stack([
        BASE,  # a copy
        _edited((100, 1), (700, 2), (900, 1)),  # one from the third subject
        _edited((100, 2)),  # another base at the same place: one off, from the first two alike
        _edited((500, GAP), (501, GAP)),  # two bases lost: a gap of two columns
    ])  # fmt: skip
    found = best_hits(queries, subjects)
    assert found.subject.tolist()[:2] == [1, 2]
    assert found.identity == pytest.approx([100, 100 * (L - 1) / L, 100 * (L - 1) / L, 100 * (L - 2) / L])
    assert found.coverage == pytest.approx(100)


def test_a_mismatch_at_the_end_costs_coverage_not_identity() -> None:
    found = best_hits(_edited((L - 1, 1))[None], BASE[None])
    assert found.identity[0] == 100
    assert found.coverage[0] == pytest.approx(100 * (L - 1) / L)


def test_a_masked_base_counts_as_different() -> None:
    masked = BASE.copy()
    masked[300] = MASKED
    assert best_hits(masked[None], BASE[None]).identity[0] == pytest.approx(100 * (L - 1) / L)
    assert best_hits(BASE[None], masked[None]).identity[0] == pytest.approx(100 * (L - 1) / L)


@needs_blastn
def test_masked_bases_count_as_blastn_has_it() -> None:
    masked = BASE.copy()
    masked[300:303] = MASKED
    both = np.stack([masked, BASE])
    for subject in (masked, BASE):
        assert best_hits(both, subject[None]).identity == pytest.approx(blast_hits(both, subject[None]).identity)


def test_overlapping_gaps_make_a_good_hit_though_many_columns_differ() -> None:
    query, near, far = BASE.copy(), BASE.copy(), BASE.copy()
    query[500:510] = GAP
    near[503:512] = GAP  # one base between them, wherever it stands
    far[900] = (far[900] + 1) % GAP
    found = best_hits(query[None], np.stack([far, near]))
    assert found.subject[0] == 1
    assert found.identity[0] > 99.5


def test_a_cohort_full_of_gaps_is_measured_on_as_many_as_time_allows() -> None:
    rng = np.random.default_rng(0)
    queries = np.tile(BASE, (12, 1))
    for row in queries:
        row[rng.choice(L, 3, replace=False)] = GAP
    assert len(best_hits(queries, BASE[None], most_aligned=5).identity) == 5
    assert len(best_hits(queries[[0, 0, 0, 1]], BASE[None], most_aligned=1).identity) == 3


def test_identity_of_the_founding_baselines() -> None:
    """Four random edits give the founding study's 99.7 %, which new patients beat and a copy tops."""
    train, holdout = patients(300, 1, deletions=0), patients(300, 2, deletions=0)
    edits = identity(Comparison(train, holdout, random_edits(train, 3)), 0)
    assert edits.value == pytest.approx(100 * (1 - 4 / L), abs=0.02)
    assert edits.reference == pytest.approx(99.98, abs=0.02)
    assert edits.high is not None
    assert edits.high < (edits.reference or 0)
    copied = identity(Comparison(train, holdout, bootstrap(train, 300, 3)), 0)
    assert copied.value == 100
    assert copied.detail["query_coverage"] == 100
    assert edits.chance is not None
    assert edits.value < edits.chance < (edits.reference or 0)


def test_a_thousand_against_a_thousand_in_seconds() -> None:
    train, made = patients(1000, 1, deletions=0), random_edits(patients(1000, 2), 3)
    start = time.process_time()
    best_hits(made.x, train.x)
    assert time.process_time() - start < 10  # hours when every pair is aligned


@needs_blastn
def test_equal_to_blastn_up_to_five_percent_divergence() -> None:
    """Substitutions, lost and won bases, whole codons lost; each query has its own subject at 0 to 5 %."""
    rng = np.random.default_rng(7)
    columns = np.insert(BASE, [400, 800], GAP)  # two places where a query may have one base more
    queries, subjects = [], []
    for i in range(60):
        q = columns.copy()
        for place in rng.choice(len(q), int(rng.integers(0, L // 20)), replace=False):
            if q[place] != GAP:
                q[place] = (q[place] + rng.integers(1, GAP)) % GAP
        if i % 3:
            start = int(rng.integers(50, 1200))
            q[start : start + int(rng.choice([1, 2, 3, 6, 15]))] = GAP
        if i % 4 == 0:
            q[rng.choice([400, 801])] = 0
        queries.append(q)
        subjects.append(columns)
    found, known = best_hits(np.stack(queries), np.stack(subjects)), blast_hits(np.stack(queries), np.stack(subjects))
    assert np.abs(found.identity - known.identity).max() < 0.01
    assert np.abs(found.coverage - known.coverage).max() < 0.1
    assert known.identity.min() < 96


@needs_blastn
def test_equal_to_blastn_on_patients() -> None:
    train, made = patients(120, 1), patients(80, 5)
    assert best_hits(made.x, train.x).identity == pytest.approx(blast_hits(made.x, train.x).identity, abs=0.01)
    assert blast_identity(made, train) == pytest.approx(best_hits(made.x, train.x).identity.mean(), abs=0.01)


@needs_blastn
def test_no_hit_at_all_is_zero() -> None:
    stranger = np.random.default_rng(0).integers(0, 4, (1, 60)).astype(np.uint8)
    found = blast_hits(stranger, np.tile(np.asarray([[0, 1]], dtype=np.uint8), (1, 60)))
    assert found.identity.tolist() == [0]
    assert found.subject.tolist() == [-1]


def test_without_blastn_one_line_says_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cohortsmith.evaluation.metrics.sequences.blast.shutil.which", lambda _: None)
    train = sequences(BASE[None])
    with pytest.raises(DataError, match=r"needs makeblastdb and blastn.*apt-get install ncbi-blast\+") as caught:
        blast_identity(train, train)
    assert "\n" not in str(caught.value)
