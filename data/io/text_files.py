"""Text files, plain or gzip-compressed."""

from __future__ import annotations

import gzip
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def open_text(path: Path, newline: str | None = None) -> IO[str]:
    """Open a UTF-8 text file for reading, decompressed when its name ends in .gz; `newline` as in `open`."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline=newline)
    return open(path, encoding="utf-8-sig", newline=newline)
