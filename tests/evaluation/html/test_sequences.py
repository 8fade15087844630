"""The report of sequences: pictures that say what is there, and no variant of fewer than five real patients."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data.cohort import Cohort
from cohortsmith.data.nucleotides import MASKED
from cohortsmith.data.sequences.reference import TP53
from cohortsmith.data.sequences.variants import Variant
from cohortsmith.evaluation.core.estimate import Estimate
from cohortsmith.evaluation.core.small_cells import MINIMUM, large_enough
from cohortsmith.evaluation.html.alignment import carried, names_in, shared_rows
from cohortsmith.evaluation.html.report import beside, render
from cohortsmith.evaluation.metrics import ATTACK_AUCS
from cohortsmith.evaluation.plots.lollipops import rare_bins
from cohortsmith.evaluation.plots.mutation_spectrum import spectrum
from cohortsmith.evaluation.plots.variant_maps import variants
from cohortsmith.evaluation.spaces.comparison import Comparison
from cohortsmith.evaluation.spaces.variant_carriers import SUBSTITUTIONS, tally

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOW = TP53.window(97, 1375)
POISON = '</script><img src=x onerror="alert(1)">'
# place in the coding sequence and new base of known variants
P72R, R175H, R282W, R213X = (215, "G"), (524, "A"), (844, "T"), (637, "T")


def cohort(
    n: int,
    planted: Mapping[tuple[int, str], int],
    *,
    name: str = "p",
    reference: str = TP53.name,
    classes: tuple[str, ...] = ("mutated", "wild-type"),
    masked: int = 0,
) -> Cohort:
    """The wild type with each variant in so many patients, the first ones; P72R in the last ones."""
    x = np.tile(WINDOW.codes, (n, 1))
    for (place, base), carriers in planted.items():
        rows = slice(n - carriers, n) if (place, base) == P72R else slice(0, carriers)
        x[rows, place + 142 - WINDOW.start] = "ATCG".index(base)
    x[:masked, 700] = MASKED
    ids = [f"{name}-{i}" for i in range(n)]
    return Cohort(
        kind="sequence",
        x=x.astype(np.uint8),
        y=(np.arange(n) >= n // 2).astype(np.int64),
        classes=classes,
        features=WINDOW.column_names,
        subjects=np.asarray(ids, dtype=np.str_),
        obs=pd.DataFrame(index=ids),
        provenance={"reference": reference, "source": "test", "label": "label", "masked": masked},
    )


def comparison(
    train: Mapping[tuple[int, str], int], synthetic: Mapping[tuple[int, str], int], n: int = 30, **more: Any
) -> Comparison:
    return Comparison(
        cohort(n, train, name="t", **more), cohort(n, {}, name="h", **more), cohort(n, synthetic, name="s", **more)
    )


def plots(page: str) -> list[dict[str, Any]]:
    found = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, flags=re.DOTALL)
    return [json.loads(text) for text in found]


def words(page: str) -> str:
    return unescape(re.sub(r"<script>.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL)).replace(
        "\\u0026gt;", ">"
    )


@pytest.mark.parametrize(("patients", "told"), [(4, False), (5, True)])
def test_a_variant_of_fewer_than_five_real_patients_is_not_named(patients: int, told: bool) -> None:
    page = words(render([], comparison({R282W: patients, P72R: 20}, {P72R: 20})))
    assert ("R282W" in page) == told
    assert ("c.844" in page) == told
    assert ("R282" in page) == told


def test_the_report_does_not_tell_few_carriers_from_none() -> None:
    for carriers in (0, 4):
        page = render([], comparison({R282W: carriers, P72R: 20}, {R282W: 3, P72R: 20}))
        texts = [
            (text, shares[0])
            for plot in plots(page)
            for trace in plot["data"]
            if "customdata" in trace
            for text, shares in zip(trace["text"], trace["customdata"], strict=True)
        ]
        assert {real for text, real in texts if "R282W" in text} == {f"under {MINIMUM} or none"}
        assert {real for text, real in texts if "P72R" in text} >= {"33 %"}
        left = next(plot for plot in plots(page) if "real patients" in plot["layout"]["xaxis"]["title"]["text"])
        x = [
            x
            for trace in left["data"]
            if "text" in trace
            for x, t in zip(trace["x"], trace["text"], strict=True)
            if "R282W" in t
        ]
        assert all(value < MINIMUM / 60 for value in x)


def test_no_count_left_over_is_smaller_than_five() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        kinds = rng.integers(0, 6, rng.integers(5, 40))
        x = np.repeat(kinds[:, None], 3, axis=1).astype(np.uint8)
        people = np.asarray([f"p{i}" for i in range(len(x))], dtype=np.str_)
        rows, _ = shared_rows(x, people, [()] * len(x), str, MINIMUM)
        counts = [int(row.head.split()[0]) for row in rows]
        assert all(count >= MINIMUM for count in counts)
        assert len(x) - sum(counts) == 0 or len(x) - sum(counts) >= MINIMUM or not counts


def test_many_samples_of_one_patient_do_not_make_a_shared_sequence() -> None:
    x = np.zeros((12, 3), dtype=np.uint8)
    people = np.asarray(["a"] * 9 + ["b", "c", "d"], dtype=np.str_)
    assert shared_rows(x, people, [()] * 12, str, MINIMUM)[0] == []
    base = np.ones(3, dtype=np.uint8)
    assert carried(x, people, base, 1)[:, 0].tolist() == [4, 4, 4]
    assert not carried(x, people, base, MINIMUM).any()


def test_two_files_that_number_their_patients_alike_name_different_people() -> None:
    variants_of = {P72R: 20, R175H: 4}
    other = cohort(30, {R282W: 4}, name="p")
    other.x[::2, 500] = (other.x[::2, 500] + 1) % 4
    counted = tally(Comparison(cohort(30, variants_of, name="p"), other, cohort(30, {}, name="s")))
    assert len(counted.real) == 60
    again = Comparison(cohort(30, variants_of, name="p"), cohort(30, variants_of, name="p"), cohort(30, {}, name="s"))
    assert len(tally(again).real) == 30
    assert "R175H" not in words(render([], again))  # four people, though eight sequences


def test_categories_shown_and_their_pool_rest_on_no_patient_or_on_five() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        members = rng.random((30, 7)) < rng.choice([0.0, 0.05, 0.15, 0.5], 7)
        shown = large_enough(members)
        assert all(count == 0 or count >= MINIMUM for count in members[:, shown].sum(axis=0))
        pool = members[:, ~shown].any(axis=1).sum()
        assert pool == 0 or pool >= MINIMUM or not members[:, shown].any()


def test_bins_of_rarer_variants_hold_no_real_patient_or_five() -> None:
    rng = np.random.default_rng(0)
    train = cohort(200, {P72R: 100})
    for row in range(100):
        place = int(rng.integers(60, 1170)) + 142 - WINDOW.start
        train.x[row, place] = (train.x[row, place] + 1 + row % 3) % 4
    counted = tally(Comparison(train, cohort(30, {}, name="h"), cohort(30, {}, name="s")))
    edges = rare_bins(counted)
    named = set(counted.named())
    at = {v: int(np.searchsorted(edges, 1 + (v.position - 143) // 3) - 1) for v in counted.real.of if v not in named}
    patients = counted.real.members(at, len(edges) - 1).sum(axis=0)
    assert len(edges) > 4
    assert all(count == 0 or count >= MINIMUM for count in patients)


def test_an_unknown_base_of_one_patient_is_not_shown() -> None:
    sides = Comparison(cohort(30, {R175H: 10}, masked=2), cohort(30, {}, name="h"), cohort(30, {}, name="s"))
    page = render([], sides)
    svg = page[page.index("<svg class=") : page.index("</svg>", page.index("<svg class="))]
    assert set("".join(re.findall(r'<text class="letter[^>]*>([^<]*)<', page))) <= set("ATCG–·")
    assert "10 (16.7 %)" in svg
    assert "50 (83.3 %)" in svg


def test_the_alignment_shows_codons_and_colours_what_differs() -> None:
    page = render([], comparison({R175H: 12, P72R: 10}, {R175H: 6}))
    svg = page[page.index("<svg class=") : page.index("</svg>", page.index("<svg class="))]
    assert re.findall(r'class="amino"[^>]*>([^<]*)<', svg) == ["P72", "R175"]
    assert re.findall(r'class="ruler"[^>]*>([^<]*)<', svg) == ["356", "665"]
    assert re.search(r'class="letter reference"[^>]*>([^<]*)<', svg)[1] == "CCCCGC"  # type: ignore[index]
    real = svg[svg.index("Real patients") : svg.index("Virtual patients")]
    assert re.findall(r'class="share"[^>]*>([^<]*)<', real) == ["17", "20"]
    assert re.findall(r'class="names"[^>]*>([^<]*)<', real) == ["as the reference", "R175H", "P72R"]
    assert len(re.findall(r'rect class="base a"', real)) == 2  # its bar, and its row


def test_a_consensus_of_few_patients_is_not_drawn() -> None:
    sides = comparison({P72R: 3}, {}, n=10, reference="")
    assert "the alignment is not drawn" in render([], sides)


def test_facts_speak_of_positions_and_of_the_reference() -> None:
    page = render([], comparison({P72R: 10}, {P72R: 10}))
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert facts["Positions"] == "1,279 (97 to 1375)"
    assert facts["Reference"] == "NM_000546.6"
    assert "Genes" not in facts


def test_every_picture_of_sequences_is_there_and_plotly_accepts_it() -> None:
    import plotly.graph_objects as go

    page = render([], comparison({R175H: 12, R213X: 8, P72R: 50}, {R175H: 9, P72R: 48, R282W: 1}, n=80))
    assert re.findall(r'<section id="(\w+)"', page)[:4] == ["scorecard", "alignment", "variants", "spectrum"]
    titles = re.findall(r"<figcaption><b>([^<]*)</b>", page)
    assert titles == [
        "Differences from the reference",
        "Variants along the protein",
        "Holdout against train",
        "Synthetic against real",
        "Substitutions",
        "Effects on the protein",
        "Variants per patient",
    ]

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return "#123456" if isinstance(value, str) and value.startswith(("theme:", "fill:")) else value

    for plot in plots(page):
        go.Figure(plain(plot))
    domains = [note["text"] for note in plots(page)[0]["layout"]["annotations"]]
    assert {"TAD", "PRD", "DNA-binding domain", "NLS", "TET", "CTD", "R175H"} <= set(domains)


def test_lollipops_of_real_patients_point_up_and_of_synthetic_ones_down() -> None:
    panel = variants(tally(comparison({R175H: 12}, {R175H: 6, R282W: 2}))).panels[0]
    heads = {
        (trace["name"], text.split("p.")[-1]): (x, y)
        for trace in panel.data
        if trace.get("mode") == "markers"
        for x, y, text in zip(trace["x"], trace["y"], trace["text"], strict=True)
    }
    assert heads["missense, real", "R175H"] == (175, pytest.approx(-heads["missense, synthetic", "R175H"][1], abs=0.01))
    assert heads["missense, synthetic", "R282W"][0] == 282
    assert ("missense, real", "R282W") not in heads


def test_a_frequency_stands_where_it_was_counted() -> None:
    panel = variants(tally(comparison({R175H: 12}, {R175H: 15}))).panels[2]
    dots = next(trace for trace in panel.data if trace.get("name") == "missense")
    assert (dots["x"], dots["y"]) == ([0.2], [0.5])


def test_the_spectrum_counts_patients_and_leaves_polymorphisms_out() -> None:
    train = {P72R: 40, R175H: 6, R282W: 6, (659, "G"): 6}  # two CpG transitions and Y220C, an A>G
    panels = spectrum(tally(comparison(train, train, n=70))).panels
    bars = panels[0].data[0]
    shares = dict(zip([unescape(x) for x in bars["x"]], bars["y"], strict=True))
    assert shares == {"CpG>TpG": pytest.approx(66.7, abs=0.1), "T>C": pytest.approx(33.3, abs=0.1)}
    assert set(shares) <= set(SUBSTITUTIONS)
    assert "P72R" in panels[0].note
    number = panels[2].data[0]
    assert sum(number["y"]) == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize("where", ["classes", "reference", "galleries"])
def test_a_name_with_markup_is_shown_as_text(where: str) -> None:
    from cohortsmith.evaluation.plots import training as curves

    more: dict[str, Any] = {"classes": ("mutated", POISON)} if where == "classes" else {}
    more |= {"reference": POISON} if where == "reference" else {}
    name = POISON if where == "galleries" else "GAN"
    duel = curves.duel({name: [{"step": s, "d_real": 0.5, "d_fake": 0.5} for s in range(3)]})
    page = render([], comparison({R175H: 12}, {R175H: 6, P72R: 3}, **more), galleries={name: duel})
    shell = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "<img" not in shell
    assert page.count("</script>") == page.count("<script")


def test_names_that_find_no_room_are_counted() -> None:
    some = [Variant(position, "A", "T") for position in (7, 8, 9, 10)]
    assert names_in([], hgvs_like) == ""
    assert names_in(some[:2], hgvs_like) == "place-7 place-8"
    assert names_in(some, hgvs_like) == "place-7 place-8 +2"


def hgvs_like(variant: Variant) -> str:
    return f"place-{variant.position}"


def test_a_report_of_two_thousand_patients_stays_below_five_megabytes() -> None:
    rng = np.random.default_rng(0)
    train, holdout, synthetic = (cohort(2000, {P72R: 1300, R175H: 60}, name=name) for name in "ths")
    for side in (train, holdout, synthetic):
        places = np.minimum(rng.geometric(0.004, 1000) + 300, 1100)  # hundreds of distinct variants
        side.x[np.arange(1000), places] = (side.x[np.arange(1000), places] + 1) % 4
    page = render([], Comparison(train, holdout, synthetic))
    assert len(page.encode()) < 5_000_000


def test_the_strongest_attack_is_the_strongest_of_all() -> None:
    def estimate(name: str, value: float, group: Any) -> Estimate:
        return Estimate(name, value, value, value, 0.5, 0.5, "lower", "ok", {}, group, "", "", (0, 1))

    named = ("gan_leaks_auc", 0.589), ("attack_auc_unique", 0.786), ("tstr", 0.9), ("dcr_share", 0.99)
    card = {name: estimate(name, value, "utility" if name == "tstr" else "privacy") for name, value in named}
    (panel,) = beside({"diffusion": card}).panels
    assert panel.data[0]["x"] == [0.786]
    assert {name for name in ATTACK_AUCS if name.startswith("attack")} == {"attack_auc_unique"}
    assert {"gan_leaks_auc", "gan_leaks_calibrated_auc", "domias_auc"} < ATTACK_AUCS
