"""The page Glossary: every term with its source, and a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cohortsmith.evaluation.core import GLOSSARY
from tests.app.ui.looking import said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    Page = Callable[..., AppTest]


def test_every_term_is_explained_and_found(runs: Path, page: Page) -> None:
    shown = page("glossary")
    assert not shown.exception
    assert len(shown.markdown) == len(GLOSSARY)
    shown.text_input[0].input("domias").run()
    assert 1 <= len(shown.markdown) < len(GLOSSARY)
    assert "membership" in said(shown).lower()
    shown.text_input[0].input("no such term").run()
    assert "No term matches" in said(shown)
