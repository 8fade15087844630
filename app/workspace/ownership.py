"""One process at a time writes a folder of results: a second one is told, instead of spoiling the work of the first."""

from __future__ import annotations

import contextlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cohortsmith.app.terminal import is_main_process
from cohortsmith.data import DataError
from cohortsmith.data.io import sweep

try:
    import fcntl
except ImportError:  # Windows: no such locks; a second process is not noticed there
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ours: set[Path] = set()


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process: from before its work until what comes of it is in place.

    The lock is the system's on the file `.NAME.lock` beside the folder, which tells the owner's pid; it ends with its
    owner, however that ends.

    Raises:
        DataError: another process holds it.
    """
    place = folder.absolute().with_name(f".{folder.name}.lock")
    if fcntl is None or place in _ours or not is_main_process():
        yield
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    sweep(folder.parent)
    file = _locked(place, folder)
    _ours.add(place)
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        yield
    finally:
        _ours.discard(place)
        place.unlink(missing_ok=True)
        os.close(file)


def _locked(place: Path, folder: Path) -> int:
    while True:
        file = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.pread(file, 20, 0).decode(errors="replace") or "unknown"
            os.close(file)
            raise DataError(
                f"{folder} is being written by process {owner}; wait until that ends, or name another folder"
            ) from None
        with contextlib.suppress(FileNotFoundError):
            if os.stat(place).st_ino == os.fstat(file).st_ino:
                return file
        os.close(file)  # its owner has just removed it
