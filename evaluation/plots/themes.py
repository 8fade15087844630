"""The colours of the light and of the dark page, and drawings with the names of colours replaced by them."""

from __future__ import annotations

from typing import Any, Literal

Theme = Literal["light", "dark"]

THEMES: dict[Theme, dict[str, str]] = {
    "light": {
        "paper": "#fcfcfa",
        "card": "#ffffff",
        "ink": "#1d2430",
        "muted": "#667080",
        "line": "#e3e5e8",
        "soft": "#f3f4f2",
        "accent": "#0b4f7d",
        "good": "#00795a",
        "mid": "#8a6a00",
        "poor": "#b65000",
        "bad": "#b3261e",
        "real": "#737b87",
        "synthetic": "#0072b2",
        "chance": "#b65000",
        "low": "#d55e00",
        "high": "#0072b2",
    },
    "dark": {
        "paper": "#14171c",
        "card": "#1b1f26",
        "ink": "#e6e8eb",
        "muted": "#9aa3af",
        "line": "#2e343d",
        "soft": "#222730",
        "accent": "#8cc8f0",
        "good": "#4cc9a1",
        "mid": "#e2bd4a",
        "poor": "#f0935a",
        "bad": "#ff8a7d",
        "real": "#a9b1bc",
        "synthetic": "#56b4e9",
        "chance": "#f0935a",
        "low": "#f08a3c",
        "high": "#56b4e9",
    },
}
_OPACITY: dict[Theme, float] = {"light": 0.22, "dark": 0.28}  # of a region's filling
_WORDS = ("text", "name", "ticktext", "legendgroup", "customdata")  # what came with the data is never a colour


def variables(theme: Theme | None = None) -> str:
    """CSS that names the colours of one theme, or of both by what the reader's system prefers."""
    if theme is not None:
        return f":root {{ color-scheme: {theme}; {_declared(theme)} }}"
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {_declared('dark')} }} }}"
    return f":root {{ color-scheme: light dark; {_declared('light')} }}\n{dark}"


def resolved(value: Any, theme: Theme) -> Any:
    """Traces or a layout of `panels.Panel` with colours in place of their names, as the page's script draws them."""
    if isinstance(value, str):
        return _colour(value, theme)
    if isinstance(value, dict):
        return {key: _kept(key, item, theme) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolved(item, theme) for item in value]
    return value


def _kept(key: str, item: Any, theme: Theme) -> Any:
    # A title or a label's place holds a dict with a font; as text it is a person's words.
    return item if key in _WORDS and not isinstance(item, dict) else resolved(item, theme)


def _colour(value: str, theme: Theme) -> Any:
    colours = THEMES[theme]
    if value == "theme:diverging":
        return [[0, colours["low"]], [0.5, colours["card"]], [1, colours["high"]]]
    if value.startswith("theme:"):
        return colours[value.removeprefix("theme:")]
    if value.startswith("fill:"):
        plain = _colour(value.removeprefix("fill:"), theme)
        red, green, blue = (int(plain[i : i + 2], 16) for i in (1, 3, 5))
        return f"rgba({red}, {green}, {blue}, {_OPACITY[theme]})"
    return value


def _declared(theme: Theme) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in THEMES[theme].items())
