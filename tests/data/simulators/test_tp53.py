"""Simulated TP53 patients against the frequencies that they are said to have."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.data import Cohort, DataError, read_cohort, simulate, write_cohort
from cohortsmith.data.nucleotides import decode
from cohortsmith.data.sequences.calling import call_cohort, call_variants
from cohortsmith.data.sequences.effects import effect, is_cpg, is_transition
from cohortsmith.data.sequences.hgvs_names import hgvs, parse_hgvs
from cohortsmith.data.sequences.reference import TP53, reference_of
from cohortsmith.data.sequences.variant_table import read_variant_table
from cohortsmith.data.sequences.variants import Variant
from cohortsmith.data.simulators.tp53 import class_of_variants, is_polymorphism
from cohortsmith.data.simulators.tp53_law import CLASSES, HOTSPOT_PERCENT, POLYMORPHISMS, VariantLaw, built_in_law

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

TABLE = "sequences/tp53_tcga_variant_counts.tsv"


@pytest.fixture(scope="module")
def patients() -> Cohort:
    return simulate("tp53-cohort", 12000, 0, prevalence=0.75)


@pytest.fixture(scope="module")
def with_indels() -> Cohort:
    return simulate("tp53-cohort", 4000, 1, prevalence=0.9, indels=True)


def within(count: float, of: int, share: float, sigmas: float = 4) -> bool:
    """Whether a count agrees with a share within the binomial error."""
    return abs(count - of * share) <= sigmas * math.sqrt(of * share * (1 - share)) + 1


def somatic(cohort: Cohort) -> list[list[Variant]]:
    return [[v for v in found if not is_polymorphism(v)] for found in call_cohort(cohort, reference_of(cohort))]


def shares_hold(variants: Iterable[Variant]) -> None:
    """The published shares among substitutions."""
    counts = Counter(v for v in variants if v.kind == "substitution")
    kinds: Counter[str] = Counter()
    for v, k in counts.items():
        kinds[effect(v, TP53).kind] += k
    total, missense = counts.total(), kinds["missense"]
    assert set(kinds) == {"missense", "nonsense"}
    assert within(missense, total, CLASSES["missense"] / (CLASSES["missense"] + CLASSES["nonsense"]))
    transitions = sum(k for v, k in counts.items() if is_transition(v.deleted, v.inserted))
    assert within(transitions, total, 1.62 / 2.62)
    assert within(sum(k for v, k in counts.items() if is_cpg(v, TP53)), total, 0.30)
    core = 0
    for v, k in counts.items():
        found = effect(v, TP53)
        core += k if found.kind == "missense" and 102 <= found.codon <= 292 else 0
    assert within(core, missense, 0.966)
    for name, percent in HOTSPOT_PERCENT.items():
        variant = parse_hgvs(name, TP53)
        assert variant is not None
        assert within(counts[variant], missense, percent / 100), name


def test_built_in_law_has_the_published_shares_exactly() -> None:
    law = built_in_law()
    share = dict(zip(law.variants, law.share.tolist(), strict=True))
    assert sum(share.values()) == pytest.approx(1)
    missense = {v: s for v, s in share.items() if effect(v, TP53).kind == "missense"}
    total = sum(missense.values())
    assert total == pytest.approx(65.4 / 78.6, abs=1e-4)
    for name, percent in HOTSPOT_PERCENT.items():
        assert missense[parse_hgvs(name, TP53)] / total == pytest.approx(percent / 100, abs=1e-5)  # type: ignore[index]
    assert sum(s for v, s in share.items() if is_transition(v.deleted, v.inserted)) == pytest.approx(
        1.62 / 2.62, abs=1e-4
    )
    assert sum(s for v, s in share.items() if is_cpg(v, TP53)) == pytest.approx(0.30, abs=1e-4)
    core = sum(s for v, s in missense.items() if 102 <= effect(v, TP53).codon <= 292)
    assert core / total == pytest.approx(0.966, abs=1e-4)
    top = sorted(missense, key=lambda v: -missense[v])[:6]
    assert {hgvs(v, TP53) for v in top} == set(list(HOTSPOT_PERCENT)[:6])


def test_few_variants_are_frequent_and_most_are_rare() -> None:
    """Heavy tail: what is unseen after so many variants falls slowly, as in the counted table."""
    p = built_in_law().share
    unseen = {n: float((p * (1 - p) ** n).sum()) for n in (20, 200, 1000)}
    assert unseen[20] == pytest.approx(0.83, abs=0.03)
    assert unseen[200] == pytest.approx(0.42, abs=0.05)
    assert unseen[1000] == pytest.approx(0.14, abs=0.03)
    assert 400 < float((1 - (1 - p) ** 2900).sum()) < 650


def test_simulated_substitutions_have_the_stated_frequencies(patients: Cohort) -> None:
    found = [v for variants in somatic(patients) for v in variants]
    assert all(v.kind == "substitution" for v in found)
    shares_hold(found)
    assert len(set(found)) > 500


def test_mutated_patients_have_one_to_three_variants_and_others_none(patients: Cohort) -> None:
    counts = patients.class_counts()
    assert counts == {"mutated": 9000, "wild-type": 3000}
    numbers = Counter((len(v), str(label)) for v, label in zip(somatic(patients), patients.labels, strict=True))
    assert numbers[0, "wild-type"] == 3000
    for number, share in ((1, 0.90), (2, 0.09), (3, 0.01)):
        assert within(numbers[number, "mutated"], 9000, share)


@pytest.mark.parametrize("name", POLYMORPHISMS)
def test_polymorphisms_have_their_frequencies_in_both_classes(patients: Cohort, name: str) -> None:
    has = np.array([name in names for names in patients.provenance["truth"].values()])
    for c in (0, 1):
        assert within(int(has[patients.y == c].sum()), int((patients.y == c).sum()), POLYMORPHISMS[name])


def test_indels_have_their_classes_shares(with_indels: Cohort) -> None:
    found = [v for variants in somatic(with_indels) for v in variants]
    kinds: Counter[str] = Counter()
    for v in found:
        kind = effect(v, TP53).kind
        kinds[f"{kind} {v.kind}" if kind == "frameshift" else kind] += 1
    total = sum(CLASSES.values())
    for name, percent in CLASSES.items():
        assert within(kinds[name], len(found), percent / total), name
    shares_hold(found)


@pytest.mark.parametrize("fixture", ["patients", "with_indels"])
def test_variants_called_back_are_those_put_in(fixture: str, request: pytest.FixtureRequest) -> None:
    cohort: Cohort = request.getfixturevalue(fixture)
    reference = reference_of(cohort)
    assert reference == TP53.window(97, 1375)
    calls = call_cohort(cohort, reference)
    assert [[hgvs(v, reference) for v in found] for found in calls] == [*cohort.provenance["truth"].values()]
    told = {found: class_of_variants(found, reference) for found in set(calls)}
    assert [told[found] for found in calls] == cohort.labels.tolist()
    # The same from the bases alone, aligned anew.
    for row, found in list(zip(cohort.x, calls, strict=True))[:400]:
        assert call_variants(decode(row).replace("-", ""), reference) == found


def test_columns_are_positions_and_places_after_them(patients: Cohort, with_indels: Cohort) -> None:
    assert patients.features == tuple(str(p) for p in range(97, 1376))
    assert patients.x.max() == 3
    plain = tuple(name for name in with_indels.features if "+" not in name)
    assert plain == patients.features
    for before, name in pairwise(with_indels.features):
        if "+" in name:
            position, place = name.split("+")
            assert before == (position if place == "1" else f"{position}+{int(place) - 1}")
    inserted = np.array(["+" in name for name in with_indels.features])
    assert inserted.any()
    assert (with_indels.x[with_indels.y == 1][:, inserted] == 4).all()  # nothing inserted in the wild type
    assert (with_indels.x == 4).any(axis=1).mean() > 0.1


def test_founding_patients_are_twenty_and_twenty() -> None:
    cohort = simulate("tp53-founding", 40, 0)
    assert cohort.class_counts() == {"mutated": 20, "wild-type": 20}
    assert cohort.x.shape == (40, 1279)
    assert cohort.provenance["reference"] == "NM_000546.6"
    with pytest.raises(DataError, match="no option 'prevalence'"):
        simulate("tp53-founding", 40, 0, prevalence=0.4)


def test_exact_matches_of_new_patients_are_as_in_the_field() -> None:
    """2000 and 2000 patients, half mutated, substitutions only: about 82 % of the new ones equal one of the others."""
    shares = []
    for seed in range(3):
        train, new = (simulate("tp53-cohort", 2000, 2 * seed + k).x for k in (0, 1))
        known = {row.tobytes() for row in train}
        shares.append(np.mean([row.tobytes() in known for row in new]))
    assert np.mean(shares) == pytest.approx(0.82, abs=0.02)


def test_the_truth_is_found_by_name_in_a_part_of_the_cohort() -> None:
    part = simulate("tp53-cohort", 60, 3).take(np.arange(40, 60))
    reference = reference_of(part)
    for name, found in zip(part.ids, call_cohort(part, reference), strict=True):
        assert [hgvs(v, reference) for v in found] == part.provenance["truth"][name]


def test_same_seed_same_patients() -> None:
    a, b, c = (simulate("tp53-cohort", 60, seed, indels=True) for seed in (3, 3, 4))
    assert a.digest() == b.digest() != c.digest()
    assert a.provenance["truth"] == b.provenance["truth"]


@pytest.mark.parametrize("indels", [False, True])
def test_patients_come_back_from_fasta(tmp_path: Path, indels: bool) -> None:
    cohort = simulate("tp53-cohort", 200, 0, indels=indels)
    write_cohort(cohort, tmp_path / "x.fasta")
    again = read_cohort(tmp_path / "x.fasta")
    assert again.digest() == cohort.digest()
    assert again.provenance["reference"] == cohort.provenance["reference"]


def test_a_table_is_drawn_from_by_its_numbers_of_patients(tmp_path: Path) -> None:
    rows = ["c.524G>A\t60", "c.637C>T\t30", "c.626_627delGA\t10", "c.375G>A\t500", "c.376-1G>A\t500", "c.215C>G\t500"]
    path = tmp_path / "variants.tsv"
    path.write_text("\n".join(["HGVSc\tn_patients", *rows]) + "\n")
    found = Counter(hgvs(v, TP53) for vs in somatic(simulate("tp53-cohort", 3000, 0, table=path)) for v in vs)
    assert set(found) == {"c.524G>A", "c.637C>T"}  # neither silent nor splice, no polymorphism
    found = Counter(
        hgvs(vs[0], TP53) for vs in somatic(simulate("tp53-cohort", 3000, 0, table=path, indels=True)) if len(vs) == 1
    )
    for name, share in (("c.524G>A", 0.6), ("c.637C>T", 0.3), ("c.626_627del", 0.1)):
        assert within(found[name], found.total(), share)


def test_the_published_table_is_drawn_from(real_file: Callable[[str], Path]) -> None:
    path = real_file(TABLE)
    counts = read_variant_table(path, TP53)
    assert len(counts) == 1007
    for indels in (False, True):
        cohort = simulate("tp53-cohort", 2000, 0, table=path, indels=indels)
        reference = reference_of(cohort)
        calls = call_cohort(cohort, reference)
        assert [[hgvs(v, reference) for v in found] for found in calls] == [*cohort.provenance["truth"].values()]
        assert {v for found in calls for v in found if not is_polymorphism(v)} <= set(counts)
        assert [class_of_variants(found, reference) for found in calls] == cohort.labels.tolist()
    snv = read_variant_table(real_file("sequences/tp53_snv_table.tsv"), TP53)
    assert snv[Variant(666, "G", "A")] == counts[Variant(666, "G", "A")] == 139


def test_a_narrow_window_holds_only_what_shows_there() -> None:
    cohort = simulate("tp53-cohort", 100, 0, window=(600, 1000))
    assert cohort.features[0] == "600"
    assert len(cohort.features) == 401
    reference = reference_of(cohort)
    assert {class_of_variants(v, reference) for v in call_cohort(cohort.take(cohort.y == 0), reference)} == {"mutated"}
    assert isinstance(built_in_law().within(reference), VariantLaw)


def test_what_cannot_be_simulated_is_said(tmp_path: Path) -> None:
    for name, text in (
        ("columns.tsv", "name\tn\nc.524G>A\t3\n"),
        ("number.tsv", "HGVSc\tn_patients\nc.524G>A\tmany\n"),
        ("none.tsv", "HGVSc\tn_patients\nc.376-1G>A\t3\n"),
        ("silent.tsv", "HGVSc\tn_patients\nc.375G>A\t3\n"),
    ):
        (tmp_path / name).write_text(text)
    for options, message in (
        ({"prevalence": 0.001}, "at least 2 patients; 100 patients and prevalence 0.001 give 0 mutated"),
        ({"prevalence": float("nan")}, "between 0 and 1; got nan"),
        ({"window": (97, 9999)}, r"positions 1\.\.2512; got the window 97\.\.9999"),
        ({"window": (1400, 2000)}, "no observed substitution changes the protein"),
        ({"table": tmp_path / "columns.tsv"}, r"columns HGVSc and n_patients or n_tcga .* without HGVSc"),
        ({"table": tmp_path / "number.tsv"}, "line 2, column n_patients: expected a number of patients"),
        ({"table": tmp_path / "none.tsv"}, "no row names a variant of NM_000546.6"),
        ({"table": tmp_path / "silent.tsv"}, "changes the protein between mRNA positions 97 and 1375"),
        ({"table": tmp_path / "absent.tsv"}, "provide a TSV file"),
        ({"genes": 5}, "no option 'genes'; it has indels, prevalence, table, window"),
    ):
        with pytest.raises(DataError, match=message) as raised:
            simulate("tp53-cohort", 100, 0, **options)
        assert "\n" not in str(raised.value)
