"""`Stored`: a folder of numbers and words, a safetensors file and a JSON card beside it; never pickle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.atomic import whole_folder
from cohortsmith.data.validation import UnreadableError, from_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

T = TypeVar("T")


@dataclass(frozen=True)
class Stored:
    """How one sort of model is written.

    Attributes:
        name: of its two files, NAME.safetensors and NAME.json.
        format: name and version of what they hold, which the card tells.
        again: what to do when they are broken.
    """

    name: str
    format: str
    again: str

    def is_in(self, folder: Path) -> bool:
        """Whether both files are there."""
        return (folder / self.tensors).is_file() and (folder / self.card).is_file()

    @property
    def tensors(self) -> str:
        """Name of the file of numbers."""
        return f"{self.name}.safetensors"

    @property
    def card(self) -> str:
        """Name of the file of words."""
        return f"{self.name}.json"

    def write(self, folder: Path, tensors: Mapping[str, NDArray[Any]], card: Mapping[str, Any]) -> None:
        """Write a new folder, or fill an empty one; the card then tells the SHA-256 of the numbers.

        Raises:
            DataError: something stands there, or it cannot be written; nothing is left half-written.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder) as working:
            save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, working / self.tensors)
            whole = {"format": self.format, **card, "sha256": sha256(working / self.tensors)}
            (working / self.card).write_text(json.dumps(whole, indent=1), encoding="utf-8")

    def read(self, folder: Path, shape: type[T]) -> tuple[T, dict[str, NDArray[Any]]]:
        """Card, as its shape, and tensors of a folder that has both files; keys beside the shape's are left out.

        Raises:
            DataError: they are broken, changed since they were written, or another program's.
        """
        place = folder / self.card
        text = place.read_bytes()
        foreign = DataError(f"{place}: another program's file or another version; {self.format!r} was expected")
        try:
            head = from_json(_Head, text, where=str(place), remedy=self.again)
        except UnreadableError:
            raise
        except DataError as error:
            raise foreign from error
        if head.format != self.format:
            raise foreign
        changed = f"{folder / self.tensors}: changed or cut off since it was written; {self.again}"
        if head.sha256 != sha256(folder / self.tensors):
            raise DataError(changed)
        card = from_json(shape, text, where=f"{place}: incomplete or of another version", remedy=self.again)
        try:
            return card, load_file(folder / self.tensors)
        except SafetensorError as error:
            raise DataError(changed) from error


@dataclass(frozen=True)
class _Head:
    """What every card tells: what it is, and of which file of numbers."""

    format: str
    sha256: str = ""


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
