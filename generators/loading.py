"""Model folders: `model.safetensors` and `model.json`, never pickle, whole or not there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.data import DataError
from cohortsmith.generators.contracts import STORED, Schema  # noqa: TC001  # pydantic reads the annotations of `ModelCard`
from cohortsmith.generators.registry import make_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.generators.contracts import Generator


@dataclass(frozen=True)
class ModelCard:
    """`model.json`, as `Generator.save` writes it.

    Attributes:
        family: name in `FAMILIES`.
        settings: of it.
        schema: what its virtual patients share with the training cohort.
        values: what the family keeps beside its tensors.
        summary, history: as of `Generator`.
    """

    family: str
    settings: dict[str, Any]
    schema: Schema
    values: dict[str, Any]
    summary: dict[str, Any]
    history: list[dict[str, Any]]


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
    card, tensors = STORED.read(path, ModelCard)
    try:
        return _rebuild(card, tensors)
    except (
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        RuntimeError,
        OverflowError,
        MemoryError,
    ) as error:
        raise DataError(f"{path}: the model is incomplete or of another version; fit it again") from error


def _is_number(values: NDArray[Any]) -> NDArray[np.bool_]:
    told: NDArray[np.bool_] = ~np.isnan(values)
    return told


def _rebuild(card: ModelCard, tensors: dict[str, Any]) -> Generator:
    if len(card.schema.class_counts) != len(card.schema.classes):
        raise ValueError("one count per class was expected")
    if min(card.schema.class_counts, default=0) < 0 or not sum(card.schema.class_counts):
        raise ValueError("counts of patients were expected")
    for name, value in tensors.items():  # one weight that is no number spreads over every patient
        if value.dtype.kind == "f" and not (np.isfinite if name.startswith("net.") else _is_number)(value).all():
            raise ValueError("only numbers were expected")
    generator = make_generator(card.family, **card.settings)
    generator._schema = card.schema
    generator.summary, generator.history = card.summary, card.history
    generator._restore(tensors, card.values)
    return generator
