"""Atomic writing: files and folders appear under their final name only when complete."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cohortsmith.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Temporary path beside `target`, renamed to it when the block succeeds and removed otherwise.

    Raises:
        DataError: the folder is missing or not writable, or the disk is full.
    """
    temporary = _beside(target)
    try:
        yield temporary
        with open(temporary, "r+b") as done:
            os.fsync(done.fileno())
        os.replace(temporary, target)
    except OSError as error:
        # pyarrow and HDF5 wrap the system's message in their own, with paths
        reason = os.strerror(error.errno) if error.errno else "the write failed; is the disk full?"
        raise DataError(f"cannot write {target.name}: {reason}; the previous file is unchanged") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Temporary folder beside `target`, renamed to it when the block succeeds and removed otherwise.

    Raises:
        DataError: the target exists already, its parent folder is missing, or the disk is full.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise DataError(
            f"{target.name} exists already and is not an empty folder; choose another name, or remove it first"
        )
    temporary = _beside(target)
    try:
        temporary.mkdir()
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "the write failed; is the disk full?"
        raise DataError(f"cannot write {target.name}: {reason}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _beside(target: Path) -> Path:
    if not target.parent.is_dir():
        raise DataError(
            f"cannot write {target.name}: the folder {str(target.parent)!r} does not exist; create it first"
        )
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")
