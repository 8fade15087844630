"""Names of alignment columns: positions of a reference ('97') and insertions after one ('97+1'), and a compact form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cohortsmith.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NAME = re.compile(r"(\d+)(?:\+([1-9]\d*))?")
_RUN = re.compile(r"(\d+)(?:\+([1-9]\d*))?(?:-(\d+))?")
_MOST = 1 << 22  # columns that a compact form may expand to


def place_of(name: str) -> tuple[int, int]:
    """Sort key of a column: position, and number of the inserted base (0 for the position itself).

    Raises:
        DataError: not the name of an alignment column.
    """
    hit = _NAME.fullmatch(name)
    if hit is None:
        raise DataError(f"{name!r} is not an alignment column; expected a position (97) or an insertion (97+1)")
    return int(hit[1]), int(hit[2] or 0)


def is_inserted(name: str) -> bool:
    """Whether a column is an insertion, which the reference lacks."""
    return "+" in name


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The columns in order along the reference, each once."""
    return tuple(sorted(set(names), key=place_of))


def numbered(length: int, first: int = 1) -> tuple[str, ...]:
    """Names of consecutive positions."""
    return tuple(str(p) for p in range(first, first + length))


def compact(names: Sequence[str]) -> str:
    """Compact form of the columns: '97-300,300+1-3,301-1375'.

    Raises:
        DataError: a name that is not an alignment column.
    """
    runs: list[list[int]] = []  # position, number of the inserted base, columns
    for position, inserted in map(place_of, names):
        if runs:
            begin, start, count = runs[-1]
            following = (begin, start + count) if start else (begin + count, 0)
            if (position, inserted) == following:
                runs[-1][2] += 1
                continue
        runs.append([position, inserted, 1])
    return ",".join(_run(*run) for run in runs)


def expand(text: str) -> tuple[str, ...] | None:
    """The columns of a compact form as `compact` writes it; None when the text is not one."""
    names: list[str] = []
    for part in text.split(","):
        hit = _RUN.fullmatch(part)
        if hit is None:
            return None
        position, inserted = int(hit[1]), int(hit[2] or 0)
        begin = inserted or position
        end = int(hit[3] or begin)
        if end < begin or end - begin + len(names) > _MOST:
            return None
        names += [f"{position}+{k}" if inserted else str(k) for k in range(begin, end + 1)]
    return tuple(names) if list(in_order(names)) == names else None


def _run(position: int, inserted: int, count: int) -> str:
    head = f"{position}+{inserted}" if inserted else str(position)
    return head if count == 1 else f"{head}-{(inserted or position) + count - 1}"
