"""Words are legible and buttons are seen, in both themes: the contrasts that WCAG 2.2 asks for (1.4.3 and 1.4.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cohortsmith.app.ui.palette import DARK, LIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping

THEMES = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour `#rrggbb`, as WCAG defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_black_and_white_is_that_of_the_definition() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@THEMES
def test_words_stand_out(colours: Mapping[str, str]) -> None:
    assert contrast("#ffffff", colours["button"]) >= 4.5
    for ground in ("paper", "card", "soft"):
        for words in ("ink", "muted", "good", "mid", "poor", "bad", "accent"):
            assert contrast(colours[words], colours[ground]) >= 4.5, (words, ground)


@THEMES
def test_a_button_stands_out_from_the_page(colours: Mapping[str, str]) -> None:
    assert contrast(colours["button"], colours["paper"]) >= 3
