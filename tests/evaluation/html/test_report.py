"""The report: one file, no network, no single patient, nothing of the data that could run as code."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data.cohort import Cohort
from cohortsmith.evaluation.core.estimate import Estimate
from cohortsmith.evaluation.html.report import Contender, render, render_comparison
from cohortsmith.evaluation.spaces.comparison import Comparison

if TYPE_CHECKING:
    from collections.abc import Sequence

GENES = tuple(f"G{i}" for i in range(12))
POISON = '</script><img src=x onerror="alert(1)">'
BY_CLASS = [{"class": "A", "value": 0.91, "reference": 0.95}, {"class": "B", "value": 0.87, "reference": None}]
SIZES = {"train": 120, "holdout": 60, "synthetic": 120}


def cohort(n: int, seed: int, *, genes: Sequence[str] = GENES, classes: Sequence[str] = ("A", "B")) -> Cohort:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % len(classes)
    x = rng.normal(8, 1, (n, len(genes))) + y[:, None] * np.linspace(0, 2, len(genes))
    ids = [f"patient-{seed}-{i}" for i in range(n)]
    return Cohort(
        kind="expression",
        x=x.astype(np.float32),
        y=y.astype(np.int64),
        classes=tuple(classes),
        features=tuple(genes),
        subjects=np.asarray(ids, dtype=np.str_),
        obs=pd.DataFrame(index=ids),
        provenance={"scale": "log"},
    )


def comparison(**more: Any) -> Comparison:
    train, holdout, synthetic = (cohort(n, seed, **more) for seed, n in enumerate(SIZES.values()))
    return Comparison(train, holdout, synthetic)


def estimate(name: str = "tstr", value: float | None = 0.9, **more: Any) -> Estimate:
    given: dict[str, Any] = {
        "low": None if value is None else value - 0.02,
        "high": None if value is None else value + 0.02,
        "reference": 0.95,
        "chance": 0.5,
        "direction": "higher",
        "status": "ok",
        "detail": {},
        "group": "utility",
        "explanation": "Accuracy on real patients.",
        "source": "Somebody 2020",
    } | more
    return Estimate(name=name, value=value, **given)


def without_scripts(page: str) -> str:
    """What the page says by itself, Plotly's and our own code left out; data for the plots stay."""
    return re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def plots(page: str) -> list[dict[str, Any]]:
    found = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, flags=re.DOTALL)
    return [json.loads(text) for text in found]


@pytest.fixture(scope="module")
def whole_page() -> str:
    estimates = [
        estimate(detail={"by_class": BY_CLASS}),
        estimate(
            "domias_auc", None, group="privacy", status="not evaluable: needs 100 patients a side, holdout has 60"
        ),
    ]
    return render(estimates, comparison(), history=[{"step": s, "loss": 1 / s} for s in range(1, 60)], title="A title")


def test_the_report_is_one_file_that_asks_nothing_of_the_network(whole_page: str) -> None:
    shell = without_scripts(whole_page)
    assert not re.search(r"(?:https?:)?//[a-z]", shell)
    assert not re.search(r"<link|<iframe|@import|url\(", shell)
    assert "default-src 'none'" in shell


def test_plotly_stands_in_the_report_once_and_the_file_stays_small(whole_page: str) -> None:
    assert whole_page.count("plotly.js v") == 1
    assert len(whole_page.encode()) < 6_000_000


def test_the_policy_names_exactly_the_scripts_of_the_page(whole_page: str) -> None:
    import base64
    import hashlib

    scripts = re.findall(r"<script>(.*?)</script>", whole_page, flags=re.DOTALL)
    hashes = {f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}" for text in scripts}
    assert hashes == set(re.findall(r"sha256-[A-Za-z0-9+/=]+", whole_page.split("<style>")[0]))


def test_a_figure_that_could_not_be_measured_is_shown_with_its_reason(whole_page: str) -> None:
    row = re.search(r'<tr class="off">.*?</tr>', whole_page, flags=re.DOTALL)
    assert row
    assert "needs 100 patients a side, holdout has 60" in row.group()
    assert "nan" not in row.group().lower().replace("explanation", "")


def test_each_class_has_its_row_of_utility(whole_page: str) -> None:
    table = re.search(r'<section id="classes">.*?</section>', whole_page, flags=re.DOTALL)
    assert table
    assert re.findall(r'<td class="n">([^<]+)</td>', table.group()) == [
        *"60 30 60 0.910 0.950 – 60 30 60 0.870 – –".split()
    ]


def test_the_report_never_promises_anonymity(whole_page: str) -> None:
    assert "anonym" not in without_scripts(whole_page).lower()


@pytest.mark.parametrize("where", ["genes", "classes", "title", "facts", "estimate", "history"])
def test_a_name_with_markup_is_shown_as_text_wherever_it_comes_from(where: str) -> None:
    more: dict[str, Any] = {}
    if where == "genes":
        more["genes"] = (POISON, *GENES[1:])
    if where == "classes":
        more["classes"] = ("A", POISON)
    sides = comparison(**more)
    given = estimate(detail={"by_class": BY_CLASS})
    if where == "estimate":
        given = replace(
            given,
            name=POISON,
            explanation=POISON,
            source=POISON,
            detail={"by_class": [{"class": POISON, "value": None}]},
        )
    history = [{"step": float(s), POISON if where == "history" else "loss": 1.0 / s} for s in range(1, 9)]
    page = render(
        [given, replace(given, name="other", value=None, status=f"not evaluable: {POISON}")],
        sides,
        history=history,
        title=POISON if where == "title" else "title",
        facts={POISON: POISON} if where == "facts" else None,
    )
    assert "<img" not in without_scripts(page)
    assert page.count("</script>") == page.count("<script")
    for text in re.findall(r'"(?:text|name|title)":"([^"]*)"', json.dumps(plots(page))):
        assert "<" not in text


def test_a_link_may_not_leave_the_page(tmp_path: object) -> None:
    rows = [
        Contender("gan", [estimate()], link="javascript:alert(1)"),
        Contender("vae", [estimate()], link="https://elsewhere.example/report.html"),
        Contender("mvn", [estimate()], link="mvn/report.html"),
    ]
    assert re.findall(r'href="([^#"]*)"', without_scripts(render_comparison(rows))) == ["mvn/report.html"]


def test_points_are_synthetic_patients_and_no_sample_id_is_written(whole_page: str) -> None:
    sides = comparison()
    drawn = [t for plot in plots(whole_page) for t in plot["data"] if t.get("mode") == "markers" and "text" not in t]
    assert sum(len(trace["x"]) for trace in drawn) == len(sides.synthetic)
    ids = set(sides.train.subjects) | set(sides.holdout.subjects)
    assert not any(name in whole_page for name in ids)


def test_plots_are_what_plotly_accepts(whole_page: str) -> None:
    import plotly.graph_objects as go

    colours = {"theme:diverging": "RdBu"}

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        if isinstance(value, str) and value.startswith(("theme:", "fill:")):
            return colours.get(value, "#123456")
        return value

    found = plots(whole_page)
    assert len(found) >= 12
    for plot in found:
        go.Figure(plain(plot))


def test_a_cohort_too_small_to_aggregate_gets_a_report_without_pictures_of_patients() -> None:
    sides = Comparison(cohort(8, 0), cohort(6, 1), cohort(8, 2))
    page = render([estimate()], sides)
    assert not [t for plot in plots(page) for t in plot["data"] if t["type"] in ("contour", "heatmap")]
    assert "Too few patients" in unescape(page)


def test_families_side_by_side_show_every_figure_and_the_nearest_to_real() -> None:
    attack: dict[str, Any] = {"direction": "lower", "group": "privacy", "reference": 0.5}
    told: dict[str, Any] = {"direction": "lower", "group": "fidelity", "reference": 0.5}
    rows = [
        Contender(
            name,
            [
                estimate("tstr_accuracy", tstr),
                estimate("gan_leaks_auc", auc, **attack),
                estimate("discriminator_auc", d, **told),
            ],
            facts={"Fit": f"{auc} s"},
        )
        for name, tstr, auc, d in (
            ("diffusion", 0.93, 0.51, 0.58),
            ("bootstrap", 0.94, 0.99, 0.5),
            ("mvn", 0.9, 0.52, 0.8),
        )
    ]
    page = render_comparison(rows)
    best = re.findall(r'<b class="best">([\d.]+)</b>', page)
    assert sorted(best) == ["0.500", "0.510", "0.940"]
    points = plots(page)[0]["data"]
    assert [(p["name"], p["x"], p["y"]) for p in points] == [
        ("diffusion", [0.51], [0.93]),
        ("bootstrap", [0.99], [0.94]),
        ("mvn", [0.52], [0.9]),
    ]


def test_every_link_to_the_glossary_finds_its_term(whole_page: str) -> None:
    for page in (whole_page, render_comparison([Contender("mvn", [estimate("domias_auc"), estimate()])])):
        shell = without_scripts(page)
        linked = set(re.findall(r'href="#([\w-]+)"', shell))
        ids = re.findall(r' id="([\w-]+)"', shell)
        assert linked <= set(ids)
        assert len(ids) == len(set(ids))
        assert {"glossary", "glossary-tstr", "glossary-holdout"} <= set(ids)
