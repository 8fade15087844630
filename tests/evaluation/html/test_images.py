"""The report of images: no picture of a real patient unless it is asked for, and then the suspicious ones first."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from cohortsmith.data import simulate, split
from cohortsmith.data.errors import DataError
from cohortsmith.data.kinds import grid
from cohortsmith.evaluation.core.estimate import Estimate
from cohortsmith.evaluation.core.image_models import ImageModels
from cohortsmith.evaluation.core.small_cells import MINIMUM
from cohortsmith.evaluation.html.nearest_images import suspects
from cohortsmith.evaluation.html.report import Contender, render, render_comparison
from cohortsmith.evaluation.plots.image_sheet import sheet
from cohortsmith.evaluation.plots.image_tiles import each_of, png, presentable
from cohortsmith.evaluation.plots.images import sharpness, sides
from cohortsmith.evaluation.spaces.comparison import Comparison

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort

POISON = '</script><img src=x onerror="alert(1)">'
INTERNAL = "internal use only"


def cells(n: int, seed: int, **more: Any) -> Cohort:
    return simulate("simulated-cells", n, seed, classes=3, **more)


def grey(cohort: Cohort) -> Cohort:
    x = cohort.x.mean(axis=3, keepdims=True).astype(np.uint8)
    return replace(cohort, x=x, features=grid(x))


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    train, holdout = split(cells(160, 0), seed=0)
    return Comparison(train, holdout, cells(120, 1))


@pytest.fixture(scope="module")
def plain_page(comparison: Comparison) -> str:
    return render([], comparison)


@pytest.fixture(scope="module")
def house_page(comparison: Comparison) -> str:
    return render([], comparison, patients=True)


def pictures(page: str) -> list[NDArray[np.uint8]]:
    """Every image embedded in the page, decoded."""
    found = re.findall(r'class="px" src="data:image/png;base64,([^"]+)"', page)
    return [np.asarray(Image.open(BytesIO(base64.b64decode(text)))) for text in found]


def seen(page: str, cohort: Cohort) -> int:
    """Images of the cohort that stand in the page, pixel by pixel."""
    there = {picture.tobytes() for picture in pictures(page)}
    return sum(image.tobytes() in there for image in cohort.x)


def plots(page: str) -> Iterator[dict[str, Any]]:
    for text in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, flags=re.DOTALL):
        yield json.loads(text)


def test_no_real_patient_is_on_the_page(comparison: Comparison, plain_page: str) -> None:
    assert seen(plain_page, comparison.train) == seen(plain_page, comparison.holdout) == 0
    for side in (comparison.train, comparison.holdout):
        assert not any(base64.b64encode(png(image)).decode() in plain_page for image in side.x)
    assert seen(plain_page, comparison.synthetic) > 60
    assert INTERNAL not in plain_page
    assert "only as aggregates" in plain_page


def test_copies_of_patients_are_not_shown_as_synthetic(comparison: Comparison) -> None:
    train = comparison.train
    noise = np.random.default_rng(0).integers(-2, 3, train.x.shape)
    nearly = replace(train, x=np.clip(train.x.astype(int) + noise, 0, 255).astype(np.uint8))
    mirrored = replace(train, x=train.x[:, ::-1, :].transpose(0, 2, 1, 3))
    for copies in (train, nearly, mirrored):
        sides = Comparison(train, comparison.holdout, copies)
        page = render([], sides)
        assert seen(page, train) == seen(page, copies) == 0
        assert page.count("looks like a real patient") == 3
        assert seen(render_comparison([Contender("bootstrap", Scored(sides))]), copies) == 0


def test_a_page_that_shows_patients_says_so(comparison: Comparison, house_page: str) -> None:
    assert seen(house_page, comparison.train) > 60
    assert house_page.count(INTERNAL) == 2
    assert "only as aggregates" not in house_page


def test_single_patients_of_genes_cannot_be_shown() -> None:
    train, holdout = split(simulate("simulated-expression", 60, 0), seed=0)
    with pytest.raises(DataError, match="single patients can be shown of images only"):
        render([], Comparison(train, holdout, train), patients=True)


def test_the_sections_stand_in_their_order(plain_page: str, house_page: str) -> None:
    titles = ["images", "means", "patients", "sharpness", "colours"]
    assert re.findall(r'<section id="(\w+)"', plain_page)[1:6] == titles
    assert re.findall(r'<section id="(\w+)"', house_page)[1:7] == ["images", "neighbours", *titles[1:]]
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", plain_page))
    assert facts["Images"] == "28 × 28 pixels, colour"


def test_means_rest_on_five_patients(comparison: Comparison) -> None:
    train, holdout = comparison.train, comparison.holdout
    kept = np.flatnonzero(train.y != 2).tolist() + np.flatnonzero(train.y == 2)[: MINIMUM - 2].tolist()
    few = holdout.take(np.flatnonzero(holdout.y != 2).tolist() + np.flatnonzero(holdout.y == 2)[:1].tolist())
    page = render([], Comparison(train.take(kept), few, comparison.synthetic))
    assert page.count('alt="mean of real') == 2
    assert page.count('alt="mean of synthetic') == 3
    assert page.count('class="px empty"') == 1
    # one more patient, and the mean is there
    page = render([], Comparison(train.take([*kept, int(np.flatnonzero(train.y == 2)[-1])]), few, comparison.synthetic))
    assert page.count('alt="mean of real') == 3


def test_a_mean_of_copies_of_one_patient_is_that_patient_and_not_shown(comparison: Comparison) -> None:
    train = comparison.train
    one = np.flatnonzero(train.y == 1)[:1].tolist()
    others = np.flatnonzero(train.y == 0)[: MINIMUM - 1].tolist()
    page = render([], Comparison(train, comparison.holdout, train.take(one * 30 + others)))
    assert 'alt="mean of synthetic' not in page
    assert seen(page, train) == 0


def test_a_mean_is_the_mean_of_train_and_holdout(comparison: Comparison, plain_page: str) -> None:
    both = np.concatenate([side.x[side.y == 0] for side in (comparison.train, comparison.holdout)])
    text = re.search(r'base64,([^"]+)" alt="mean of real basophil"', plain_page)
    assert text
    drawn = np.asarray(Image.open(BytesIO(base64.b64decode(text[1]))))
    assert np.array_equal(drawn, np.rint(both.mean(axis=0)).astype(np.uint8))


def test_the_difference_is_transparent_where_nothing_differs(comparison: Comparison) -> None:
    page = render([], Comparison(comparison.train, comparison.holdout, comparison.train))
    gaps = [picture for picture in pictures(page) if picture.shape[-1] == 4]
    assert len(gaps) == 3
    darker = replace(comparison.synthetic, x=np.maximum(comparison.synthetic.x, 60) - 60)
    page = render([], Comparison(comparison.train, comparison.holdout, darker))
    found = np.stack([picture for picture in pictures(page) if picture.shape[-1] == 4])
    assert (found[..., :3] == (213, 94, 0)).all(axis=-1).mean() > 0.95
    assert found[..., 3].mean() > 2 * np.stack(gaps)[..., 3].mean()


def figure(name: str, **detail: Any) -> Estimate:
    return Estimate(name, 0.5, 0.4, 0.6, 0.5, 0.0, "higher", "ok", detail, "fidelity", "What it is.", "Somebody 2020")


def test_figures_of_classes_stand_beside_the_real_ones(comparison: Comparison) -> None:
    rows = [
        {"class": "erythroblast", "value": 0.3, "reference": 1.02},
        {"class": "basophil", "value": 0.9, "reference": None},
        {"class": "eosinophil", "value": None, "reference": 1.0},
    ]
    counts = [[6, 2, 0], [0, 0, 0], [1, 0, 9]]
    page = render([figure("class_diversity", by_class=rows), figure("trts", confusion=counts)], comparison)
    section = page[page.index('<section id="within"') :]
    dots, heat = (plot["data"] for plot in list(plots(section))[:2])
    assert [(dot["name"], dot["x"], dot["y"]) for dot in dots] == [
        ("synthetic", [0.9], [0]),
        ("real against real", [1.02], [1]),
        ("synthetic", [0.3], [1]),
    ]
    assert heat[0]["z"] == [[0.75, -0.25, 0], [-0.1, 0, 0.9]]
    assert heat[0]["text"] == [["75", "25", ""], ["10", "", "90"]]
    assert heat[0]["customdata"][1][0] == "erythroblast, predicted basophil: 10.0 %"


def test_labels_with_markup_are_text(comparison: Comparison) -> None:
    names = ("A", "B & C", POISON)
    sides = Comparison(
        *(replace(getattr(comparison, side), classes=names) for side in ("train", "holdout", "synthetic"))
    )
    for page in (
        render([figure("trts", confusion=np.eye(3).tolist(), by_class=[{"class": POISON, "value": 1.0}])], sides),
        render([], sides, patients=True),
        render_comparison([Contender(POISON, Scored(sides))]),
    ):
        shell = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
        assert "<img src=x" not in shell
        assert page.count("</script>") == page.count("<script")
        assert "B &amp; C" in shell


def test_grey_images_have_a_page_too(comparison: Comparison) -> None:
    sides = Comparison(*(grey(getattr(comparison, side)) for side in ("train", "holdout", "synthetic")))
    page = render([], sides)
    assert "28 × 28 pixels, grey" in page
    assert {"Brightness", "Contrast", "Detail"} <= set(re.findall(r"<figcaption><b>([^<]*)</b>", page))
    assert seen(page, sides.train) == 0
    assert seen(page, sides.synthetic) > 60


def test_plotly_accepts_the_curves(plain_page: str) -> None:
    import plotly.graph_objects as go

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return "#123456" if isinstance(value, str) and value.startswith(("theme:", "fill:")) else value

    found = list(plots(plain_page))
    assert len(found) == 10
    for plot in found:
        go.Figure(plain(plot))


def test_few_patients_have_no_curves(comparison: Comparison) -> None:
    few = Comparison(comparison.train.take([0, 1]), comparison.holdout.take([0, 1]), comparison.synthetic)
    page = render([], few)
    assert not list(plots(page))
    assert page.count(f"Fewer than {MINIMUM} real patients") == 2
    assert 'alt="mean of real' not in page


def test_blur_lowers_the_curve_and_noise_raises_it(comparison: Comparison) -> None:
    made = comparison.synthetic
    soft = np.mean([np.roll(made.x, step, axis) for axis in (1, 2) for step in (-1, 0, 1)], axis=0)
    rough = made.x + np.random.default_rng(0).normal(0, 25, made.x.shape)
    ends = []
    for x in (soft, made.x, rough):
        changed = replace(made, x=np.clip(x, 0, 255).astype(np.uint8))
        panel = sharpness(sides(Comparison(comparison.train, comparison.holdout, changed)), made.classes).panels[1]
        ends.append([trace["y"][-1] for trace in panel.data if trace.get("legendgroup") == "basophil"][0])
    assert ends[0] < 0.5
    assert ends[1] == pytest.approx(1, abs=0.4)
    assert ends[2] > 2


def test_the_most_suspicious_come_first() -> None:
    rng = np.random.default_rng(0)
    train, holdout = (rng.normal(size=(60, 8)).astype(np.float32) for _ in range(2))
    made = rng.normal(size=(40, 8)).astype(np.float32)
    made[7], made[11] = train[3], train[5] + np.float32(0.01)
    made[20] = holdout[9]
    found = suspects([made], train, [holdout])
    assert found.synthetic[:2].tolist() == [7, 11]
    assert found.train[:2].tolist() == [3, 5]
    assert found.to_train[0] == 0
    assert found.to_train[1] == pytest.approx(0.01, rel=1e-3)
    assert found.synthetic[-1] == 20
    assert found.holdout[-1] == 9
    assert np.allclose(found.ratio[:-1], found.to_train[:-1] / found.to_holdout[:-1])
    assert (np.diff(found.ratio) >= 0).all()
    slow = np.sqrt(((made[:, None] - train) ** 2).mean(axis=2)).min(axis=1)
    assert np.allclose(np.sort(found.to_train), np.sort(slow), atol=1e-6)
    to_rest = np.sqrt(((holdout[:, None] - holdout) ** 2).mean(axis=2)) + np.diag(np.full(60, np.inf))
    to_train = np.sqrt(((holdout[:, None] - train) ** 2).mean(axis=2))
    assert found.bar == pytest.approx(np.quantile(to_train.min(axis=1) / to_rest.min(axis=1), 0.01), rel=1e-4)


def test_with_eyes_there_are_panels_by_what_they_see(comparison: Comparison) -> None:
    def fixed(x: NDArray[np.uint8]) -> NDArray[np.float32]:
        means: NDArray[np.float32] = x.mean(axis=(1, 2)).astype(np.float32)
        return means

    def learn(*_: Any) -> Any:
        raise AssertionError("the page must not train anything")

    x = comparison.synthetic.x.copy()
    x[17] = comparison.train.x[4][::-1]  # the same colours, whatever the places
    sides = (comparison.train, comparison.holdout, replace(comparison.synthetic, x=x))
    page = render([], Comparison(*sides, image_models=ImageModels(fixed, "0" * 64, learn)), patients=True)
    section = page[page.index("By features of a fixed network") :]
    first = pictures(section[: section.index("2. ratio")])
    assert np.array_equal(first[0], x[17])
    assert np.array_equal(first[1], comparison.train.x[4])  # as it is
    assert "the features of a network with fixed random weights" in section


def test_panels_show_the_copy_first(comparison: Comparison) -> None:
    made = comparison.synthetic
    x = made.x.copy()
    x[17] = np.rot90(comparison.train.x[4])[::-1]
    page = render([], Comparison(comparison.train, comparison.holdout, replace(made, x=x)), patients=True)
    section = page[page.index('<section id="neighbours"') :]
    first = pictures(section[: section.index("2. ratio")])
    assert np.array_equal(first[0], x[17])
    assert np.array_equal(first[1], x[17])  # turned to fit
    assert "1. ratio <b>0.00<" in section


def test_the_page_stays_small() -> None:
    train, holdout = split(simulate("simulated-cells", 500, 0), seed=0)
    sides = Comparison(train, holdout, simulate("simulated-cells", 450, 1))
    assert len(render([], sides, patients=True).encode()) < 8_000_000
    assert each_of(8) * 8 <= 320
    assert [each_of(k) for k in (1, 2, 8, 12, 40, 400)] == [48, 48, 32, 16, 8, 1]


class Scored(list[Estimate]):
    """A scorecard that knows what it was measured on, as `Report` does."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__()
        self.comparison = comparison


def test_families_stand_side_by_side(comparison: Comparison) -> None:
    without = comparison.synthetic.take(comparison.synthetic.y != 1)
    rows = [
        Contender("gan", Scored(comparison)),
        Contender("vae", Scored(Comparison(comparison.train, comparison.holdout, without))),
    ]
    page = render_comparison(rows)
    table = re.search(r'<table class="beside">.*?</table>', page, flags=re.DOTALL)
    assert table
    assert len(pictures(table[0])) == 5 * 6
    assert "No synthetic image of this class" in table[0]
    assert seen(page, comparison.train) == seen(page, comparison.holdout) == 0


def test_a_sheet_shows_classes_in_rows_and_cohorts_side_by_side() -> None:
    first, second = cells(60, 0), cells(60, 1)
    second = second.take(second.y != 1)
    image = np.asarray(Image.open(BytesIO(sheet({"real": first, "vae": second}, 4, scale=1))))
    assert image.shape[2] == 3

    def places(cohort: Cohort) -> list[tuple[int, int, int]]:
        """Class, and where on the sheet (down, across), of each image of the cohort that is there."""
        found = []
        height, width = image.shape[0] - 27, image.shape[1] - 27
        for picture, label in zip(cohort.x, cohort.y, strict=True):
            for y, x in np.argwhere((image[:height, :width] == picture[0, 0]).all(axis=-1)).tolist():
                if np.array_equal(image[y : y + 28, x : x + 28], picture):
                    found.append((int(label), y, x))
        return found

    left, right = places(first), places(second)
    assert [sum(c == label for c, *_ in left) for label in range(3)] == [4, 4, 4]
    assert [sum(c == label for c, *_ in right) for label in range(3)] == [4, 0, 4]
    rows = {label: {y for c, y, _ in left + right if c == label} for label in range(3)}
    assert [len(heights) for heights in rows.values()] == [1, 1, 1]
    assert sorted(rows.values(), key=min) == list(rows.values())
    assert max(x for *_, x in left) < min(x for *_, x in right)


def test_a_sheet_refuses_what_it_cannot_show() -> None:
    with pytest.raises(DataError, match="needs a cohort"):
        sheet({}, 4)
    with pytest.raises(DataError, match="genes is expression data"):
        sheet({"cells": cells(20, 0), "genes": simulate("simulated-expression", 20, 0)}, 2)


def test_choices_are_the_same_every_time(comparison: Comparison) -> None:
    again = Comparison(comparison.train, comparison.holdout, comparison.synthetic)
    assert [a.rows.tolist() for a in presentable(again, 5)] == [b.rows.tolist() for b in presentable(comparison, 5)]
    assert sheet({"a": comparison.train}, 3) == sheet({"a": comparison.train}, 3)
