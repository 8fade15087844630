"""Pages Utility and Founding studies: verdicts, figures and tables of a grid, and every state of its folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.app.founding.systems import SYSTEMS
from cohortsmith.app.grid.results import write_rows
from tests.app.ui.looking import framed_words, plots, said
from tests.evaluation.utility_rows import rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd
    from streamlit.testing.v1 import AppTest

    Page = Callable[..., AppTest]

STUDY = {"supervised": (0.30, ""), "small-cnn": (0.12, ""), "simclr-bnf": (0.20, "simclr")}
VIRTUAL = {(family, ratio, "labelled"): -0.04 for family in ("diffusion", "mvn") for ratio in ("1", "2")}


def write_grid(runs: Path, table: pd.DataFrame | None, place: str = "grid", **facts: Any) -> Path:
    """Folder of a grid, with its results where there are any."""
    folder = runs / place
    folder.mkdir()
    known: dict[str, Any] = {"name": place, "classifiers": {}, "fusions": {}, "data": {}}
    (folder / "grid.json").write_text(json.dumps(known | facts), encoding="utf-8")
    if table is not None:
        write_rows(folder / "results.parquet", [{str(k): v for k, v in r.items()} for r in table.to_dict("records")])
    return folder


@pytest.fixture
def grid(runs: Path) -> Path:
    """A grid of three classifiers with two families, on two numbers of labels."""
    table = rows(STUDY, virtual=VIRTUAL, labelled={"100": 100, "full": 1000}, noise=0.002)
    return write_grid(runs, table)


def test_without_a_grid_it_says_how_to_make_one(runs: Path, page: Page) -> None:
    assert "cohortsmith utility" in said(page("utility")).replace("\\", "")


def test_the_verdict_comes_first_in_words(grid: Path, page: Page) -> None:
    shown = page("utility", "grid")
    assert not shown.exception
    words = framed_words(shown)
    assert "virtual patients Helps in" in words
    assert "Gain in accuracy over the strongest" in words or "Gains in percentage points" in words


def test_arms_are_judged_by_the_metric_of_the_grid(runs: Path, page: Page) -> None:
    write_grid(runs, rows(STUDY, virtual=VIRTUAL), metric="mean_class_accuracy")
    shown = page("utility", "grid")
    assert "chosen by mean class accuracy" in said(shown)
    assert "of mean class accuracy over" in framed_words(shown)


@pytest.mark.parametrize(
    ("view", "panels"),
    [("Gain by ratio", 3), ("Learning curves", 2), ("Gain by class", 1), ("Confusion matrix", 2)],
)
def test_pictures_of_a_grid(grid: Path, page: Page, view: str, panels: int) -> None:
    shown = page("utility", "grid", **{"utility-view": view})
    assert not shown.exception
    assert len(plots(shown)) == panels


def test_families_are_filtered(grid: Path, page: Page) -> None:
    shown = page("utility", "grid", **{"utility-view": "Gain by ratio"})
    some = shown.multiselect(key="utility-families").set_value(["mvn"]).run()
    assert not some.exception
    assert {t.get("legendgroup") for plot in plots(some) for t in plot["data"]} == {"mvn", None}


def test_every_figure_can_be_downloaded(grid: Path, page: Page) -> None:
    shown = page("utility", "grid", **{"utility-view": "All metrics"})
    assert not shown.exception
    assert "Cross- entropy" in framed_words(shown)
    assert len(shown.get("download_button")) == 1


def test_a_grid_that_runs_counts_its_arms(runs: Path, page: Page) -> None:
    folder = write_grid(runs, None)
    (folder / "rows").mkdir()
    (folder / "rows" / "one.parquet").write_bytes(b"")
    shown = page("utility", "grid")
    assert not shown.exception
    assert "not finished: 1 arms are done" in said(shown)


@pytest.mark.parametrize("broken", ["results.parquet", "grid.json"])
def test_a_broken_grid_says_so(grid: Path, page: Page, broken: str) -> None:
    (grid / broken).write_text("{", encoding="utf-8")
    shown = page("utility", "grid")
    assert not shown.exception
    assert "cannot be shown" in said(shown)


def test_what_failed_is_told(grid: Path, page: Page) -> None:
    failed = [{"stage": "classifiers", "reason": "<b>no</b> [x](javascript:alert(1))"}] * 2
    (grid / "failed.json").write_text(json.dumps(failed), encoding="utf-8")
    words = said(page("utility", "grid"))
    assert "2 jobs failed" in words
    assert "](javascript" not in words
    assert "<b>" not in words


@pytest.mark.parametrize("system", [system.name for system in SYSTEMS])
def test_each_system_says_what_it_was_and_what_answers_it(runs: Path, page: Page, system: str) -> None:
    shown = page("studies", system=system)
    assert not shown.exception
    assert "Counterpart here" in said(shown)


def test_the_thesis_stands_beside_ours(runs: Path, page: Page) -> None:
    alone = page("studies", system="Medical images, 2025")
    assert "93.48 / 92.58" in str(alone.table[-1].value.to_numpy())
    table = rows(STUDY, labelled={"quarter": 300, "full": 1000})
    write_grid(runs, table, place="images", name="images-2025")
    beside = page("studies", system="Medical images, 2025")
    assert not beside.exception
    words = framed_words(beside)
    assert "88.5" in words
    assert "margins compare, figures do not" in words


def test_the_study_of_40_sequences_is_shown(runs: Path, page: Page, one_run: Path) -> None:
    folder = runs / "founding"
    folder.mkdir()
    one_run.rename(folder / "mvn")
    facts = {
        "study": "tp53-founding",
        "sentences": ["40 patients <b>allow</b> little."],
        "families": [{"family": "mvn"}],
    }
    (folder / "study.json").write_text(json.dumps(facts), encoding="utf-8")
    curve = [
        {"curve": "alone", "of": "with activation", "step": step, "accuracy_train": 0.5, "accuracy_holdout": 0.5}
        for step in range(3)
    ]
    (folder / "curves.jsonl").write_text("\n".join(map(json.dumps, curve)), encoding="utf-8")
    shown = page("studies")
    assert not shown.exception
    assert "40 patients" in said(shown)
    assert "<b>" not in said(shown)
    assert len(plots(shown)) == 2


def test_a_study_of_another_shape_gives_a_line(runs: Path, page: Page) -> None:
    (runs / "founding").mkdir()
    (runs / "founding" / "study.json").write_text("{}", encoding="utf-8")
    shown = page("studies")
    assert not shown.exception
    assert "does not hold a study" in said(shown)
