"""Artefact scan: patient data in the files to be released outside the institution (models, samples and their folders).

`scan` searches for training records, exact extremes and edits unique to one patient, sample and subject ids, and free
text. It reports how many and where, never the value itself: reports of the scan are read by others.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.data import DataError, read_cohort, to_log
from cohortsmith.data.disclosure import MIN_PATIENTS
from cohortsmith.data.io import IMAGE_TABLE, SUFFIXES, png_files
from cohortsmith.evaluation.core import same_rows, wilson
from cohortsmith.evaluation.privacy.artefacts.finding import ArtefactFinding
from cohortsmith.evaluation.privacy.artefacts.identifiers import (
    PatientIds,
    contact_details,
    free_texts,
    is_free_text,
    numbers,
    read_json_value,
    tables,
    texts_of,
    unique_values,
)
from cohortsmith.evaluation.privacy.artefacts.png_chunks import beside_pixels
from cohortsmith.evaluation.privacy.artefacts.rare_values import RareEdits, RareValues
from cohortsmith.evaluation.privacy.artefacts.records import Records
from cohortsmith.evaluation.privacy.artefacts.unread_parts import unread
from cohortsmith.evaluation.spaces import DECIMALS, matched, turned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin", ".rds", ".rdata")
_SAMPLES = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_FEW = f"fewer than {MIN_PATIENTS} training patients"
_PROSE = (".json", ".jsonl", ".md", ".txt", ".toml", ".yml", ".yaml", ".log")


def scan(path: Path, train: Cohort) -> list[ArtefactFinding]:
    """Scan a model folder, a sample file, or a folder of such and of texts; an empty list if nothing is found.

    Args:
        path: file or folder.
        train: the training cohort, none of whose data it may contain.

    Raises:
        DataError: no such file or folder.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder to scan")
    scanner = _Scanner(train)
    found = list(scanner.folder(path, path.name) if path.is_dir() else scanner.file(path, path.name))
    return sorted(set(found), key=lambda one: (one.severity, one.where, one.what))


class _Scanner:
    def __init__(self, train: Cohort) -> None:
        self.train, self.ids = train, PatientIds(train)
        self.records, self.rare = Records(train), RareValues(train)

    def folder(self, path: Path, where: str) -> Iterator[ArtefactFinding]:
        """Everything in a folder; a folder with subfolders of PNG is a cohort."""
        inside = sorted(path.iterdir())
        pictures = {file for file in png_files(path) if file.parent != path}
        if pictures and all(one.is_dir() or one.name == IMAGE_TABLE for one in inside):
            files = {file for file in path.rglob("*") if file.is_file()}
            if files <= pictures | {path / IMAGE_TABLE}:
                yield from self.samples(path, where)
                yield from _beside_pixels(pictures, where)
                inside = [path / IMAGE_TABLE] if (path / IMAGE_TABLE).exists() else []
        for one in inside:
            yield from (self.folder if one.is_dir() else self.file)(one, f"{where}/{one.name}")

    def file(self, path: Path, where: str) -> Iterator[ArtefactFinding]:
        """One file, by the type its name ends in."""
        name = path.name.lower()
        if self.ids.in_text(path.name):
            yield ArtefactFinding("a sample or subject id of train in a file name", where.rpartition("/")[0], "fail")
        if name.endswith(PICKLES):
            yield ArtefactFinding("a pickle or archive: not scanned, and opening it may run code", where, "fail")
            return
        if name.endswith(".png"):
            yield from _beside_pixels([path], where)
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
            yield ArtefactFinding("not scanned: the file could not be read", where, "note")
            return
        if name.endswith(".json"):
            yield from self.json(path, where)
        if name.endswith(_SAMPLES):
            yield from self.samples(path, where)
        elif not known:
            yield ArtefactFinding("not scanned: unknown file type", where, "note")

    def text(self, text: str, where: str, *, prose: bool) -> Iterator[ArtefactFinding]:
        """Patient ids in a text, and, in prose, e-mail addresses and local paths."""
        if n := self.ids.in_text(text):
            yield ArtefactFinding(f"{_many(n, 'sample or subject id')} of train", where, "fail")
        if prose:
            for what in contact_details(text):
                yield ArtefactFinding(what, where, "note")

    def json(self, path: Path, where: str) -> Iterator[ArtefactFinding]:
        """Records and extremes among the numbers of a JSON file, columns that identify one patient, and free text."""
        try:
            value = read_json_value(path)
        except DataError:
            yield ArtefactFinding("numbers not scanned: not readable as JSON", where, "note")
            return
        for place, array in tables(value):
            yield from self.tensor(place, array, f"{where}: {place}")
        if n := self.rare.extremes_among(numbers(value)):
            yield ArtefactFinding(f"{_many(n, 'exact extreme value')} shared by {_FEW}", where, "fail")
        for place in sorted(set(free_texts(value))):
            yield ArtefactFinding("possible free text", f"{where}: {place}", "note")
        schema = value.get("schema") if isinstance(value, dict) else None
        if self.train.about.coded and isinstance(schema, dict) and isinstance(schema.get("features"), list):
            edits = self.rare.insertions(schema["features"])
            yield from _rare_edits(edits, "inserted base", f"{where}: schema.features")

    def tensors(self, path: Path, where: str) -> Iterator[ArtefactFinding]:
        """Every tensor of a safetensors file, its name, and the file's header."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                header = " ".join(f"{k} {v}" for k, v in (file.metadata() or {}).items())
                yield from self.text(f"{header} {' '.join(file.keys())}", f"{where}: header", prose=True)
                for name in file.keys():  # noqa: SIM118  # no mapping
                    yield from self.tensor(name, file.get_tensor(name), f"{where}: {name}")
        except (SafetensorError, OSError, TypeError):
            yield ArtefactFinding("not scanned: the file could not be read", where, "fail")

    def tensor(self, name: str, tensor: NDArray[np.generic], where: str) -> Iterator[ArtefactFinding]:
        """Records, extremes and edits in one array."""
        if n := self.records.held(tensor):
            yield ArtefactFinding(f"{_many(n, 'training record')}", where, "fail")
        if n := self.rare.extremes(tensor):
            yield ArtefactFinding(f"exact extreme value shared by {_FEW}, in {_many(n, 'gene')}", where, "fail")
        if self.train.about.coded:
            yield from _rare_edits(self.rare.edits(name, tensor), "edit", where)

    def samples(self, path: Path, where: str) -> Iterator[ArtefactFinding]:
        """Records, ids and texts among the samples of a cohort's file."""
        label = str(self.train.provenance.get("label") or "") or None
        try:
            cohort = _read(path, label)
        except DataError as error:
            yield ArtefactFinding(f"records not scanned: not readable as a cohort ({error})", where, "note")
            return
        ids = {str(name) for name in (*cohort.ids, *cohort.subjects)}
        if n := self.ids.among(ids):
            yield ArtefactFinding(f"{_many(n, 'sample or subject id')} of train", f"{where}: ids", "fail")
        yield from (
            replace(one, where=f"{where}{one.where.removeprefix(path.name)}")
            for one in unread(path, cohort, self.train)
        )
        for column in unique_values(cohort.obs, self.train):
            yield ArtefactFinding("a value unique to one training patient", f"{where}: covariate {column}", "fail")
        for column in cohort.obs.columns:
            if any(is_free_text(str(text)) for text in cohort.obs[column].dropna().unique()[:1000]):
                yield ArtefactFinding("free text", f"{where}: covariate {column}", "note")
        try:
            train, _, made = matched(
                self.train, self.train.take([0]), cohort
            )  # sequences: on the columns that both have
        except DataError as error:
            yield ArtefactFinding(f"records not scanned: not comparable with train ({error})", where, "note")
            return
        yield from _copies(made, train, where)


def _beside_pixels(files: Iterable[Path], where: str) -> Iterator[ArtefactFinding]:
    """What PNG files hold beside pixels, counted over all of them; samples that this program writes hold nothing."""
    counts = Counter(what for file in files for what in beside_pixels(file))
    for what, n in sorted(counts.items()):
        yield ArtefactFinding(f"{what}, in {_many(n, 'PNG file')}", where, "fail")


def _read(path: Path, label: str | None) -> Cohort:
    try:
        return read_cohort(path, part=True)
    except DataError:
        if label is None:
            raise
        return read_cohort(path, label=label, part=True)


def _copies(made: Cohort, train: Cohort, where: str) -> Iterator[ArtefactFinding]:
    """Samples that equal a record unique to one training patient.

    Unseen patients may equal one too, where records are short sequences or counts: the expected rate is that of one
    half of train against the other, and only a higher rate fails.
    """
    copied = _unique_matches(train, made)
    if not copied.any():
        return
    subjects = np.unique(train.subjects)
    half = np.isin(train.subjects, np.random.default_rng(0).permutation(subjects)[: len(subjects) // 2])
    expected = (
        _unique_matches(train.take(half), train.take(~half)) if half.any() and not half.all() else np.zeros(1, bool)
    )
    share, unseen = wilson(float(copied.sum()), len(copied)), wilson(float(expected.sum()), len(expected))
    equal = f"{_many(int(copied.sum()), 'sample')} equal to the record of one training patient"
    if not expected.any() or share.low > unseen.high:
        yield ArtefactFinding(equal, where, "fail")
    else:
        yield ArtefactFinding(f"{equal}, no more often than unseen patients are", where, "note")


def _unique_matches(train: Cohort, other: Cohort) -> NDArray[np.bool_]:
    """Which samples of `other` equal a record unique to one training patient, images in any orientation, (n,)."""
    orientations = list(turned(other.x)) if train.about.pictured else [other.x]
    held, rows = _comparable(train, train.x), np.concatenate([_comparable(other, x) for x in orientations])
    number, own = same_rows(held, rows)
    _, patient = np.unique(train.subjects, return_inverse=True)
    holders = np.bincount(
        np.unique(np.column_stack([number, patient]), axis=0)[:, 0], minlength=int(max(number.max(), own.max())) + 1
    )
    matched_once: NDArray[np.bool_] = (holders[own] == 1).reshape(len(orientations), -1).any(axis=0)
    return matched_once


def _comparable(cohort: Cohort, x: NDArray[Any]) -> NDArray[Any]:
    if not cohort.about.measured:
        return x.reshape(len(x), -1)
    return np.round(to_log(x, cohort.scale), DECIMALS)


def _rare_edits(edits: RareEdits, what: str, where: str) -> Iterator[ArtefactFinding]:
    if edits.unique:
        found = f"{_many(edits.unique, what)} unique to one training patient"
        yield ArtefactFinding(f"{found}, identifiable by position", where, "fail")
    if edits.few:
        what_found = (
            f"{_many(edits.few, what)} of two to {MIN_PATIENTS - 1} training patients, identifiable by position"
        )
        yield ArtefactFinding(what_found, where, "note")


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
