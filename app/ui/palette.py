"""Colours by their role, in light and dark: those of the report, and one for buttons with white words on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cohortsmith.evaluation.plots import THEMES

if TYPE_CHECKING:
    from collections.abc import Mapping

LIGHT: Mapping[str, str] = {**THEMES["light"], "button": "#0b4f7d"}
DARK: Mapping[str, str] = {**THEMES["dark"], "button": "#2a78b5"}
