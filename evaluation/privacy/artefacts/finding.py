"""`ArtefactFinding`: patient data found in a file, or what may be some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["fail", "note"]


@dataclass(frozen=True)
class ArtefactFinding:
    """Patient data found in a file, or what may be some.

    Attributes:
        what: count and kind in words; never the value itself.
        where: file, and place in it.
        severity: "fail" where the file must not be released outside the institution, "note" where a person must judge.
    """

    what: str
    where: str
    severity: Severity
