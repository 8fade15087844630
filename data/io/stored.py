"""`Stored`: a folder of numbers and words, a safetensors file and a JSON card beside it; never pickle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.atomic import whole_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


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
            told = {"format": self.format, **card, "sha256": sha256(working / self.tensors)}
            (working / self.card).write_text(json.dumps(told, indent=1), encoding="utf-8")

    def read(self, folder: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Card and tensors of a folder that has both files.

        Raises:
            DataError: they are broken, changed since they were written, or another program's.
        """
        try:
            card = json.loads((folder / self.card).read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(f"{folder / self.card}: broken, not readable as JSON; {self.again}") from error
        if not isinstance(card, dict) or card.get("format") != self.format:
            raise DataError(
                f"{folder / self.card}: another program's file or another version; {self.format!r} was expected"
            )
        changed = f"{folder / self.tensors}: changed or cut off since it was written; {self.again}"
        if card.get("sha256") != sha256(folder / self.tensors):
            raise DataError(changed)
        try:
            return card, load_file(folder / self.tensors)
        except SafetensorError as error:
            raise DataError(changed) from error


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
