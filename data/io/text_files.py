"""Text files, plain or gzip-compressed."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

from cohortsmith.data.io.unpacking import open_unzipped

if TYPE_CHECKING:
    from pathlib import Path


def open_text(path: Path, newline: str | None = None) -> IO[str]:
    """Open a UTF-8 text file for reading, decompressed when its name ends in .gz; `newline` as in `open`.

    Reading raises as `open_unzipped`.
    """
    if path.suffix.lower() == ".gz":
        return io.TextIOWrapper(open_unzipped(path), encoding="utf-8-sig", newline=newline)
    return open(path, encoding="utf-8-sig", newline=newline)
