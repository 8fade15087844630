"""What is odd in a file though it can be read: names that a spreadsheet damaged, classes that look like one."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BESIDE = {".csv", ".tsv", ".txt", ".md", ".json", ".pdf", ".html"}  # notes and tables beside data
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)"
_DATE = re.compile(
    rf"\d{{1,2}}[-. ]{_MONTH}(?:[-. ]\d{{2,4}})?|{_MONTH}[-. ]\d{{1,4}}|\d{{4}}-\d\d-\d\d(?: 00:00:00)?"
    r"|\d{1,2}/\d{1,2}/\d{2,4}|\d(?:\.\d+)?e\+\d\d",
    re.IGNORECASE,
)
# Rows that STAR and HTSeq put beside the genes: reads that no gene has.
_SUMMARY = re.compile(
    r"N_(?:unmapped|multimapping|noFeature|ambiguous)"
    r"|__(?:no_feature|ambiguous|too_low_aQual|not_aligned|alignment_not_unique)"
)


def some(names: Sequence[str], most: int = 5) -> str:
    """The first names in quotation marks, and how many more."""
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def is_summary(name: str) -> bool:
    """Whether a gene's name is that of a row of totals in STAR's or HTSeq's counts."""
    return name.startswith(("N_", "__")) and _SUMMARY.fullmatch(name) is not None


def odd_genes(genes: Iterable[str], source: str) -> list[str]:
    """A warning of gene names that a spreadsheet turned into dates or numbers (Ziemann et al. 2016)."""
    damaged = [name for name in genes if not name.isalnum() and _DATE.fullmatch(name)]
    if not damaged:
        return []
    return [
        f"{source}: {len(damaged)} gene name(s) look like dates or numbers that a spreadsheet made of names such as "
        f"SEPT2 or MARCH1 ({some(damaged, 3)}); take the names from the original file"
    ]


def odd_classes(classes: Sequence[str], label: str, source: str) -> list[str]:
    """A warning of class names that differ only by letter case or blanks."""
    alike: dict[str, list[str]] = {}
    for name in classes:
        alike.setdefault("".join(name.split()).casefold(), []).append(name)
    pairs = [names for names in alike.values() if len(names) > 1]
    return [
        f"{source}: classes {', '.join(map(repr, names))} of label {label!r} differ only by letter case or blanks; "
        "they are kept apart: correct the file if they are one class"
        for names in pairs
    ]


def shown_files(folder: Path) -> list[str]:
    """Paths of the files of a folder, at any depth, but not hidden ones."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.join(place, name) for name in files if not name.startswith(".")]
    return found


def passed_over(folder: Path, read: Iterable[Path]) -> list[str]:
    """A warning of the files in a folder, at any depth, that are neither read nor notes beside the data.

    They are counted by suffix: the name of a file may be a patient's.
    """
    known = {os.fspath(path) for path in read}
    kinds: Counter[str] = Counter()
    for path in shown_files(folder):
        suffix = os.path.splitext(path)[1].lower()
        if suffix not in _BESIDE and path not in known:
            kinds[suffix or "no suffix"] += 1
    if not kinds:
        return []
    counted = ", ".join(f"{count} {suffix}" for suffix, count in sorted(kinds.items()))
    return [
        f"{folder.name}: {kinds.total()} file(s) passed over, as their format or their place is another ({counted})"
    ]
