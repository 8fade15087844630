"""Folders that are either whole or not there: written under a temporary name beside the target, then renamed."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from cohortsmith.app.workspace.ownership import owned
from cohortsmith.data import DataError
from cohortsmith.data.io import temporary_name
from cohortsmith.data.validation import from_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

T = TypeVar("T")

# One of these in a folder says that cohortsmith wrote it; nothing else is ever replaced or removed.
MARKERS = ("model.json", "metrics.json", "comparison.json", "study.json", "grid.json", "config.json", "audit.json")


def require_free(target: Path, *, force: bool = False) -> None:
    """Check that a result folder can be put at `target`, before the work that fills it.

    Raises:
        DataError: there is a file, or a folder with something in it that may not be replaced.
    """
    require_writable(target)
    if target.is_file():
        raise DataError(f"a folder was expected for the results, {target} is a file; name another with --out")
    if not target.exists() or not any(target.iterdir()):
        return
    if not any((target / marker).is_file() for marker in MARKERS):
        raise DataError(f"{target} holds files that cohortsmith did not write; name another folder with --out")
    if not force:
        raise DataError(f"{target} holds results already; name another folder with --out, or replace it with --force")


def require_writable(target: Path) -> None:
    """Check that something can be put at `target`, before the work that makes it.

    Raises:
        DataError: the nearest folder above it that exists is no folder, or may not be written to.
    """
    above = next((folder for folder in target.absolute().parents if os.path.lexists(folder)), target)
    if not above.is_dir():
        raise DataError(f"{target} cannot be written: {above} is a file, not a folder; name another place with --out")
    if not os.access(above, os.W_OK | os.X_OK):
        raise DataError(f"{target} cannot be written: no permission to write to {above}; name another place with --out")


@contextmanager
def whole_folder(target: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a folder to write into; it becomes `target` when the block ends well and is removed when it does not.

    Raises:
        DataError: as `require_free` and `owned`.
    """
    require_free(target, force=force)
    with owned(target):
        working = target.parent / temporary_name(target.name)
        working.mkdir()
        try:
            yield working
            put_in_place(working, target)
        finally:
            shutil.rmtree(working, ignore_errors=True)


def put_in_place(working: Path, target: Path) -> None:
    """Rename `working` to `target`; what stood there is removed only once the new folder is in place."""
    if not target.exists():
        os.replace(working, target)
        return
    old = target.parent / temporary_name(target.name, "old")
    os.replace(target, old)
    try:
        os.replace(working, target)
    except OSError:
        os.replace(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON."""
    path.write_text(json.dumps(value, indent=2, allow_nan=False, default=str) + "\n", encoding="utf-8")


def write_json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object a line; a figure that is not finite is written as null."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            clean = {
                key: None if value != value or value in (_INFINITY, -_INFINITY) else value for key, value in row.items()
            }
            file.write(json.dumps(clean, allow_nan=False, default=str) + "\n")


_INFINITY = float("inf")


def read_json(path: Path, shape: type[Any] | None = None) -> dict[str, Any]:
    """Read a JSON object, held against a shape where one is given; keys beside the shape's are kept.

    Raises:
        DataError: no such file, no JSON object, or one of another shape.
    """
    text = _text(path)
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise DataError(f"{path} is not readable JSON; it may have been cut short or edited") from None
    if not isinstance(value, dict):
        raise DataError(f"{path}: a JSON object was expected")
    if shape is not None:
        from_json(shape, text, where=str(path))
    return value


def read_json_as(shape: type[T], path: Path) -> T:
    """Read a JSON object as its shape; keys beside the shape's are left out.

    Raises:
        DataError: no such file, or no JSON of that shape.
    """
    return from_json(shape, _text(path), where=str(path))


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} is missing; is its folder one that cohortsmith wrote?") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number in JSON")
