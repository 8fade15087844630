"""Colours by name become those of the theme, and words of the data never do."""

from __future__ import annotations

from markupsafe import Markup

from cohortsmith.evaluation.html.layout import fragment
from cohortsmith.evaluation.plots.panels import DIVERGING, INK, REAL, axis
from cohortsmith.evaluation.plots.themes import THEMES, resolved, variables


def test_both_themes_name_the_same_colours() -> None:
    assert THEMES["light"].keys() == THEMES["dark"].keys()
    assert "prefers-color-scheme" in variables()
    assert "prefers-color-scheme" not in variables("dark")
    assert THEMES["dark"]["paper"] in variables("dark")


def test_names_of_colours_are_replaced_and_words_are_not() -> None:
    trace = {
        "marker": {"color": [INK, "#123456"]},
        "fillcolor": f"fill:{REAL}",
        "colorscale": DIVERGING,
        "name": INK,
        "text": [INK, "fill:x"],
    }
    dark = resolved(trace, "dark")
    assert dark["marker"]["color"] == [THEMES["dark"]["ink"], "#123456"]
    assert dark["fillcolor"].startswith("rgba(169, 177, 188")
    assert [place for place, _ in dark["colorscale"]] == [0, 0.5, 1]
    assert dark["name"] == INK
    assert dark["text"] == [INK, "fill:x"]
    assert resolved(axis("theme:odd"), "light")["title"]["text"] == "theme:odd"


def test_a_fragment_has_one_theme_one_script_and_no_network() -> None:
    page = fragment(Markup("<p>here</p>"), "dark")
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-" in page
    assert THEMES["light"]["paper"] not in page
    assert page.count("<script") == 1
