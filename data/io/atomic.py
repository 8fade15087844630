"""Atomic writing: files and folders appear under their final name only when complete."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

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
    sweep(target.parent)
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
    sweep(target.parent)
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
    return target.with_name(temporary_name(target.name))


def temporary_name(name: str, ending: str = "tmp") -> str:
    """Hidden name beside `name` that tells its owner: this process on this machine."""
    return f".{name}.{_machine():08x}-{os.getpid()}.{ending}"


def sweep(folder: Path, *, again: bool = False) -> None:
    """Remove from a folder what killed processes of this machine left under temporary names, patients' values perhaps.

    Once a process and folder, or `again`. A folder that was being replaced when its owner was killed is put back.
    """
    if (folder in _swept and not again) or not folder.is_dir():
        return
    _swept.add(folder)
    for path in folder.iterdir():
        hit = _TEMPORARY.fullmatch(path.name)
        if hit is None or int(hit["machine"], 16) != _machine() or psutil.pid_exists(int(hit["pid"])):
            continue
        target = folder / hit["name"]
        with contextlib.suppress(OSError):
            if hit["ending"] == "old" and not target.exists():
                os.replace(path, target)
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<machine>[0-9a-f]{8})-(?P<pid>[0-9]{1,10})\.(?P<ending>tmp|old|lock)")
_swept: set[Path] = set()


def _machine() -> int:
    """Number of this machine by its name: another's processes in a shared folder are not known here."""
    return zlib.crc32(socket.gethostname().encode())
