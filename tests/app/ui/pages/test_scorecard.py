"""Page Scorecard: figures, runs side by side, worst parts, sources, and what it says of runs it cannot show."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.app.ui.looking import framed_words, plots, said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    Page = Callable[..., AppTest]


def test_without_runs_it_says_what_to_do(runs: Path, page: Page) -> None:
    shown = page("scorecard")
    assert not shown.exception
    assert "No results yet" in said(shown)


def test_every_figure_stands_with_its_interval_and_references(one_run: Path, page: Page) -> None:
    shown = page("scorecard")
    assert not shown.exception
    words = framed_words(shown)
    for part in ("Wasserstein", "Discriminator AUC", "TSTR", "Real vs real", "Chance", "How these words are chosen"):
        assert part in words


def test_a_second_run_on_the_same_patients_stands_beside_it_and_another_does_not(
    one_run: Path, runs: Path, page: Page
) -> None:
    again = runs / "again"
    shutil.copytree(one_run, again)
    other = runs / "other"
    shutil.copytree(one_run, other)
    facts = json.loads((other / "metrics.json").read_text(encoding="utf-8"))
    facts["digests"]["holdout"] = "0" * 64
    (other / "metrics.json").write_text(json.dumps(facts), encoding="utf-8")
    shown = page("scorecard", one_run.name, **{"scorecard-view": "Side by side"})
    assert not shown.exception
    assert shown.multiselect[0].options == ["mvn", "mvn, again"]
    assert "1 evaluated on other patients" in said(shown).replace("\\", "")
    assert len(plots(shown)) == 2
    assert "mvn, again" in framed_words(shown)


def test_one_run_alone_asks_for_another(one_run: Path, page: Page) -> None:
    shown = page("scorecard", one_run.name, **{"scorecard-view": "Side by side"})
    assert "Choose at least two runs" in said(shown)


def test_worst_genes_and_classes_are_searched(one_run: Path, page: Page) -> None:
    shown = page("scorecard", one_run.name, **{"scorecard-view": "Worst features"})
    assert not shown.exception
    table = shown.dataframe[0].value
    gaps = table["Synthetic"] - table["Real against real"]
    assert gaps.is_monotonic_decreasing
    name = str(table["Gene"].iloc[0])
    found = shown.text_input(key="worst-find").set_value(name.lower()).run()
    assert set(found.dataframe[0].value["Gene"]) == {name}


def test_every_figure_is_explained_with_its_source(one_run: Path, page: Page) -> None:
    shown = page("scorecard", one_run.name, **{"scorecard-view": "What each metric means"})
    told = [line.value for line in shown.markdown if "Source:" in line.value]
    assert len(told) == 4
    assert all("](https://scholar.google.com/scholar?q=" in line for line in told)


@pytest.mark.parametrize("content", ["{", '{"metrics": [{"name": 3}]}', '{"metrics": []}'])
def test_damaged_figures_give_a_line(one_run: Path, page: Page, content: str) -> None:
    (one_run / "metrics.json").write_text(content, encoding="utf-8")
    shown = page("scorecard", one_run.name)
    assert not shown.exception
    assert shown.error or shown.info
    assert not shown.get("iframe")


def test_a_grid_is_no_scorecard(runs: Path, page: Page) -> None:
    (runs / "grid").mkdir()
    (runs / "grid" / "grid.json").write_text("{}", encoding="utf-8")
    assert "Choose another one in the sidebar" in said(page("scorecard", "grid")).replace("\\", "")
