"""What a cohort's file holds beside the cohort that is read of it: arrays, layers, notes, columns, and ids of patients.

No attack judges what was not read, so that none of it may leave with the samples.
"""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.frames import RECORDED
from cohortsmith.data.io import METADATA, NPZ_KEYS
from cohortsmith.data.splits import SPLIT, SPLITS
from cohortsmith.evaluation.privacy.artefacts.finding import ArtefactFinding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from cohortsmith.data import Cohort

_NAMED = 3  # names in a finding
_OF_SPLIT = ("images", "labels", "ids")
_READ_GROUPS = ("X", "obs", "var", "uns")
_NOTES = {RECORDED: ("label", "subject", "scale", "covariates"), "log1p": ("base",)}
_ARROW = (METADATA, b"pandas", b"ARROW:schema")
_NUMBER = re.compile(r"(.*?)0*(\d+)")


def unread(path: Path, cohort: Cohort, train: Cohort) -> Iterator[ArtefactFinding]:
    """Parts of a cohort's file that are not of the cohort, and ids that are those of training patients.

    Args:
        path: the file, or a folder of images.
        cohort: what was read of it.
        train: the training cohort.
    """
    name = path.name.lower()
    if path.is_file() and name.endswith(".npz") and zipfile.is_zipfile(path):
        yield from _finding("array", _in_npz(path, cohort), path.name)
    elif path.is_file() and name.endswith(".h5ad"):
        yield from _finding("part", _in_h5ad(path), path.name)
    elif path.is_file() and name.endswith(".parquet"):
        import pyarrow.parquet as pq

        keys = [key.decode("utf-8", "replace") for key in pq.read_schema(path).metadata or {} if key not in _ARROW]
        yield from _finding("entry of its metadata", keys, path.name)
    if cohort.about.measured:
        known = set(train.features)
        yield from _finding("column", [name for name in cohort.features if name not in known], path.name)
    for column in cohort.obs.columns:
        repeats = bool((cohort.obs[column].astype(str).to_numpy() == cohort.labels).all())  # the label by its own name
        if column != SPLIT and not repeats:
            what = f"column {str(column)!r} beside the measurements: no generator makes it, and no attack judges it"
            yield ArtefactFinding(what, path.name, "note")
    if n := _patients_numbers(cohort, train):
        what = f"{n:,} sample ids that are numbers of training patients, and no running numbers; number them anew"
        yield ArtefactFinding(what, f"{path.name}: ids", "fail")


def _finding(kind: str, names: Iterable[str], where: str) -> Iterator[ArtefactFinding]:
    found = sorted(names)
    if found:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        named = ", ".join(repr(name[:60]) for name in found[:_NAMED])
        plural = "" if len(found) == 1 else "s"
        verb = "is" if len(found) == 1 else "are"
        yield ArtefactFinding(f"{kind}{plural} {named}{more} that {verb} not read as part of the cohort", where, "fail")


def _in_npz(path: Path, cohort: Cohort) -> Iterator[str]:
    """Arrays that are neither images, labels, ids, covariates that were read, nor notes of the format."""
    read = {f"{split}_{what}" for split in SPLITS for what in (*_OF_SPLIT, *map(str, cohort.obs.columns))}
    read |= {f"{split}_label_" for split in SPLITS}  # a covariate of the name of the label
    subject = cohort.provenance.get("subject")
    read |= {f"{split}_{subject}" for split in SPLITS if subject} | set(NPZ_KEYS)
    with zipfile.ZipFile(path) as archive:
        for entry in archive.namelist():
            if entry.removesuffix(".npy") not in read:
                yield entry.removesuffix(".npy")
        if archive.comment:
            yield "comment of the archive"


def _in_h5ad(path: Path) -> Iterator[str]:
    """Layers, raw, embeddings, columns of genes, notes: whatever is not X, the samples' table or the genes' names."""
    import h5py

    with h5py.File(path) as file:
        for name in file:
            if name in _READ_GROUPS:
                continue
            node = file[name]
            if not isinstance(node, h5py.Group):
                yield name
            elif name == "raw":
                yield name
            else:
                yield from (f"{name}/{inner}" for inner in node)
        var = file.get("var")
        if isinstance(var, h5py.Group):
            index = var.attrs.get("_index", "_index")
            yield from (f"var/{name}" for name in var if name != index)
        notes = file.get("uns")
        if isinstance(notes, h5py.Group):
            for name in notes:
                inside = list(notes[name]) if isinstance(notes[name], h5py.Group) else None
                if inside is None or not set(inside) <= set(_NOTES.get(name, ())):
                    yield f"uns/{name}"


def _patients_numbers(cohort: Cohort, train: Cohort) -> int:
    """How many sample ids are numbered ids of train, unless the samples are simply numbered one after the other."""
    names = [str(name) for name in cohort.ids]
    shared = {name for name in names if _NUMBER.fullmatch(name)} & {str(name) for name in (*train.ids, *train.subjects)}
    if not shared:
        return 0
    numbers: dict[str, list[int]] = {}
    for name in names:
        if match := _NUMBER.fullmatch(name):
            numbers.setdefault(match[1], []).append(int(match[2]))
    running = all(bool((np.diff(part) == 1).all()) for part in numbers.values())
    return 0 if running else len(shared)
