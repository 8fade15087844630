"""Colours by their role, in light and dark: those of the report (`evaluation.page`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "paper": "#fcfcfa", "card": "#ffffff", "ink": "#1d2430", "muted": "#667080", "line": "#e3e5e8", "soft": "#f3f4f2",
    "accent": "#0b4f7d", "button": "#0b4f7d", "good": "#00795a", "mid": "#8a6a00", "poor": "#b65000", "bad": "#b3261e",
    "real": "#737b87", "synthetic": "#0072b2", "chance": "#b65000", "low": "#d55e00", "high": "#0072b2",
}  # fmt: skip
DARK: Mapping[str, str] = {
    "paper": "#14171c", "card": "#1b1f26", "ink": "#e6e8eb", "muted": "#9aa3af", "line": "#2e343d", "soft": "#222730",
    "accent": "#8cc8f0", "button": "#3a89c2", "good": "#4cc9a1", "mid": "#e2bd4a", "poor": "#f0935a", "bad": "#ff8a7d",
    "real": "#a9b1bc", "synthetic": "#56b4e9", "chance": "#f0935a", "low": "#f08a3c", "high": "#56b4e9",
}  # fmt: skip
