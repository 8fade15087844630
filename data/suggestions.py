"""Suggestions for misspelled names."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def close_names(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Names in `known` that look like `name`, best first, ignoring case."""
    by_fold: dict[str, str] = {}
    for candidate in known:
        by_fold.setdefault(candidate.casefold(), candidate)
    close = difflib.get_close_matches(name.casefold(), by_fold, n=limit, cutoff=0.6)
    return [by_fold[fold] for fold in close]


def near_misses(name: str, known: Iterable[str], limit: int = 3) -> str:
    """`; did you mean a, b?` for an error message, or nothing when no name is near."""
    close = close_names(name, known, limit)
    return f"; did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
