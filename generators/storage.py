"""Model folders: `model.safetensors` and `model.json`, never pickle, whole or not there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data import DataError
from data.stored import Stored
from generators.base import Schema
from generators.registry import make_generator

if TYPE_CHECKING:
    from generators.base import Generator

_STORED = Stored("model", "cohortsmith-model/1", "fit the model again")


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
    card = {
        "family": generator.family,
        "settings": generator.settings,
        "schema": asdict(schema),
        "values": values,
        "summary": generator.summary,
        "history": generator.history,
    }
    _STORED.write(path, tensors, card)


def load(path: str | Path) -> Generator:
    """Fitted generator from a folder that `save` wrote.

    Raises:
        DataError: no such folder, not one of ours, or broken.
    """
    path = Path(path)
    if not path.is_dir():
        raise DataError(f"{path}: no such model folder; `cohortsmith fit ... --out {path}` makes one")
    if not _STORED.is_in(path):
        raise DataError(f"{path}: not a model folder: {_STORED.card} and {_STORED.tensors} were expected in it")
    card, tensors = _STORED.read(path)
    try:
        return _rebuild(card, tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
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
