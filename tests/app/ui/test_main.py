"""The entry script: every page is offered, and no folder beside it makes Streamlit offer others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit.testing.v1 import AppTest

from tests.app.ui.conftest import PAGES

if TYPE_CHECKING:
    from pathlib import Path

MAIN = PAGES / "main.py"


def test_the_app_begins_with_the_cohorts(runs: Path) -> None:
    shown = AppTest.from_file(MAIN, default_timeout=60).run()
    assert not shown.exception
    assert [title.value for title in shown.title] == ["Cohorts"]


def test_streamlit_finds_no_pages_of_its_own() -> None:
    assert not (MAIN.parent / "pages").exists()
