"""File formats by suffix, and reading a cohort from a file or a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.anndata_file import read_h5ad
from cohortsmith.data.io.assembly import assemble
from cohortsmith.data.io.medmnist_npz import read_npz
from cohortsmith.data.io.png_folder import png_files, read_pngs
from cohortsmith.data.io.sequence_assembly import read_sequences, sequence_files
from cohortsmith.data.io.sequence_records import GENBANK, SEQUENCE_SUFFIXES
from cohortsmith.data.io.tables import read_delimited, read_parquet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.data.kinds import Kind

DELIMITED = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "expression": (".h5ad", *DELIMITED, ".parquet"),
    "sequence": SEQUENCE_SUFFIXES,
    "image": (".npz",),
}
PNG_FOLDER = "/"  # pseudo-suffix of a folder with a folder of PNG per class
WRITTEN: dict[Kind, tuple[str, ...]] = {
    "expression": SUFFIXES["expression"],
    "sequence": tuple(suffix for suffix in SEQUENCE_SUFFIXES if suffix.removesuffix(".gz") not in GENBANK),
    "image": (".npz", PNG_FOLDER),
}
_PLAIN = {"expression": ".csv", "sequence": ".fasta", "image": ".npz"}  # where the source has no format of its own
EVERY_SUFFIX = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_HELD = {"expression": "expression", "sequence": "sequences", "image": "images"}
_CONTENT = {
    "expression": "a header and one row per sample are",
    "sequence": "one record per sample is",
    "image": "images and labels are",
}


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Format of a path by its name: one of those in `SUFFIXES`.

    Raises:
        DataError: unknown format.
    """
    name = Path(path).name
    for suffix in sorted(EVERY_SUFFIX, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return suffix
    can = "; ".join(f"{_HELD[kind]}: {', '.join(suffixes)}" for kind, suffixes in SUFFIXES.items())
    if name.lower().endswith(".png"):
        raise DataError(f"{name} is a single image; name the folder that contains a folder of PNG for each class")
    raise DataError(f"{name}: unknown file type; supported are {can}")


def kind_of_file(path: str | os.PathLike[str]) -> Kind:
    """Data kind that a file of this name holds.

    Raises:
        DataError: as `suffix_of`.
    """
    suffix = suffix_of(path)
    return next(kind for kind, suffixes in SUFFIXES.items() if suffix in suffixes)


def check_written(path: str | os.PathLike[str], kind: Kind) -> str:
    """Suffix of a file to write a cohort of that kind to; `PNG_FOLDER` for images and a name without a suffix.

    Raises:
        DataError: the format is for another data kind, or read-only.
    """
    if kind == "image" and names_folder(path):
        return PNG_FOLDER
    suffix = suffix_of(path)
    if suffix not in WRITTEN.get(kind, ()):
        held = kind_of_file(path)
        why = f"{suffix} is read-only" if held == kind else f"{suffix} is for {_HELD[held]}"
        can = ", ".join(WRITTEN[kind]).replace(PNG_FOLDER, "a folder of PNG (a name without a suffix)")
        raise DataError(f"{Path(path).name}: {why}; a cohort of kind {kind} can be written as {can}")
    return suffix


def suffix_like(source: str, kind: str) -> str:
    """Format to write synthetic patients in: that of the file they come from, else the plain one of their kind.

    Of a folder of PNG it is none: a folder again.
    """
    if kind == "image" and Path(source).is_dir():
        return ""
    try:
        suffix = suffix_of(source)
    except DataError:
        return _PLAIN[kind]
    if kind == "sequence":  # GenBank is read only, and .fa is FASTA
        return ".fasta.gz" if suffix.endswith(".gz") else ".fasta"
    return suffix


def names_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a path names a folder to write: it has no suffix, or ends in a slash."""
    return os.fspath(path).endswith(("/", os.sep)) or not Path(path).suffix


def stem_of(path: str | os.PathLike[str]) -> str:
    """File name without its format's suffix."""
    name = Path(path).name
    return name[: -len(suffix_of(name))]


def read_file(path: Path, options: Mapping[str, Any], by_kind: Mapping[Kind, dict[str, Any]]) -> Cohort:
    """Cohort from an existing file or folder; see `cohortsmith.read_cohort` for options and errors.

    Args:
        path: of the file or folder.
        options: common to all data kinds: `label`, `subject`, `part`.
        by_kind: options specific to each data kind.

    Raises:
        DataError: as `read_cohort`.
    """
    try:
        if path.is_dir():
            if sequence_files(path):
                return read_sequences(path, **options, **fitting("sequence", path.name, by_kind))
            if png_files(path):
                return read_pngs(path, **options, **fitting("image", path.name, by_kind))
            raise DataError(
                f"{path.name} is a folder without sequence files or PNG; expected a file, a folder with one FASTA per "
                "class, or one with a folder of PNG per class"
            )
        suffix = suffix_of(path)
        kind = kind_of_file(path)
        own = fitting(kind, path.name, by_kind)
        if path.stat().st_size == 0:
            raise DataError(f"{path.name} is empty; {_CONTENT[kind]} expected")
        if kind == "sequence":
            return read_sequences(path, **options, **own)
        if kind == "image":
            return read_npz(path, **options, **own)
        columns = options["label"], options["subject"], own["covariates"]
        if suffix == ".h5ad":
            table = read_h5ad(path)
        elif suffix == ".parquet":
            table = read_parquet(path, *columns)
        else:
            table = read_delimited(path, *columns)
    except OSError as error:
        raise DataError(f"cannot read {path.name}: {error.strerror or type(error).__name__}") from None
    return assemble(table, **options, scale=own["scale"], impute=own["impute"])


def has_known_suffix(name: str) -> bool:
    """Whether a name has the suffix of a supported format."""
    return name.lower().endswith(EVERY_SUFFIX)


def fitting(kind: Kind, name: str, by_kind: Mapping[Kind, dict[str, Any]]) -> dict[str, Any]:
    """Options of one data kind; a scale is ignored for kinds without one, other foreign options are rejected."""
    others = {option: value for other in by_kind if other != kind for option, value in by_kind[other].items()}
    stray = [option for option, value in others.items() if value and option != "scale"]
    if stray:
        asked = ", ".join(
            f"--{option.replace('_', '-').removesuffix('s' * (option == 'covariates'))}" for option in stray
        )
        raise DataError(f"{name} contains {_HELD[kind]}, to which {asked} does not apply; leave it out")
    return by_kind[kind]
