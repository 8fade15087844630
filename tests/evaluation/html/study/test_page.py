"""The page of a grid: what it says of simulated results whose answer is known, and that it is safe to open."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.html.study.page import utility_page
from cohortsmith.evaluation.plots.augmentation import gain_by_ratio
from cohortsmith.evaluation.plots.classifier_curves import pair_pictures, swept_settings
from cohortsmith.evaluation.study.results import Results, StudyTask
from tests.evaluation.utility_rows import CELLS, rows

if TYPE_CHECKING:
    import pandas as pd

POISON = '</script><img src=x onerror="alert(1)">'
STUDY = {"weak": (0.30, ""), "strong": (0.12, ""), "simclr": (0.20, "simclr")}
HELPFUL = {("diffusion", ratio, "labelled"): change for ratio, change in (("1", -0.04), ("2", -0.06), ("5", -0.03))}
HARMFUL = {("mvn", ratio, "labelled"): 0.05 for ratio in ("1", "2")}
PAIRS: dict[str, list[dict[str, Any]]] = {
    "simclr": [{"x1": 0.0, "y1": 0.0, "x2": 1.0, "y2": 1.0, "label": name} for name in CELLS]
}


def made(table: pd.DataFrame, **facts: Any) -> str:
    return utility_page(table, facts)


def said(page: str) -> str:
    """Words of a page, without scripts, styles and tags."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def headings(page: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", page)


def plots(page: str) -> list[dict[str, Any]]:
    found = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, flags=re.DOTALL)
    return [json.loads(text) for text in found]


@pytest.fixture(scope="module")
def virtual_page() -> str:
    table = rows(STUDY, virtual=HELPFUL | HARMFUL, noise=0.001, classes=(*CELLS, "rare"))
    return made(table, title="Blood", pairs=PAIRS)


def test_verdicts_come_first_and_in_words(virtual_page: str) -> None:
    words = said(virtual_page)
    cards = words[: words.index("How these words are chosen")]
    assert "virtual patients Helps in 3 of 3 settings" in cards
    assert re.search(r"Largest gain: \w+ on blood, 100 labelled, diffusion ×2: \+\d\.\d points \(\+\d", cards)
    # A gain over a classifier's own real-only arm is not one over the strongest supervised reference.
    assert "Over the strongest supervised reference: helps in 1, hurts in 1" in cards
    assert "self-supervision Hurts in 1 of 1 setting" in cards
    assert "it is the strongest" in words


def test_every_section_has_its_figures(virtual_page: str) -> None:
    assert headings(virtual_page) == [
        "Gains",
        "Gain by number of virtual patients",
        "Gain by class",
        "Confusion matrix",
        "Two views of a patient",
        "All metrics",
        "Training",
        "Glossary",
    ]
    assert 'class="plot"' in virtual_page
    labels = [tick for plot in plots(virtual_page) for tick in plot["layout"]["yaxis"].get("ticktext", ())]
    assert "basophil (244)" in labels
    assert not [label for label in labels if label.startswith("rare")]  # four test patients are too few


def test_sections_without_data_are_left_out() -> None:
    page = made(rows({"supervised": (0.2, "")}))
    assert headings(page) == ["Gains", "Confusion matrix", "All metrics", "Training", "Glossary"]
    assert "Virtual patients" not in said(page)


def test_learning_curves_and_sweeps_are_drawn_where_the_grid_has_them() -> None:
    shares = (0.05, 0.1, 0.5)
    known = {f"mask-{share}": {"pretext": "masked", "pretext_settings": {"mask_share": share}} for share in shares}
    study = {"supervised": (0.3, ""), **dict.fromkeys(known, (0.25, "masked"))}
    page = made(rows(study, labelled={"50": 50, "200": 200, "full": 4000}, seeds=2), classifiers=known)
    assert {"Learning curves", "Settings of the pretext"} <= set(headings(page))
    axes = [plot["layout"]["xaxis"] for plot in plots(page)]
    curve = next(axis for axis in axes if axis["title"]["text"] == "labelled patients")
    assert (curve["type"], curve["tickvals"]) == ("log", [50, 200, 4000])
    assert next(axis["tickvals"] for axis in axes if axis["title"]["text"] == "mask share") == list(shares)
    assert "For each data set the fewest and the most labels" in said(page)


def test_sweeps_are_classifiers_that_differ_in_one_number() -> None:
    given: dict[str, dict[str, Any]] = {
        str(t): {"pretext_settings": {"temperature": t, "mask_share": 0.1}} for t in (0.1, 0.5, 1.0)
    }
    given["other"] = {"pretext_settings": {"temperature": 0.2, "mask_share": 0.3}}
    given["frozen"] = {"frozen": 2, "pretext_settings": {"temperature": 0.2, "mask_share": 0.1}}
    assert swept_settings(given) == [("temperature", ["0.1", "0.5", "1.0"])]


def test_published_figures_stand_beside_ours_with_their_margins() -> None:
    theirs = [
        {"data": "blood", "labelled": "100", "classifier": name, "accuracy": a, "mean_class_accuracy": a - 0.01}
        for name, a in (("weak", 0.7), ("simclr", 0.725), ("not here", 0.9))
    ]
    published = {"source": "thesis", "note": "Another split.", "over": "weak", "rows": theirs}
    page = made(rows(STUDY), published=published)
    assert "Published results for comparison" in headings(page)
    assert re.search(r"simclr 72\.5 \+2\.5 \d\d\.\d \+\d", said(page))
    assert "not here" not in page


def test_names_cannot_become_markup() -> None:
    study = {POISON: (0.3, ""), f"{POISON}2": (0.2, "simclr")}
    family = {(POISON, ratio, "labelled"): -0.02 for ratio in ("1", "2")}
    pairs = {POISON: [{"x1": 0.0, "y1": 0.0, "x2": 1.0, "y2": 1.0, "label": POISON}]}
    published = {"source": POISON, "note": POISON, "over": POISON, "rows": []}
    table = rows(study, data=(POISON,), virtual=family, classes=(POISON, "b"), labelled={POISON: 50, "b": 90, "c": 400})
    page = made(table, title=POISON, about={POISON: POISON}, pairs=pairs, published=published, fusions=[f"{POISON}2"])
    assert POISON not in page
    assert "<img" not in page.replace("&lt;img", "")
    assert "onerror=" not in re.sub(r"<script.*?</script>|&lt;img src=x onerror=", "", page, flags=re.DOTALL)


def test_one_seed_gives_no_verdict() -> None:
    words = said(made(rows(STUDY, virtual=HELPFUL, seeds=1)))
    assert "Not known: an interval needs two seeds" in words
    assert "one seed: no interval" in words


def test_a_fusion_is_no_supervised_reference() -> None:
    table = rows({"supervised": (0.3, ""), "both": (0.1, "")})
    known = Results.of(table, ["both"])
    assert [arm.classifier for arm in known.strongest.values()] == ["supervised"]
    assert "fusion of classifiers Helps in 1 of 1 setting" in said(made(table, fusions=["both"]))


def test_arms_stand_in_order_and_the_best_ratio_is_chosen_on_validation() -> None:
    table = rows(STUDY, virtual=HELPFUL, labelled={"full": 400, "100": 100}, noise=0.0005)
    known = Results.of(table)
    assert known.tasks == [StudyTask("blood", "100"), StudyTask("blood", "full")]
    assert [arm.ratio for arm in known.means][:4] == ["0", "1", "2", "5"]
    assert known.chosen[StudyTask("blood", "100"), "weak"].ratio == "2"


def test_the_metric_of_a_grid_decides_what_is_chosen_and_said() -> None:
    arms = {(family, "balance", "labelled"): 0.0 for family in ("mvn", "diffusion")}
    table = rows({"supervised": (0.2, "")}, virtual=arms, noise=0.001)
    # One only tells the frequent classes better, the other the rare ones at their price.
    for family, common, rare in (("mvn", 0.05, -0.08), ("diffusion", -0.05, 0.09)):
        mine = (table["family"] == family) & (table["label"] == "")
        table.loc[mine, "accuracy"] = 0.8 + common + 0.001 * table.loc[mine, "seed"]
        table.loc[mine, "mean_class_accuracy"] = 0.8 + rare + 0.001 * table.loc[mine, "seed"]
    chosen = {}
    for metric, other, words in (
        ("accuracy", r"\+\d\.\d points \([^)]*\) of accuracy", r"−\d\.\d points \([^)]*\) of mean class accuracy"),
        (
            "mean_class_accuracy",
            r"\+\d\.\d points \([^)]*\) of mean class accuracy",
            r"−\d\.\d points \([^)]*\) of accuracy",
        ),
    ):
        (chosen[metric],) = (arm.family for arm in Results.of(table, metric=metric).chosen.values())
        page = said(made(table, metric=metric))
        assert "Helps in 1 of 1 setting" in page
        assert re.search(
            rf"Largest gain: supervised on blood, 100 labelled, {chosen[metric]} balanced: {other} over", page
        )
        assert re.search(words, page[: page.index("How these words are chosen")])
    assert chosen == {"accuracy": "mvn", "mean_class_accuracy": "diffusion"}
    with pytest.raises(DataError, match="did you mean 'mean_class_accuracy'"):
        Results.of(table, metric="mean_class_acuracy")


def test_the_strongest_reference_is_so_by_the_metric_of_the_grid() -> None:
    table = rows({"frequent": (0.2, ""), "even": (0.2, ""), "simclr": (0.25, "simclr")}, noise=0.001)
    whole = table["label"] == ""
    for classifier, accuracy, mean in (("frequent", 0.9, 0.5), ("even", 0.8, 0.7)):
        mine = whole & (table["classifier"] == classifier)
        table.loc[mine, ["accuracy", "mean_class_accuracy"]] = accuracy, mean
    for metric, strongest in (("accuracy", "frequent"), ("mean_class_accuracy", "even")):
        known = Results.of(table, metric=metric)
        assert [arm.classifier for arm in known.strongest.values()] == [strongest]
        (by_class,) = known.by_class.values()
        assert {gain.reference for gain in by_class.values()} == {strongest}


def test_pairs_are_points_without_names() -> None:
    (panel,) = pair_pictures(PAIRS).panels
    assert [trace["x"] for trace in panel.data] == [[0, 1, None]] * len(CELLS)
    assert [trace["hoverinfo"] for trace in panel.data] == ["name"] * len(CELLS)  # the class


def test_what_could_not_be_done_is_told() -> None:
    failed = [{"stage": "pretexts", "reason": f"too few {POISON}"}] * 2 + [
        {"stage": "classifiers", "reason": "diverged"}
    ]
    page = made(rows(STUDY), failed=failed)
    assert f"3 jobs failed, and whatever depends on them is missing: too few {POISON} (2); diverged (1)." in said(page)
    assert POISON not in page


def test_roles_share_a_panel_while_their_lines_are_few() -> None:
    roles = ("labelled", "unlabelled")
    few = {("diffusion", ratio, role): -0.02 for ratio in ("1", "2") for role in roles}
    table = rows(STUDY, virtual=few)
    panels = gain_by_ratio(Results.of(table), StudyTask("blood", "100")).panels
    assert [panel.title for panel in panels] == list(STUDY)
    assert [len(panel.data) - 1 for panel in panels] == [1, 1, 2]  # supervised classifiers have no pretext to feed
    many = {(family, ratio, role): -0.02 for family in "abc" for ratio in ("1", "2") for role in roles}
    table = rows(STUDY, virtual=many)
    panels = gain_by_ratio(Results.of(table), StudyTask("blood", "100")).panels
    assert [panel.title for panel in panels][-1] == "simclr, virtual patients for the pretext"
