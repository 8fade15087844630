"""Reading in a process of its own, with limits of time and memory, what a library in C may crash or loop for ever on.

HDF5 trusts what it reads: one damaged byte can end the process, or keep it in a loop that ignores every polite signal.
The values come back through shared memory, everything else as Arrow and JSON; nothing is pickled.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pandas as pd
import pyarrow as pa

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.assembly import Table
from cohortsmith.data.io.matrices import PACE, share, shared_values
from cohortsmith.data.io.unpacking import largest, memory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SECONDS = 5.0  # of processor time that any file may take, once the libraries are loaded
ROOM = 500_000_000  # bytes of memory beside the values
_WAITING = 20  # times as long as it may work, a reader may wait for a busy machine or disk
_COMMAND = "from cohortsmith.data.io.apart import main; main()"
_APART = hasattr(os, "fork")  # file descriptors are passed on by POSIX systems alone
_ENDED_BY = {getattr(signal, name, 0) for name in ("SIGKILL", "SIGXCPU")}


def read_apart(path: Path, layer: str | None = None) -> Table:
    """Table of an `.h5ad` file, as `read_h5ad` reads it.

    Raises:
        DataError: as `read_h5ad`, and where the reader crashes, takes too long or too much memory.
    """
    from cohortsmith.data.io.anndata_file import read_h5ad

    if not _APART:
        return read_h5ad(path, layer)
    path.open("rb").close()  # a file that cannot be opened is no damaged one
    seconds = _WAITING * _seconds(path.stat().st_size)
    with _memory() as values, tempfile.TemporaryFile() as rest:
        asked = {"path": str(path), "layer": layer, "values": values.fileno(), "rest": rest.fileno()}
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-c", _COMMAND],
                input=json.dumps(asked).encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(values.fileno(), rest.fileno()),
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _endless(path) from None
        if done.returncode:
            raise _endless(path) if -done.returncode in _ENDED_BY else _broken(path)
        rest.seek(0)
        told = json.loads(rest.readline())
        if "error" in told:
            raise DataError(told["error"])
        with pa.ipc.open_stream(rest.read()) as stream:
            frame = stream.read_all().to_pandas()
        x = shared_values(values, tuple(told["shape"]))
    return _table(told, frame, x)


def _table(told: dict[str, Any], frame: pd.DataFrame, x: NDArray[np.float32]) -> Table:
    ids = frame.pop("ids").to_numpy(dtype=object)
    for at, kind in enumerate(told["kinds"]):
        if kind == "object":
            frame.isetitem(at, frame.iloc[:, at].astype(object).to_numpy())
    frame.columns = pd.Index(told["columns"], dtype=object)
    frame.index = pd.Index(ids, dtype=object)
    plain = told["plain"] | {"genes": tuple(told["plain"]["genes"])}
    return Table(ids=ids, x=x, obs=frame, **plain)


def main() -> None:
    """Read what is asked for on stdin, as `read_apart` asks: the process apart."""
    asked = json.loads(sys.stdin.buffer.read())
    share(os.fdopen(asked["values"], "r+b", buffering=0))
    path = Path(asked["path"])
    with os.fdopen(asked["rest"], "wb") as rest:
        try:
            import anndata  # noqa: F401  # before the limits: its import is no work of the file's

            from cohortsmith.data.io.anndata_file import read_h5ad

            _limit(path.stat().st_size)
            _write(read_h5ad(path, asked["layer"]), rest)
        except DataError as error:
            rest.write(json.dumps({"error": str(error)}).encode() + b"\n")
        except MemoryError:
            rest.write(json.dumps({"error": str(_endless(path))}).encode() + b"\n")
        except Exception:
            traceback.print_exc()
            rest.write(json.dumps({"error": str(_broken(path))}).encode() + b"\n")


def _write(table: Table, rest: BinaryIO) -> None:
    """Everything of a table but its values: a line of JSON, then ids and the other columns as Arrow."""
    plain = {part.name: getattr(table, part.name) for part in fields(Table) if part.name not in ("ids", "x", "obs")}
    columns = [str(name) for name in table.obs.columns]
    told = {
        "shape": table.x.shape,
        "columns": columns,
        "kinds": [str(dtype) for dtype in table.obs.dtypes],
        "plain": plain,
    }
    frame = table.obs.reset_index(drop=True)
    frame.columns = pd.RangeIndex(len(columns))
    frame = frame.rename(columns=str)
    frame["ids"] = pd.Series(list(map(str, table.ids)), dtype=object)
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    rest.write(json.dumps(told).encode() + b"\n")
    with pa.ipc.new_stream(rest, arrow.schema) as stream:
        stream.write_table(arrow)


def _limit(stored: int) -> None:
    """Set limits of this process: for a file of so many bytes, whatever its values then add."""
    import resource

    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    seconds = int(used + _seconds(stored)) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + (memory() + stored) // PACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    size = _held() + ROOM + largest(stored)
    resource.setrlimit(resource.RLIMIT_DATA, (size, resource.RLIM_INFINITY))


def _seconds(stored: int) -> float:
    return SECONDS + stored / PACE


def _held() -> int:
    """Bytes of private memory that this process has already."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData:"))
    except (OSError, StopIteration):
        return 1 << 40


def _memory() -> BinaryIO:
    """A file without a name in memory, or on disk where the system has no such thing."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("cohortsmith"), "r+b", buffering=0)
    return tempfile.TemporaryFile()


def _endless(path: Path) -> DataError:
    return DataError(
        f"{path.name} takes more time or memory than a file of its size can: it is damaged; write or download it again"
    )


def _broken(path: Path) -> DataError:
    return DataError(f"{path.name} is not a complete AnnData (.h5ad) file; write or download it again")
