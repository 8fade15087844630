"""The samples of a run as files: only those that are read as its cohort, as regular files, copied before the audit."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from cohortsmith.data import DataError
from cohortsmith.data.io import IMAGE_TABLE, png_files, sha256

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BLOCK = 1 << 20


def files_of(samples: Path) -> list[Path]:
    """The files that a cohort is read from: the file itself, or images and their table in a folder.

    Raises:
        DataError: a symbolic link, a hidden file, or anything else that is not read as the cohort, by its name.
    """
    if samples.is_symlink():
        raise DataError(f"{samples.name} is a symbolic link, whose target may change; put the file itself in its place")
    if samples.is_file():
        return [samples]
    wanted = {*png_files(samples), samples / IMAGE_TABLE}
    found = []
    for folder, folders, files in os.walk(samples):
        for name in sorted((*folders, *files)):
            path = samples.__class__(folder, name)
            where = path.relative_to(samples.parent).as_posix()
            if path.is_symlink():
                raise DataError(f"{where} is a symbolic link; put the file itself in its place, or remove it")
            if name.startswith("."):
                raise DataError(f"{where} is hidden and is not read as part of the cohort; remove it")
            if name in folders:
                if not any(path.iterdir()):
                    raise DataError(f"{where} is an empty folder and no part of the cohort; remove it")
            elif path not in wanted or not path.is_file():
                raise DataError(f"{where} is not read as part of the cohort; remove it from the samples")
            else:
                found.append(path)
    return sorted(found)


def copied(samples: Path, folder: Path) -> Path:
    """Copy the samples into a folder, and give their place there.

    Raises:
        DataError: as `files_of`.
    """
    for path in files_of(samples):
        target = folder / path.relative_to(samples.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(path, target)
    return folder / samples.name


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


def _copy(path: Path, target: Path) -> None:
    """Copy the content of a regular file; a link put in its place meanwhile is not followed."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(number, "rb") as source, target.open("xb") as copy:
        while block := source.read(_BLOCK):
            copy.write(block)
