"""What files that leave the house tell of patients by themselves: models, samples, and what stands beside them.

`scan` looks for training records, for exact extremes and edits that one patient alone has, for sample and subject ids,
and for free text. It says how many and where, never which: what it finds goes into reports that others read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cohortsmith.data import DataError, read_cohort, to_log
from cohortsmith.data.io import IMAGE_TABLE, SUFFIXES, png_files
from cohortsmith.evaluation.core import same_rows, wilson
from cohortsmith.evaluation.privacy.artefacts.identifiers import (
    Names,
    is_sentence,
    lone_values,
    numbers,
    private,
    read_json_value,
    sentences,
    tables,
    texts_of,
)
from cohortsmith.evaluation.privacy.artefacts.rare_values import Places, Rare
from cohortsmith.evaluation.privacy.artefacts.records import K, Records
from cohortsmith.evaluation.spaces import DECIMALS, matched, turned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

Severity = Literal["fail", "note"]

PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin", ".rds", ".rdata")
_SAMPLES = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_PROSE = (".json", ".jsonl", ".md", ".txt", ".toml", ".yml", ".yaml", ".log")


@dataclass(frozen=True)
class Found:
    """Something that tells of patients, or may.

    Attributes:
        what: how many of what, in words; never the thing itself.
        where: file and place in it.
        severity: "fail" must not leave the house, "note" is for a person to judge.
    """

    what: str
    where: str
    severity: Severity


def scan(path: Path, train: Cohort) -> list[Found]:
    """Look through a model folder, a sample file, or a folder of such and of texts; nothing found is an empty list.

    Args:
        path: file or folder.
        train: the patients that it must not tell of.

    Raises:
        DataError: no such file or folder.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder to look through")
    look = _Look(train)
    found = list(look.folder(path, path.name) if path.is_dir() else look.file(path, path.name))
    return sorted(set(found), key=lambda one: (one.severity, one.where, one.what))


def refused(found: list[Found]) -> bool:
    """Whether what was found must not leave the house."""
    return any(one.severity == "fail" for one in found)


class _Look:
    def __init__(self, train: Cohort) -> None:
        self.train, self.names = train, Names(train)
        self.records, self.rare = Records(train), Rare(train)

    def folder(self, path: Path, where: str) -> Iterator[Found]:
        """Everything in a folder; one with folders of PNG is a cohort."""
        inside = sorted(path.iterdir())
        pictures = {file for file in png_files(path) if file.parent != path}
        if pictures and all(one.is_dir() or one.name == IMAGE_TABLE for one in inside):
            files = {file for file in path.rglob("*") if file.is_file()}
            if files <= pictures | {path / IMAGE_TABLE}:
                yield from self.samples(path, where)
                inside = [path / IMAGE_TABLE] if (path / IMAGE_TABLE).exists() else []
        for one in inside:
            yield from (self.folder if one.is_dir() else self.file)(one, f"{where}/{one.name}")

    def file(self, path: Path, where: str) -> Iterator[Found]:
        """One file, by what its name says it is."""
        name = path.name.lower()
        if self.names.in_text(path.name):
            yield Found("a sample or subject id of train in the name of a file", where.rpartition("/")[0], "fail")
        if name.endswith(PICKLES):
            yield Found("a pickle or archive that may hold anything, and run code when it is opened", where, "fail")
            return
        if name.endswith(".safetensors"):
            yield from self.tensors(path, where)
            return
        known = False
        try:
            for place, text in texts_of(path):
                known = True
                yield from self.text(
                    text, where if place == "text" else f"{where}: {place}", prose=name.endswith(_PROSE)
                )
        except (OSError, ValueError):
            yield Found("could not be read, so it was not looked into", where, "note")
            return
        if name.endswith(".json"):
            yield from self.json(path, where)
        if name.endswith(_SAMPLES):
            yield from self.samples(path, where)
        elif not known:
            yield Found("a kind of file that is not looked into", where, "note")

    def text(self, text: str, where: str, *, prose: bool) -> Iterator[Found]:
        """Ids of patients in a text, and, where a person may have written it, addresses and paths."""
        if n := self.names.in_text(text):
            yield Found(f"{_many(n, 'sample or subject id')} of train", where, "fail")
        if prose:
            for what in private(text):
                yield Found(what, where, "note")

    def json(self, path: Path, where: str) -> Iterator[Found]:
        """Records and extremes among the numbers of a JSON file, columns that name one patient, sentences."""
        try:
            value = read_json_value(path)
        except DataError:
            yield Found("not readable as JSON, so its numbers were not looked into", where, "note")
            return
        for place, array in tables(value):
            yield from self.tensor(place, array, f"{where}: {place}")
        if n := self.rare.extremes_among(numbers(value)):
            yield Found(f"{_many(n, 'exact extreme')} that fewer than {K} patients of train have", where, "fail")
        for place in sorted(set(sentences(value))):
            yield Found("a text as long as a person's remark", f"{where}: {place}", "note")
        schema = value.get("schema") if isinstance(value, dict) else None
        if self.train.about.coded and isinstance(schema, dict) and isinstance(schema.get("features"), list):
            places = self.rare.insertions(schema["features"])
            yield from _told(places, "inserted base", f"{where}: schema.features")

    def tensors(self, path: Path, where: str) -> Iterator[Found]:
        """Every tensor of a safetensors file, its name, and the file's header."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                header = " ".join(f"{k} {v}" for k, v in (file.metadata() or {}).items())
                yield from self.text(f"{header} {' '.join(file.keys())}", f"{where}: header", prose=True)
                for name in file.keys():  # noqa: SIM118  # no mapping
                    yield from self.tensor(name, file.get_tensor(name), f"{where}: {name}")
        except (SafetensorError, OSError, TypeError):
            yield Found("could not be read, so it was not looked into", where, "fail")

    def tensor(self, name: str, tensor: NDArray[np.generic], where: str) -> Iterator[Found]:
        """Records, extremes and edits in one array."""
        if n := self.records.held(tensor):
            yield Found(f"{_many(n, 'training record')}", where, "fail")
        if n := self.rare.extremes(tensor):
            yield Found(f"the exact extreme that fewer than {K} patients have, in {_many(n, 'gene')}", where, "fail")
        if self.train.about.coded:
            yield from _told(self.rare.edits(name, tensor), "edit", where)

    def samples(self, path: Path, where: str) -> Iterator[Found]:
        """Records, ids and texts among the samples of a cohort's file."""
        label = str(self.train.provenance.get("label") or "") or None
        try:
            cohort = _read(path, label)
        except DataError as error:
            yield Found(f"not read as a cohort, so its records were not looked into ({error})", where, "note")
            return
        ids = {str(name) for name in (*cohort.ids, *cohort.subjects)}
        if n := self.names.among(ids):
            yield Found(f"{_many(n, 'sample or subject id')} of train", f"{where}: ids", "fail")
        for column in lone_values(cohort.obs, self.train):
            yield Found("a value that one train patient alone has", f"{where}: covariate {column}", "fail")
        for column in cohort.obs.columns:
            if any(is_sentence(str(text)) for text in cohort.obs[column].dropna().unique()[:1000]):
                yield Found("free text", f"{where}: covariate {column}", "note")
        try:
            train, _, made = matched(self.train, self.train.take([0]), cohort)  # sequences: on the columns of both
        except DataError as error:
            yield Found(f"not comparable with train, so records were not looked for ({error})", where, "note")
            return
        yield from _copies(made, train, where)


def _read(path: Path, label: str | None) -> Cohort:
    try:
        return read_cohort(path, part=True)
    except DataError:
        if label is None:
            raise
        return read_cohort(path, label=label, part=True)


def _copies(made: Cohort, train: Cohort, where: str) -> Iterator[Found]:
    """Samples that equal the record of one patient alone.

    New patients may, too, where records are few letters or counts: then how many do is told by one half of train,
    looked at beside the other, and only more of them than that fail.
    """
    copied = _lone_matches(train, made)
    if not copied.any():
        return
    subjects = np.unique(train.subjects)
    half = np.isin(train.subjects, np.random.default_rng(0).permutation(subjects)[: len(subjects) // 2])
    usual = _lone_matches(train.take(half), train.take(~half)) if half.any() and not half.all() else np.zeros(1, bool)
    share, new = wilson(float(copied.sum()), len(copied)), wilson(float(usual.sum()), len(usual))
    many = _many(int(copied.sum()), "sample")
    if not usual.any() or share.low > new.high:
        yield Found(f"{many} equal to the record of one train patient", where, "fail")
    else:
        yield Found(f"{many} equal to the record of one train patient, no more than new patients are", where, "note")


def _lone_matches(train: Cohort, other: Cohort) -> NDArray[np.bool_]:
    """Which samples of `other` equal a record that one patient of train alone has, images in any orientation."""
    ways = list(turned(other.x)) if train.about.pictured else [other.x]
    held, rows = _comparable(train, train.x), np.concatenate([_comparable(other, way) for way in ways])
    number, own = same_rows(held, rows)
    _, patient = np.unique(train.subjects, return_inverse=True)
    holders = np.bincount(
        np.unique(np.column_stack([number, patient]), axis=0)[:, 0], minlength=int(max(number.max(), own.max())) + 1
    )
    alone: NDArray[np.bool_] = (holders[own] == 1).reshape(len(ways), -1).any(axis=0)
    return alone


def _comparable(cohort: Cohort, x: NDArray[Any]) -> NDArray[Any]:
    if not cohort.about.measured:
        return x.reshape(len(x), -1)
    return np.round(to_log(x, cohort.scale), DECIMALS)


def _told(places: Places, what: str, where: str) -> Iterator[Found]:
    if places.lone:
        yield Found(f"{_many(places.lone, what)} of one train patient alone, told by the place", where, "fail")
    if places.few:
        yield Found(f"{_many(places.few, what)} of two to {K - 1} train patients, told by the place", where, "note")


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
