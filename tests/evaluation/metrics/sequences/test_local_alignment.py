from __future__ import annotations

import numpy as np
import pytest

from cohortsmith.data.nucleotides import GAP, MASKED, encode
from cohortsmith.evaluation.metrics.sequences.local_alignment import (
    Aligner,
    Local,
    best_off_diagonal,
    no_detour_pays,
    segment,
)
from tests.evaluation.sequences import BASE


def _off_diagonal_cell_by_cell(x: np.ndarray) -> int:
    """Three-state affine alignment of x with itself, the pairs (i, i) closed."""
    n, low, best = len(x), -(10**6), 0
    paired, up, left = (np.full((n + 1, n + 1), low) for _ in range(3))
    for i in range(n + 1):
        for j in range(n + 1):
            if i and j and i != j:
                before = max(0, paired[i - 1, j - 1], up[i - 1, j - 1], left[i - 1, j - 1])
                paired[i, j] = before + (2 if x[i - 1] == x[j - 1] else -3)
            if i:
                up[i, j] = max(paired[i - 1, j] - 7, left[i - 1, j] - 7, up[i - 1, j] - 2)
            if j:
                left[i, j] = max(paired[i, j - 1] - 7, up[i, j - 1] - 7, left[i, j - 1] - 2)
            best = max(best, int(paired[i, j]))
    return best


@pytest.mark.parametrize("letters", [2, 4])
def test_best_off_diagonal_is_gotohs_cell_by_cell(letters: int) -> None:
    rng = np.random.default_rng(letters)
    for _ in range(8):
        x = rng.integers(0, letters, 40).astype(np.uint8)
        assert best_off_diagonal(x) == _off_diagonal_cell_by_cell(x)


@pytest.mark.parametrize(
    ("mismatches", "expected"),
    [
        ([], Local(100, 100, 100)),
        ([50], Local(99, 100, 100)),
        ([98], Local(98, 98, 98)),  # what one matching base gains, the mismatch costs: both are left out
        ([97], Local(99, 100, 100)),
        ([1], Local(98, 98, 98)),
        ([3, 4], Local(95, 95, 95)),  # a tail worth nothing is left out, as blastn does
        ([95, 97], Local(95, 95, 95)),
        ([0, 50, 99], Local(97, 98, 98)),
    ],
)
def test_best_segment_by_hand(mismatches: list[int], expected: Local) -> None:
    assert segment(np.asarray(mismatches, dtype=np.int64), 100) == expected


def _mutated(rng: np.random.Generator, count: int, low: int, high: int) -> np.ndarray:
    x = BASE.copy()
    at = low + rng.choice(high - low, count, replace=False)
    x[at] = (x[at] + rng.integers(1, GAP, count)) % GAP
    return x


@pytest.mark.parametrize(("low", "high"), [(0, len(BASE)), (0, 60), (1220, len(BASE)), (500, 540)])
def test_what_is_proved_is_what_the_dynamic_programme_finds(low: int, high: int) -> None:
    """Mismatches crowded at the ends or in one place, where leaving the diagonal could pay."""
    rng = np.random.default_rng(low + high)
    aligner = Aligner(BASE)
    off = best_off_diagonal(BASE)
    proved = 0
    for _ in range(25):
        q, s = _mutated(rng, int(rng.integers(1, 11)), low, high), _mutated(rng, int(rng.integers(0, 3)), 0, len(BASE))
        at = np.flatnonzero(q != s)
        edits = int((q != BASE).sum() + (s != BASE).sum())
        if no_detour_pays(at, len(q), off + 5 * edits):
            proved += 1
            assert segment(at, len(q)) == aligner.dynamic(q, s)
        else:
            assert aligner.align(q, s) == aligner.dynamic(q, s)
    assert proved > (20 if high - low > 100 else 0)


def test_a_shift_is_not_taken_for_mismatches() -> None:
    """One base lost and one won elsewhere: along the columns a stretch of mismatches, in truth two gaps."""
    q = np.concatenate([BASE[:600], BASE[601:640], encode("A"), BASE[640:]])
    aligner = Aligner(BASE)
    assert not no_detour_pays(np.flatnonzero(q != BASE), len(q), 200)
    found = aligner.align(q, BASE)
    assert found.columns == len(BASE) + 1
    assert found.identities == len(BASE) - 1


def test_each_distinct_pair_is_aligned_once() -> None:
    aligner = Aligner(BASE)
    gapped = BASE.copy()
    gapped[400:403] = GAP
    first = aligner.align(gapped, BASE)
    assert first == aligner.align(gapped.copy(), BASE.copy())
    assert aligner.dynamic_runs == 1
    assert first == Local(len(BASE) - 3, len(BASE), len(BASE) - 3)


def test_a_masked_base_differs_from_every_base() -> None:
    masked = BASE.copy()
    masked[600] = MASKED
    assert Aligner(BASE).align(masked, BASE) == Local(len(BASE) - 1, len(BASE), len(BASE))
    assert Aligner(BASE).align(BASE, masked) == Local(len(BASE) - 1, len(BASE), len(BASE))
