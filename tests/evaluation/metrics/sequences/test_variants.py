from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cohortsmith.data.nucleotides import GAP, encode
from cohortsmith.data.sequences.variants import Variant
from cohortsmith.data.simulators.tp53 import tp53_cohort
from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.metrics.sequences.reading_frame import frames, premature_stop, reading_frame
from cohortsmith.evaluation.metrics.sequences.variants import (
    called_class,
    cpg_share,
    effect_share,
    hotspot_share,
    novel_variants,
    ti_tv,
)
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.cohorts import bootstrap
from tests.evaluation.sequences import BASE, FIRST, patients, random_edits, sequences, weight_matrix

# mRNA positions: c. + 142
MISSENSE, NONSENSE, SILENT = (666, "A"), (779, "T"), (781, "G")  # c.524G>A R175H, c.637C>T R213*, c.639A>G R213=
R249S = (889, "T")  # c.747G>T


def _carrying(*variants: tuple[int, str], n: int = 60) -> np.ndarray:
    x = np.tile(BASE, (n, 1))
    for position, letter in variants:
        x[:, position - FIRST] = encode(letter)[0]
    return x


def _deleted(position: int, length: int, n: int = 60) -> np.ndarray:
    x = np.tile(BASE, (n, 1))
    x[:, position - FIRST : position - FIRST + length] = GAP
    return x


def _made(*parts: np.ndarray) -> Comparison:
    """Real patients with many kinds of variants; `parts` in the synthetic place, all asked to be mutated."""
    train, holdout = patients(600, 1), patients(300, 2)
    x = np.concatenate(parts)
    real = [replace(c, y=np.zeros(len(c), dtype=np.int64)) for c in (train, holdout)]
    return Comparison(real[0], real[1], sequences(x))


@cache
def _against(what: str) -> Comparison:
    train = patients(800, 1)
    made = {"copies": bootstrap(train, 600, 3), "others": patients(600, 4), "edits": random_edits(train, 3)}
    return Comparison(train, patients(600, 2), made[what])


def test_called_class_by_hand() -> None:
    """A silent change, a polymorphism and an untouched sequence are wild-type; a lost codon is not."""
    x = np.concatenate([_carrying(MISSENSE), _carrying(SILENT), _carrying((357, "G")), _deleted(700, 3)])
    asked = np.repeat([0, 1, 1, 1], 60)  # the last 60 are asked wild-type and are none
    found = called_class(Comparison(patients(500, 1), patients(300, 2), sequences(x, asked)), 0)
    by_class = {row["class"]: row["value"] for row in found.detail["by_class"]}
    assert by_class["mutated"] == 1
    assert by_class["wild-type"] == pytest.approx(2 / 3, abs=0.1)
    assert found.reference == 1
    assert found.chance == pytest.approx(0.5, abs=0.1)


def test_a_weight_matrix_makes_mutated_patients_without_a_mutation() -> None:
    train = patients(600, 1, deletions=0)
    found = called_class(Comparison(train, patients(300, 2, deletions=0), weight_matrix(train, 3)), 0)
    assert 0.7 < found.value < 0.9  # of the mutated some 1 / e have none


def test_the_class_of_other_genes_is_not_known() -> None:
    names = [replace(c, classes=("ill", "well")) for c in (patients(300, 1), patients(200, 2), patients(200, 3))]
    with pytest.raises(NotEvaluable, match=r"known for NM_000546.6 with classes mutated and wild-type; .*ill, well"):
        called_class(Comparison(*names), 0)


def test_shares_of_effects_by_hand() -> None:
    c = _made(*[_carrying(MISSENSE)] * 6, *[_carrying(NONSENSE)] * 3, _deleted(700, 4), _carrying(SILENT))
    shares = {kind: effect_share(c, 0, kind=kind).value for kind in ("missense", "nonsense", "frameshift")}
    assert shares["missense"] == pytest.approx(0.6, abs=0.05)
    assert shares["nonsense"] == pytest.approx(0.3, abs=0.05)
    assert shares["frameshift"] == pytest.approx(0.1, abs=0.04)
    assert sum(shares.values()) == pytest.approx(1)
    assert effect_share(c, 0, kind="nonsense").chance == pytest.approx(0.05, abs=0.01)  # of random changes


def test_transitions_and_cpg_sites_by_hand() -> None:
    """R175H is a transition at a CpG site, R249S a transversion elsewhere; P72R is of the germ line and left out."""
    c = _made(_carrying(MISSENSE, (357, "G")), _carrying(R249S, (357, "G")), _carrying(R249S, (357, "G")))
    assert ti_tv(c, 0).value == pytest.approx(0.5, abs=0.1)
    assert ti_tv(c, 0).reference == pytest.approx(3 / 2, abs=0.6)
    assert cpg_share(c, 0).value == pytest.approx(1 / 3, abs=0.05)
    assert cpg_share(c, 0).chance == pytest.approx(2 * 40 / (3 * 1279), abs=0.01)


def test_hotspots_are_trains_and_named_with_both_shares() -> None:
    train, holdout = np.concatenate([_carrying(MISSENSE, n=30), patients(570, 1).x]), patients(300, 2).x
    made = np.concatenate([_carrying(MISSENSE, n=100), _carrying(NONSENSE, n=100)])
    found = hotspot_share(Comparison(*(sequences(x) for x in (train, holdout, made))), 0)
    row = next(row for row in found.detail["hotspots"] if row["variant"] == "c.524G>A")
    assert row["value"] == pytest.approx(0.5)
    assert len(found.detail["hotspots"]) == 10
    assert found.value >= 0.5


def test_novel_variants_are_those_train_lacks_and_known_ones_are_told_apart() -> None:
    train, holdout = patients(600, 1), patients(300, 2)
    new, other = (400, "G"), (401, "T")  # no real patient differs from A and C there
    assert (np.concatenate([train.x, holdout.x])[:, 400 - FIRST : 402 - FIRST] == encode("AC")).all()
    made = sequences(np.concatenate([_carrying(new), _carrying(other), train.x[train.y == 0][:100]]))
    known = frozenset({Variant(400, "A", "G")})
    found = novel_variants(Comparison(train, holdout, made, known_variants=known), 0)
    assert found.value == pytest.approx(120 / 220, abs=0.06)
    assert found.detail["real"] == pytest.approx(0.5, abs=0.02)
    assert found.reference is not None
    assert 0 < found.reference < 0.5


def test_copies_have_no_novel_variant_and_random_edits_little_else() -> None:
    assert novel_variants(_against("copies"), 0).value == 0
    edits = novel_variants(_against("edits"), 0)
    assert edits.value > 0.85
    assert edits.value == pytest.approx(edits.chance, abs=0.03)


def test_unseen_patients_have_the_reals_spectrum_and_random_edits_that_of_chance() -> None:
    for metric in (ti_tv, cpg_share, hotspot_share):
        others, edits = metric(_against("others"), 0), metric(_against("edits"), 0)
        assert others.value == pytest.approx(others.reference, rel=0.35)
        assert edits.value == pytest.approx(edits.chance, rel=0.35)


def test_frames_and_stops_by_hand() -> None:
    rows = np.stack([encode(text) for text in ("ATGAAATAA", "ATGTAATAA", "ATG-AATAA", "ATG---TAA", "ATGNAATAA")])
    assert frames(rows, stops_at_end=True).tolist() == [
        [True, False],
        [True, True],
        [False, False],
        [True, False],
        [True, False],
    ]
    assert frames(rows[:1], stops_at_end=False).tolist() == [[True, True]]


def test_frame_and_stop_of_patients() -> None:
    c = _made(_carrying(NONSENSE), _deleted(700, 1), _deleted(700, 3), np.tile(BASE, (60, 1)))
    assert reading_frame(c, 0).value == pytest.approx(0.75, abs=0.06)
    # a stop where R213 was, and one soon behind the lost base
    assert premature_stop(c, 0).value == pytest.approx(0.5, abs=0.06)
    assert reading_frame(c, 0).reference == pytest.approx(1 - 0.04, abs=0.03)


def test_a_reference_without_a_coding_sequence_is_not_evaluable() -> None:
    rng = np.random.default_rng(0)
    x = np.tile(encode("ACGT" * 20), (100, 1))
    x[np.arange(100), rng.integers(0, 80, 100)] = 0
    c = Comparison(*(sequences(x) for _ in range(3)))
    for metric in (reading_frame, premature_stop):
        with pytest.raises(NotEvaluable, match="no coding sequence"):
            metric(c, 0)


def test_too_few_variants_are_not_evaluable() -> None:
    train = patients(300, 1)
    plain = sequences(np.tile(BASE, (200, 1)), np.zeros(200))
    with pytest.raises(NotEvaluable, match="needs at least 20 of them, the synthetic cohort has 0"):
        ti_tv(Comparison(train, patients(200, 2), plain), 0)


def test_simulated_patients_with_inserted_bases() -> None:
    """Columns differ between draws with indels; classes are still called, and frames read."""
    sides = [tp53_cohort(400, seed, indels=True) for seed in (1, 2, 3)]
    c = Comparison(*sides)
    assert len(c.features) > 1279
    assert called_class(c, 0).value == 1
    frame = reading_frame(c, 0)
    assert frame.value == pytest.approx(frame.reference, abs=0.05)
    assert frame.value < 1
    shifted = effect_share(c, 0, kind="frameshift")
    assert shifted.value > 0.05
    assert shifted.value == pytest.approx(shifted.reference, abs=0.1)
