"""Model folders: `model.safetensors` and `model.json`, never pickle, whole or not there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from data import DataError
from generators.base import Schema
from generators.registry import make_generator

if TYPE_CHECKING:
    from generators.base import Generator

FORMAT = "cohortsmith-model/1"
_TENSORS, _VALUES = "model.safetensors", "model.json"


def save(generator: Generator, path: str | Path) -> None:
    """Write a fitted generator to a new or empty folder.

    Raises:
        DataError: it is not fitted, cannot be saved, or the folder holds something else.
    """
    path = Path(path)
    schema = generator.schema
    if not generator.savable:
        raise DataError(f"{generator.family} models cannot be saved: {generator.reason}")
    if not generator._to_save:
        raise DataError("this model was fitted with to_save=False, so it may hold averages of two patients; fit again")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise DataError(f"{path}: a new or empty folder was expected; remove it or name another one")
    tensors, values = generator._state()
    path.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, work / _TENSORS)
        card = {
            "format": FORMAT,
            "family": generator.family,
            "settings": generator.settings,
            "schema": asdict(schema),
            "values": values,
            "summary": generator.summary,
            "history": generator.history,
            "sha256": _sha256(work / _TENSORS),
        }
        (work / _VALUES).write_text(json.dumps(card, indent=1), encoding="utf-8")
        work.chmod(0o755)
        os.replace(work, path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def load(path: str | Path) -> Generator:
    """Fitted generator from a folder that `save` wrote.

    Raises:
        DataError: no such folder, not one of ours, or broken.
    """
    path = Path(path)
    if not path.is_dir():
        raise DataError(f"{path}: no such model folder; `cohortsmith fit ... --out {path}` makes one")
    if not (path / _VALUES).is_file() or not (path / _TENSORS).is_file():
        raise DataError(f"{path}: not a model folder: {_VALUES} and {_TENSORS} were expected in it")
    try:
        card = json.loads((path / _VALUES).read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path / _VALUES}: broken, not readable as JSON; fit the model again") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise DataError(f"{path / _VALUES}: another program's file or another version; {FORMAT!r} was expected")
    if card.get("sha256") != _sha256(path / _TENSORS):
        raise DataError(f"{path / _TENSORS}: changed or cut off since it was written; fit the model again")
    try:
        return _rebuild(card, load_file(path / _TENSORS))
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise DataError(f"{path}: the model is incomplete or of another version; fit it again") from error


def _rebuild(card: dict[str, Any], tensors: dict[str, Any]) -> Generator:
    generator = make_generator(card["family"], **card["settings"])
    parts = card["schema"]
    for name in ("classes", "features", "class_counts"):
        parts[name] = tuple(parts[name])
    generator._schema = Schema(**parts)
    generator.summary, generator.history = card["summary"], card["history"]
    generator._restore(tensors, card["values"])
    return generator


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
