"""Digests of files: of a file, of everything under a folder, and one over several."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cohortsmith.data.io import sha256

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def file_hashes(path: Path) -> dict[str, str]:
    """SHA-256 of a file, or of every file under a folder, by its name there."""
    if path.is_file():
        return {path.name: sha256(path)}
    return {
        entry.relative_to(path.parent).as_posix(): sha256(entry) for entry in sorted(path.rglob("*")) if entry.is_file()
    }


def digest_of(hashes: Mapping[str, str]) -> str:
    """One SHA-256 over the hashes of several files and their names."""
    lines = [f"{digest}  {name}" for name, digest in sorted(hashes.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
