"""Identifiers, contact details and free text in the files of models and samples."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.data import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from cohortsmith.data import Cohort

_RUNNING = re.compile(r"(?:train|val|test|sample|row|image)?[-_ ]?\d{1,7}", re.I)
_WORD = re.compile(r"\w(?:[\w.:+/-]*\w)?")
_PARTS = re.compile(r"[:+/]|(?<=\w)\.(?=\D)")
_CHUNK, _OVERLAP = 1 << 20, 200  # letters
_SHORTEST = 4
_WORDS, _LONG = 8, 60  # least words and letters of free text
_CONTACT = {
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.\w{2,}"),
    "a local file path": re.compile(r"(?<![\w.~$}/])/(?:home|root|Users|mnt|media|tmp|data)/\w|\b[A-Z]:\\\\?Users\\"),
}


class PatientIds:
    """Sample and subject ids of a cohort, as far as they identify a patient.

    Running numbers ("17", "train-00012") identify nobody, and words of fewer than four letters occur by chance.

    Args:
        train: the training cohort.
    """

    def __init__(self, train: Cohort) -> None:
        every = {str(name).strip() for name in (*train.ids, *train.subjects)}
        self._running = {name for name in every if _RUNNING.fullmatch(name)}
        self._known = {name for name in every - self._running if len(name) >= _SHORTEST}
        self._short = every - self._running - self._known
        self._phrases = [name for name in self._known if not _WORD.fullmatch(name)]

    def in_text(self, text: str) -> int:
        """Number of ids that occur in a text as words."""
        found = {phrase for phrase in self._phrases if phrase in text}
        for start in range(0, len(text), _CHUNK):  # a large table has millions of words
            words = set(_WORD.findall(text[start : start + _CHUNK + _OVERLAP]))
            parts = (word for word in words if not word.replace(".", "", 1).isdigit())
            found |= self._known & words.union(*(_PARTS.split(word) for word in parts))
        return len(found)

    def among(self, names: Iterable[Any]) -> int:
        """Number of ids among the given ones, short ids included."""
        return len((self._known | self._short) & {str(name).strip() for name in names})


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    """Texts of a file, each with its place in the file; empty for a file type without text."""
    name = path.name.lower()
    packed = name.endswith(".gz")
    suffix = Path(name.removesuffix(".gz")).suffix
    if suffix in TEXTS:
        content = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
        yield "text", content.decode("utf-8", "replace")
    elif suffix == ".h5ad":
        yield from _in_h5ad(path)
    elif suffix == ".parquet":
        import pyarrow.parquet as pq

        metadata = pq.read_schema(path).metadata or {}
        yield (
            "metadata",
            " ".join(f"{k.decode('utf-8', 'replace')} {v.decode('utf-8', 'replace')}" for k, v in metadata.items()),
        )
    elif suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            for key in file.files:
                if (array := file[key]).dtype.kind in "US":
                    yield key, "\n".join(array.astype(np.str_).ravel().tolist())


TEXTS = frozenset(
    [".csv", ".tsv", ".fasta", ".fa", ".fna", ".gb", ".gbk", ".json", ".jsonl", ".md", ".html", ".txt", ".toml", ".svg"]
    + [".yml", ".yaml", ".log"]
)


def _in_h5ad(path: Path) -> Iterator[tuple[str, str]]:
    import h5py

    found: list[tuple[str, str]] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and h5py.check_string_dtype(item.dtype) is not None:
            found.append((name, "\n".join(map(str, np.atleast_1d(item.asstr(errors="replace")[()]).ravel()))))

    with h5py.File(path) as file:
        file.visititems(visit)
    yield from found


def free_texts(value: Any, where: str = "") -> Iterator[str]:
    """Places of free text in a JSON value; alarms of the fit are written by this program and are skipped."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "alarms":
                yield from free_texts(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for item in value:
            yield from free_texts(item, where)
    elif isinstance(value, str) and is_free_text(value):
        yield where


def numbers(value: Any) -> Iterator[float]:
    """All numbers in a JSON value."""
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        yield float(value)


def tables(value: Any, where: str = "") -> Iterator[tuple[str, np.ndarray[Any, np.dtype[Any]]]]:
    """Lists of numbers in a JSON value, as arrays; lists of equally long ones as one."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from tables(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list) and value:
        try:
            array = np.asarray(value)
        except ValueError:  # of different lengths
            array = np.asarray([])
        if array.dtype.kind in "fiu" and array.size:
            yield where, array
        else:
            for item in value:
                yield from tables(item, where)


def is_free_text(text: str) -> bool:
    """Whether a text is long enough to be free text."""
    return len(text) >= _LONG and len(text.split()) >= _WORDS


def contact_details(text: str) -> list[str]:
    """Kinds of contact details and local paths that a text contains."""
    return [what for what, pattern in _CONTACT.items() if pattern.search(text)]


def unique_values(obs: pd.DataFrame, train: Cohort) -> list[str]:
    """Covariates in which samples have a text that is unique to one training patient, such as a date or a remark."""
    found = []
    for name in obs.columns:
        if name not in train.obs or not (obs[name].dtype == object or str(obs[name].dtype) in ("string", "str")):
            continue
        counts = train.obs[name].dropna().astype(str).value_counts()
        unique = {text for text in counts.index[counts == 1] if len(text) >= 2 * _SHORTEST}
        if unique & set(obs[name].dropna().astype(str)):
            found.append(str(name))
    return found


def read_json_value(path: Path) -> Any:
    """Value of a JSON file.

    Raises:
        DataError: the file is not readable JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise DataError(f"{path.name} is not readable JSON; it may have been cut short or edited") from None
