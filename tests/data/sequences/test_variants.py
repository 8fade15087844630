"""Variants called back from sequences, their HGVS names, and what they do to the protein."""

from __future__ import annotations

import csv
import re
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data import Cohort, DataError
from cohortsmith.data.nucleotides import encode
from cohortsmith.data.sequences.calling import call_cohort, call_variants
from cohortsmith.data.sequences.effects import EFFECTS, effect, is_cpg, is_transition, substitution_effects
from cohortsmith.data.sequences.hgvs_names import hgvs, parse_hgvs
from cohortsmith.data.sequences.reference import TP53, Reference, reference_of
from cohortsmith.data.sequences.variants import Variant, applied, merged, normalised

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

THREE = dict(zip(
    "Ala Arg Asn Asp Cys Gln Glu Gly His Ile Leu Lys Met Phe Pro Ser Thr Trp Tyr Val Ter".split(),
    "ARNDCQEGHILKMFPSTWYV*", strict=True,
))  # fmt: skip
SMALL = Reference("small", "CCATGAAATTTGGGTAACC", 1, (3, 17))  # M K F G stop


def named(name: str, reference: Reference = TP53) -> Variant:
    variant = parse_hgvs(name, reference)
    assert variant is not None, name
    return variant


def called(sequence: str, reference: Reference = TP53) -> list[str]:
    return [hgvs(v, reference) for v in call_variants(sequence, reference)]


def cohort_of(rows: Sequence[str], features: Sequence[str], reference: str) -> Cohort:
    names = [f"s{i}" for i in range(len(rows))]
    return Cohort(
        kind="sequence", x=np.stack([encode(row) for row in rows]), y=np.zeros(len(rows), dtype=np.int64),
        classes=("a",), features=tuple(features), subjects=np.asarray(names), obs=pd.DataFrame(index=pd.Index(names)),
        provenance={"source": "test", "label": "label", "reference": reference, "masked": 0},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "protein", "kind"),
    [
        ("c.524G>A", "p.R175H", "missense"),
        ("c.817C>T", "p.R273C", "missense"),
        ("c.743G>A", "p.R248Q", "missense"),
        ("c.818G>A", "p.R273H", "missense"),
        ("c.844C>T", "p.R282W", "missense"),
        ("c.742C>T", "p.R248W", "missense"),
        ("c.659A>G", "p.Y220C", "missense"),
        ("c.733G>A", "p.G245S", "missense"),
        ("c.747G>T", "p.R249S", "missense"),
        ("c.215C>G", "p.P72R", "missense"),
        ("c.139C>T", "p.P47S", "missense"),
        ("c.639A>G", "p.R213=", "silent"),
        ("c.108G>A", "p.P36=", "silent"),
        ("c.637C>T", "p.R213*", "nonsense"),
        ("c.1A>G", "p.M1?", "start-lost"),
        ("c.1182A>T", "p.*394C", "stop-lost"),
        ("c.1181G>A", "p.*394=", "silent"),
        ("c.-12C>T", "", "noncoding"),
        ("c.*34C>T", "", "noncoding"),
        ("c.216dup", "p.V73fs*76", "frameshift"),
        ("c.626_627del", "p.R209fs*6", "frameshift"),
        ("c.572_574del", "p.P191del", "in-frame"),
        ("c.529_546del", "p.P177_C182del", "in-frame"),
        ("c.518_519insCGT", "p.V173dup", "in-frame"),
        ("c.508_509insTGA", "p.M169dup", "in-frame"),
        ("c.508_510delinsTTAGGG", "p.T170delinsLG", "in-frame"),
        ("c.510_511insTAA", "p.E171*", "nonsense"),
    ],
)
def test_names_and_effects_of_known_variants(name: str, protein: str, kind: str) -> None:
    variant = named(name)
    found = effect(variant, TP53)
    assert (found.protein, found.kind) == (protein, kind)
    if kind != "noncoding":
        assert hgvs(variant, TP53) == name or kind == "in-frame"
        assert effect(variant, TP53.window(97, 1375)).kind == kind
    assert call_variants(applied([variant], TP53), TP53) == (variant,)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("c.80delC", "c.80del"),
        ("NM_000546.6:c.524G>A", "c.524G>A"),
        ("NM_000546.6(TP53):c.524G>A", "c.524G>A"),
        ("c.529_546del18", "c.529_546del"),
        ("c.455_456insC", "c.455dup"),  # what stands before it is doubled
        ("c.451del", "c.455del"),  # the most 3' place of a run of C
        ("c.216_217delCGinsT", "c.216_217delinsT"),
        ("c.743_744delGGinsAG", "c.743G>A"),  # what is shared is cut off
        ("c.745_746AG>TT", "c.745_746delinsTT"),
    ],
)
def test_names_as_people_write_them_come_to_one_canonical_form(written: str, canonical: str) -> None:
    assert hgvs(named(written), TP53) == canonical
    assert named(canonical) == named(written)


@pytest.mark.parametrize(
    "name", ["c.376-1G>A", "c.559+1G>T", "c.524A>G", "c.80delA", "c.99999G>A", "p.R175H", "c.12_10del", "", "c.5_9insA"]
)
def test_what_the_reference_cannot_express_is_none(name: str) -> None:
    assert parse_hgvs(name, TP53) is None


def test_without_a_coding_sequence_places_are_positions() -> None:
    plain = Reference("plain", "ACGTTTACG", 11)
    assert hgvs(Variant(12, "C", "T"), plain) == "n.12C>T"
    assert parse_hgvs("n.12C>T", plain) == Variant(12, "C", "T")
    assert parse_hgvs("c.12C>T", plain) is None
    assert effect(Variant(12, "C", "T"), plain).kind == "noncoding"
    assert called("ACGTTACG", plain) == ["n.16del"]


def test_places_count_from_the_start_codon() -> None:
    assert hgvs(Variant(2, "C", "T"), SMALL) == "c.-1C>T"
    assert hgvs(Variant(3, "A", "T"), SMALL) == "c.1A>T"
    assert hgvs(Variant(18, "C", "T"), SMALL) == "c.*1C>T"
    assert [named(n, SMALL).position for n in ("c.-1C>T", "c.1A>T", "c.*1C>T")] == [2, 3, 18]


def test_an_indel_stands_as_far_3_prime_as_it_can() -> None:
    assert normalised(Variant(6, "A", ""), SMALL) == Variant(8, "A", "")
    assert normalised(Variant(9, "", "TT"), SMALL) == Variant(12, "", "TT")
    assert normalised(Variant(8, "ATTT", "TTT"), SMALL) == Variant(8, "A", "")
    assert normalised(Variant(6, "A", ""), SMALL, before=8) == Variant(7, "A", "")  # not past the next change


def test_changes_that_touch_are_one() -> None:
    found = merged([Variant(6, "A", "C"), Variant(7, "A", ""), Variant(8, "A", "G")], SMALL)
    assert found == (Variant(6, "AAA", "CG"),)
    # A deletion in a run of A that shifts up to the substitution that ends the run.
    assert merged([Variant(6, "A", ""), Variant(8, "A", "G")], SMALL) == (Variant(7, "AA", "G"),)
    apart = (Variant(4, "T", "C"), Variant(6, "A", "C"))
    assert merged(apart, SMALL) == apart
    # One deletion read base by base is one deletion, wherever its parts could go.
    assert merged([Variant(825 + i, b, "") for i, b in enumerate("ACTG")], TP53) == (Variant(825, "ACTG", ""),)


def test_random_variants_are_called_back_as_they_were_put_in() -> None:
    rng = np.random.default_rng(0)
    window = TP53.window(97, 1375)
    for _ in range(150):
        put = []
        for start in rng.choice(np.arange(130, 1340, 60), 3, replace=False).tolist():
            gone, new = (int(k) for k in rng.integers(0, 6, 2))
            bases = "".join(rng.choice(list("ATCG"), new))
            put.append(normalised(Variant(start, window.span(start, start + gone - 1), bases), window))
        wanted = tuple(sorted(v for v in put if v.deleted or v.inserted))
        sequence = applied(wanted, window)
        found = call_variants(sequence, window)
        assert applied(found, window) == sequence
        if all(v.kind != "delins" for v in wanted):  # a delins may be told shorter by other changes
            assert found == wanted


def test_columns_and_sequences_tell_the_same_variants() -> None:
    window = TP53.window(400, 460)
    features = [*window.column_names[:20], "419+1", "419+2", *window.column_names[20:]]
    plain = window.sequence[:20] + "--" + window.sequence[20:]
    rows = [
        plain,
        plain[:5] + ("A" if plain[5] != "A" else "C") + plain[6:],
        plain[:20] + "GT" + plain[22:],
        plain[:30] + "---" + plain[33:],
        plain[:8] + "N" + plain[9:20] + "N-" + plain[22:],  # masked: the reference's base; inserted, a base
    ]
    aligned = cohort_of(rows, features, TP53.name)
    by_columns = call_cohort(aligned, reference_of(aligned))
    assert by_columns[0] == ()
    assert [len(found) for found in by_columns] == [0, 1, 1, 1, 1]
    for row, found in list(zip(rows, by_columns, strict=True))[:4]:
        assert call_variants(row.replace("-", ""), window) == found
    assert by_columns == call_cohort(aligned, TP53)  # the part that the cohort holds is found by its columns
    elsewhere = cohort_of([r.replace("N", "A") for r in rows[:2]], [str(i) for i in range(len(plain))], "other")
    assert call_cohort(elsewhere, window) == by_columns[:2]  # not aligned to it: aligned sequence by sequence


def test_a_consensus_with_columns_left_out_is_called_against() -> None:
    rows = ["ACTT-GGA", "ACTT-GGA", "ACTTCGGA", "AC-T-GGA", "AGTT-GGA"]
    cohort = cohort_of(rows, [str(i + 1) for i in range(8)], "")
    reference = reference_of(cohort)
    assert [[hgvs(v, reference) for v in found] for found in call_cohort(cohort, reference)] == [
        [], [], ["n.4_5insC"], ["n.4del"], ["n.2C>G"],
    ]  # fmt: skip


def test_substitution_effects_agree_with_translation_of_the_whole_protein() -> None:
    window = TP53.window(97, 1375)
    table = substitution_effects(window)
    assert table.shape == (1279, 4)
    assert (table == -1).sum() == 1279
    rng = np.random.default_rng(1)
    for at in [*rng.integers(0, 1279, 150).tolist(), 46, 47, 48, 1225, 1226, 1227]:
        for code, base in enumerate("ATCG"):
            if base == window.sequence[at]:
                assert table[at, code] == -1
                continue
            variant = Variant(at + 97, window.sequence[at], base)
            protein = Reference("m", applied([variant], window), 97, window.cds).protein
            changed = [i for i, (a, b) in enumerate(zip(window.protein, protein, strict=True)) if a != b]
            kind = EFFECTS[table[at, code]]
            assert effect(variant, window).kind == kind
            assert bool(changed) == (kind not in ("silent", "noncoding"))
            assert (kind == "nonsense") == ("*" in protein[:393])
            if changed:
                assert effect(variant, window).codon == changed[0] + 1


def test_transitions_and_cpg_sites() -> None:
    assert [is_transition(a, b) for a, b in ("AG", "GA", "CT", "TC")] == [True] * 4
    assert not any(is_transition(a, b) for a, b in ("AC", "AT", "GC", "GT", "CA", "TG", "AA"))
    assert is_cpg(named("c.524G>A"), TP53)  # CGC>CAC
    assert is_cpg(named("c.817C>T"), TP53)  # CGT>TGT
    assert is_cpg(named("c.733G>A"), TP53)  # the C is the codon before's
    assert not is_cpg(named("c.659A>G"), TP53)
    assert not is_cpg(named("c.818G>T"), TP53)


def test_four_thousand_patients_are_called_within_two_seconds() -> None:
    window = TP53.window(97, 1375)
    rng = np.random.default_rng(0)
    x = np.tile(window.codes, (4000, 1))
    x[np.arange(4000), rng.integers(0, 1279, 4000)] = rng.integers(0, 4, 4000)
    rows = cohort_of([window.sequence], window.column_names, TP53.name)
    cohort = Cohort(
        kind="sequence", x=x, y=np.zeros(4000, dtype=np.int64), classes=("a",), features=rows.features,
        subjects=np.arange(4000).astype(str), obs=pd.DataFrame(index=pd.RangeIndex(4000)), provenance=rows.provenance,
    )  # fmt: skip
    start = time.perf_counter()
    calls = call_cohort(cohort, window)
    assert time.perf_counter() - start < 2
    assert [len(found) for found in calls] == (x != window.codes).sum(axis=1).tolist()


def test_not_sequences_is_said() -> None:
    with pytest.raises(DataError, match="not a nucleotide"):
        call_variants("ACGT!", TP53)
    with pytest.raises(DataError, match="too different"):
        call_variants("ACGT" * 300, TP53)


def test_any_variant_has_a_name_that_means_it_and_an_effect() -> None:
    """Variants at random, over both ends of the coding sequence and of the reference."""
    rng = np.random.default_rng(5)
    for reference in (
        TP53.window(97, 1375),
        TP53.window(144, 400),
        SMALL,
        SMALL.window(4, 16),
        Reference("n", "ACGTACGTTT", 5),
    ):
        for _ in range(600):
            at = int(rng.integers(reference.start, reference.end + 2))
            gone = min(int(rng.choice([0, 1, 2, 3, 6, 30, 300])), reference.end - at + 1)
            bases = "".join(rng.choice(list("ATCG"), int(rng.choice([0, 1, 2, 3, 9, 60]))))
            variant = normalised(Variant(at, reference.span(at, at + gone - 1), bases), reference)
            if variant.deleted or variant.inserted:
                assert parse_hgvs(hgvs(variant, reference), reference) == variant
                assert effect(variant, reference).kind in EFFECTS


def test_published_variants_are_called_back_from_their_sequences(real_file: Callable[[str], Path]) -> None:
    """448 mRNAs, each with one real somatic variant put in: all of them are called by the name in the header."""
    from Bio import SeqIO

    said = {"non_synonymous_codon": "missense", "stop_gained": "nonsense", "frameshift_variant": "frameshift",
            "inframe_codon_loss": "in-frame", "inframe_codon_gain": "in-frame", "synonymous_codon": "silent",
            "stop_retained_variant": "silent"}  # fmt: skip
    missed, other = [], []
    for record in SeqIO.parse(real_file("sequences/tp53_mutated_mrna_448.fasta"), "fasta"):
        _, name, _, consequence, _ = record.description.split("|")
        found = call_variants(str(record.seq), TP53)
        missed += [name] if found != (named(name),) else []
        other += [name] if effect(found[0], TP53).kind != said[consequence] else []
    assert missed == []
    assert other == ["c.1009C>T"]  # CGC>TGC is R337C, whatever the header calls it


def test_effects_are_those_of_the_published_table(real_file: Callable[[str], Path]) -> None:
    """1000 variants of TCGA: kinds and protein names as published, but for stops right at a shift of the frame."""
    kinds = {"Missense_Mutation": "missense", "Nonsense_Mutation": "nonsense", "Frame_Shift_Del": "frameshift",
             "Frame_Shift_Ins": "frameshift", "In_Frame_Del": "in-frame", "In_Frame_Ins": "in-frame",
             "Silent": "silent", "3'UTR": "noncoding", "5'UTR": "noncoding"}  # fmt: skip
    seen, wrong = 0, []
    with real_file("sequences/tp53_tcga_variant_counts.tsv").open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            variant = parse_hgvs(row["HGVSc"], TP53)
            wanted = kinds.get(row["Variant_Classification"])
            if variant is None:
                assert re.search(r"\d[+-]\d", row["HGVSc"])  # reaches into an intron
            if variant is None or wanted is None:
                continue
            seen += 1
            found = effect(variant, TP53)
            short = re.sub("[A-Z][a-z]{2}", lambda hit: THREE[hit[0]], row["HGVSp"])
            short = re.sub(r"(\d)[A-Z]fs", r"\1fs", short)
            if found.protein.endswith("fs*1"):
                short = short.replace("*", "fs*1")
                wanted = "frameshift"
            if found.kind != wanted or (found.kind not in ("silent", "noncoding") and found.protein != short):
                wrong.append(row["HGVSc"])
    assert seen > 1000
    # Two insertions that shift the frame just before the stop they bring, and a deletion that runs past the stop.
    assert set(wrong) == {"c.1029_1033dupGCTGA", "c.358_359insCTTA", "c.1174_1181delTCAGACTG"}
