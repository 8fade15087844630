"""Model folders: `model.safetensors` and `model.json`, never pickle, whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohortsmith.data import DataError
from cohortsmith.generators.contracts import STORED, Schema
from cohortsmith.generators.registry import make_generator

if TYPE_CHECKING:
    from cohortsmith.generators.contracts import Generator


def load(path: str | Path) -> Generator:
    """Fitted generator from a folder that `save` wrote.

    Raises:
        DataError: no such folder, not one of ours, or broken.
    """
    path = Path(path)
    if not path.is_dir():
        raise DataError(f"{path}: no such model folder; `cohortsmith fit ... --out {path}` makes one")
    if not STORED.is_in(path):
        raise DataError(f"{path}: not a model folder: {STORED.card} and {STORED.tensors} were expected in it")
    card, tensors = STORED.read(path)
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
