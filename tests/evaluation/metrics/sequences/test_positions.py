from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from cohortsmith.data.nucleotides import GAP, encode
from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.metrics.sequences.positions import (
    allele_correlation,
    kmer_counts,
    kmer_js,
    linkage,
    position_js,
    position_wasserstein,
)
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.sequences import patients, random_edits, sequences, weight_matrix

A, T, C, G = range(4)


def _column(*counts: tuple[str, int]) -> np.ndarray:
    """Sequences of one varying column between two constant ones."""
    return np.concatenate([np.tile(encode(f"A{symbol}C"), (n, 1)) for symbol, n in counts])


def _three(real: np.ndarray, made: np.ndarray) -> Comparison:
    """Real patients on both real sides, twice as many in train, so that a draw holds all of the holdout."""
    return Comparison(sequences(np.concatenate([real, real])), sequences(real), sequences(made))


def test_divergence_and_distance_at_a_position_by_hand() -> None:
    c = _three(_column(("A", 60), ("G", 40)), _column(("A", 30), ("G", 50), ("-", 20)))
    p, q = [0.6, 0.4, 0], [0.3, 0.5, 0.2]
    found = position_js(c, 0)
    assert found.value == pytest.approx(jensenshannon(p, q, base=2) ** 2)
    assert found.detail["positions"] == 1
    assert found.detail["worst"][0]["position"] == "2"
    assert position_wasserstein(c, 0).value == pytest.approx(0.3)


def test_a_masked_base_is_in_no_distribution() -> None:
    made = _column(("A", 30), ("G", 20), ("N", 50))
    found = position_wasserstein(_three(_column(("A", 60), ("G", 40)), made), 0)
    assert found.value == pytest.approx(0, abs=1e-12)


def test_positions_that_only_a_few_real_patients_vary_at_are_not_named() -> None:
    real = np.tile(encode("AAAA"), (100, 1))
    real[:1, 1], real[:40, 2] = G, G  # one patient of the holdout, two of train; forty and eighty
    found = position_js(_three(real, np.tile(encode("AAAA"), (100, 1))), 0)
    assert found.detail["positions"] == 2
    assert [row["position"] for row in found.detail["worst"]] == ["3"]


@pytest.mark.parametrize("k", [2, 3, 6])
def test_kmers_are_those_of_each_sequence_without_its_gaps(k: int) -> None:
    rng = np.random.default_rng(k)
    x = rng.choice(6, size=(30, 25), p=[0.2, 0.2, 0.2, 0.2, 0.15, 0.05]).astype(np.uint8)
    slow: Counter[str] = Counter()
    for row in x:
        text = "".join("ATCG-N"[code] for code in row if code != GAP)
        slow.update(text[i : i + k] for i in range(len(text) - k + 1))
    counts = kmer_counts(x, k)[0]
    words = {word: n for word, n in slow.items() if "N" not in word}
    assert counts.sum() == sum(words.values())
    for word, n in words.items():
        at = sum("ATCG".index(letter) * 4 ** (k - 1 - i) for i, letter in enumerate(word))
        assert counts[at] == n
    groups = np.arange(30) % 10
    assert (kmer_counts(x, k, groups).sum(axis=0) == counts).all()


def test_kmer_divergence_by_hand() -> None:
    real, made = np.tile(encode("AAAT"), (40, 1)), np.tile(encode("AAAA"), (40, 1))
    found = kmer_js(_three(real, made), 0, k=3)
    assert found.value == pytest.approx(jensenshannon([0.5, 0.5], [1, 0], base=2) ** 2)  # AAA and AAT; AAA twice
    assert found.reference == 0


def test_correlation_of_frequencies_by_hand() -> None:
    real, made = (np.tile(encode("AAAA"), (100, 1)) for _ in range(2))
    for column, (known, drawn) in enumerate([(40, 30), (20, 30), (10, 0), (0, 5)]):
        real[:known, column], made[:drawn, column] = G, G
    found = allele_correlation(_three(real, made), 0)
    assert found.value == pytest.approx(np.corrcoef([40, 20, 10, 0], [30, 30, 0, 5])[0, 1])
    assert found.reference == pytest.approx(1, abs=1e-3)


def test_random_edits_have_the_wrong_alleles_and_words_and_a_weight_matrix_the_right_ones() -> None:
    train, holdout = patients(600, 1), patients(400, 2)
    edits, matrix = (Comparison(train, holdout, make(train, 3)) for make in (random_edits, weight_matrix))
    assert allele_correlation(edits, 0).value < 0.2
    assert allele_correlation(matrix, 0).value > 0.96
    for metric in (position_js, position_wasserstein):
        bad, good = metric(edits, 0), metric(matrix, 0)
        assert bad.value > 1.5 * (bad.reference or 0)
        assert good.value < 1.3 * (good.reference or 0)
    bad, good = kmer_js(edits, 0, k=6), kmer_js(matrix, 0, k=6)
    assert bad.value > 3 * (bad.reference or 0)
    assert good.value < 1e-3


def _linked(n: int, seed: int, *, together: bool) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = np.tile(encode("ACGT" * 4), (n, 1))
    first = rng.random(n) < 0.4
    second = first if together else rng.random(n) < 0.4
    x[first, 2], x[second, 9] = A, T
    return x


def test_linkage_sees_variants_that_go_together() -> None:
    train, holdout = (sequences(_linked(n, n, together=True)) for n in (300, 200))
    apart = linkage(Comparison(train, holdout, sequences(_linked(200, 5, together=False))), 0)
    assert apart.value == pytest.approx(1, abs=0.05)  # r2 of one pair: 1 among real patients, 0 here
    assert apart.reference == pytest.approx(0, abs=1e-9)
    assert apart.chance == pytest.approx(1, abs=0.05)
    same = linkage(Comparison(train, holdout, sequences(_linked(200, 6, together=True))), 0)
    assert same.value == pytest.approx(0, abs=1e-9)


def test_linkage_of_variants_that_were_never_made_is_not_evaluable() -> None:
    train, holdout = (sequences(_linked(n, n, together=True)) for n in (300, 200))
    plain = sequences(np.tile(encode("ACGT" * 4), (200, 1)))
    with pytest.raises(NotEvaluable, match="two edits that 5 patients of both cohorts carry; there are 0"):
        linkage(Comparison(train, holdout, plain), 0)
