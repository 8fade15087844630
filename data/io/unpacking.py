"""How much a file may unpack to: what a few compressed megabytes claim to hold is checked before it is held."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from typing import TYPE_CHECKING

import pyarrow as pa

from cohortsmith.data.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Buffer

LEAST = 200_000_000  # bytes that any file may unpack to, however small
RATIO = 100  # times its size that a larger file may unpack to: real tables and images stay below 40


def largest(stored: int) -> int:
    """Bytes that may come of so many stored ones."""
    return max(LEAST, RATIO * stored)


def check_unpacked(source: str, stored: int, unpacked: int) -> None:
    """Refuse a file that claims to hold far more than it can.

    Raises:
        DataError: it would unpack to more than `largest` bytes, or than this machine's memory.
    """
    if unpacked > largest(stored):
        raise DataError(
            f"{source}: {stored / 1e6:.3g} MB would unpack to {_size(unpacked)}, more than {RATIO} times as much (and "
            f"than {LEAST / 1e6:.0f} MB); check the file, or write it again uncompressed"
        )
    check_memory(source, unpacked)


def check_memory(source: str, size: int) -> None:
    """Refuse what does not fit into the machine's memory.

    Raises:
        DataError: it does not fit.
    """
    if size > (here := memory()):
        raise DataError(f"{source} needs {_size(size)} of memory, this machine has {_size(here)}; read a part of it")


def open_unzipped(path: Path) -> io.BufferedReader:
    """Bytes of a gzip file, decompressed as they are read.

    Reading raises a DataError beyond the limit, EOFError at a missing end, and gzip.BadGzipFile for any other damage.
    """
    return io.BufferedReader(_Unzipped(path), 1 << 20)


def open_stream(path: Path) -> pa.NativeFile:
    """Bytes of a file for Arrow, decompressed when its name ends in .gz; reading raises as `open_unzipped`."""
    if path.suffix.lower() != ".gz":
        return pa.input_stream(str(path), compression=None)
    return pa.PythonFile(_Counted(path), mode="r")


class _Unzipped(io.RawIOBase):
    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._stored = path.stat().st_size
        self._file = gzip.open(path, "rb")  # noqa: SIM115  # closed with this stream
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        try:
            count = self._file.readinto(buffer)
        except zlib.error:
            raise gzip.BadGzipFile("damaged") from None
        self._read += count
        if self._read > largest(self._stored):
            check_unpacked(self._name, self._stored, self._read)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _Counted:
    """What Arrow reads of a gzip file, by Arrow's own decompression: faster than Python's."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._stored = path.stat().st_size
        self._file = pa.input_stream(str(path), compression="gzip")
        self._read = 0

    @property
    def closed(self) -> bool:
        return bool(self._file.closed)

    def read(self, size: int | None = None) -> bytes:
        data: bytes = self._file.read(size)
        self._read += len(data)
        if self._read > largest(self._stored):
            check_unpacked(self._name, self._stored, self._read)
        return data

    def close(self) -> None:
        self._file.close()


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def memory() -> int:
    """Bytes of memory of this machine; without end where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 1 << 62
