"""Files and folders that appear under their name only when they are whole."""

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
    """Temporary path beside `target`, renamed to it when the block ends well and removed when it does not.

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
        # pyarrow and HDF5 put their own words, and paths, around the system's
        reason = os.strerror(error.errno) if error.errno else "the write failed; is the disk full?"
        raise DataError(f"cannot write {target.name}: {reason}; what stood there before is unchanged") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Temporary folder beside `target`, renamed to it when the block ends well and removed when it does not.

    Raises:
        DataError: something stands there already, the folder around it is missing, or the disk is full.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise DataError(f"{target.name} is there already, and is no empty folder; name another, or remove it first")
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
        raise DataError(f"cannot write {target.name}: the folder {str(target.parent)!r} does not exist; make it first")
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")
