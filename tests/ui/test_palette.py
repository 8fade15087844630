"""The app's colours are the report's."""

from app.ui.palette import DARK, LIGHT
from evaluation.themes import THEMES


def test_colours_are_those_of_the_report() -> None:
    assert THEMES["light"] == LIGHT
    assert THEMES["dark"] == DARK
