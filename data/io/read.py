"""File formats by suffix, and reading a cohort from a file or a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.anndata_file import read_anndata
from cohortsmith.data.io.apart import read_apart
from cohortsmith.data.io.assembly import Table, assemble
from cohortsmith.data.io.gene_matrices import (
    GCT,
    SERIES_MATRIX,
    is_gene_matrix,
    read_gene_matrix,
    read_star,
    star_files,
    with_labels,
)
from cohortsmith.data.io.medmnist_npz import read_npz
from cohortsmith.data.io.png_folder import IMAGE_SUFFIXES, image_files, read_images
from cohortsmith.data.io.sequence_assembly import read_sequences, sequence_files
from cohortsmith.data.io.sequence_records import GENBANK, SEQUENCE_SUFFIXES
from cohortsmith.data.io.tables import Columns, read_delimited, read_frame, read_parquet
from cohortsmith.data.io.vcf import VCF

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.data.kinds import Kind

DELIMITED = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
TABLES = (".h5ad", *DELIMITED, ".parquet")
SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "expression": (*TABLES, *SERIES_MATRIX, *GCT),
    "sequence": (*SEQUENCE_SUFFIXES, *VCF),
    "image": (".npz",),
}
PNG_FOLDER = "/"  # pseudo-suffix of a folder with a folder of PNG per class
WRITTEN: dict[Kind, tuple[str, ...]] = {
    "expression": TABLES,
    "sequence": (*(suffix for suffix in SEQUENCE_SUFFIXES if suffix.removesuffix(".gz") not in GENBANK), *VCF),
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
    if name.lower().endswith(IMAGE_SUFFIXES):
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
    if kind == "expression" and suffix not in TABLES:
        return _PLAIN[kind]
    if kind == "sequence" and suffix not in VCF:  # GenBank is read only, and .fa is FASTA
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
            return _read_folder(path, options, by_kind)
        suffix = suffix_of(path)
        kind = kind_of_file(path)
        own = fitting(kind, path.name, by_kind)
        if path.stat().st_size == 0:
            raise DataError(f"{path.name} is empty; {_CONTENT[kind]} expected")
        if kind == "sequence":
            return read_sequences(path, **options, **own)
        if kind == "image":
            return read_npz(path, **options, **own)
        table = _read_table(path, suffix, _columns(options, own), own)
    except OSError as error:
        raise DataError(f"cannot read {path.name}: {error.strerror or type(error).__name__}") from None
    return _assembled(table, options, own)


def read_memory(source: Any, options: Mapping[str, Any], by_kind: Mapping[Kind, dict[str, Any]]) -> Cohort:
    """Cohort from a pandas data frame or an AnnData object; options as in `read_file`.

    Raises:
        DataError: as `read_cohort`, or another object.
    """
    own = fitting("expression", "the data frame", by_kind)
    if isinstance(source, pd.DataFrame):
        _refuse("a data frame", own, "layer", "transpose")
        return _assembled(read_frame(source, _columns(options, own)), options, own)
    if all(hasattr(source, name) for name in ("X", "obs", "var_names", "layers", "uns")):
        _refuse("AnnData", own, "transpose", "covariates")
        return _assembled(read_anndata(source, "AnnData", own.get("layer")), options, own)
    raise DataError(
        f"a path, a set's name, a pandas data frame or an AnnData object was expected; got {type(source).__name__}"
    )


def _read_folder(path: Path, options: Mapping[str, Any], by_kind: Mapping[Kind, dict[str, Any]]) -> Cohort:
    if sequence_files(path):
        return read_sequences(path, **options, **fitting("sequence", path.name, by_kind))
    if counts := star_files(path):
        own = fitting("expression", path.name, by_kind)
        _refuse("a folder of counts", own, "layer", "transpose", "covariates")
        return _assembled(read_star(path, counts), options, own)
    if image_files(path):
        return read_images(path, **options, **fitting("image", path.name, by_kind))
    raise DataError(
        f"{path.name} is a folder without sequence files or images; expected a file, a folder with one FASTA per "
        "class, or one with a folder of PNG, JPEG or TIFF images, or of STAR counts, per class"
    )


def _read_table(path: Path, suffix: str, columns: Columns, own: Mapping[str, Any]) -> Table:
    """Table of an expression file."""
    if suffix != ".h5ad":
        _refuse(suffix, own, "layer")
    if suffix not in DELIMITED:
        _refuse(suffix, own, "transpose")
    if suffix == ".h5ad":
        return read_apart(path, own.get("layer"))
    if is_gene_matrix(suffix):
        return read_gene_matrix(path, suffix)
    if suffix == ".parquet":
        return read_parquet(path, columns)
    return read_delimited(path, columns, transpose=bool(own.get("transpose")))


def _columns(options: Mapping[str, Any], own: Mapping[str, Any]) -> Columns:
    return Columns(options["label"], options["subject"], own.get("covariates", ()))


def _assembled(table: Table, options: Mapping[str, Any], own: Mapping[str, Any]) -> Cohort:
    if own.get("labels") is not None:
        table = with_labels(table, own["labels"])
    return assemble(table, **options, scale=own.get("scale"), impute=bool(own.get("impute")))


def _refuse(what: str, own: Mapping[str, Any], *names: str) -> None:
    """Refuse options of expression that a format has no use for."""
    for name in names:
        if own.get(name):
            raise DataError(f"--{name.removesuffix('s')} ({name}=) does not apply to {what}; leave it out")


def has_known_suffix(name: str) -> bool:
    """Whether a name has the suffix of a supported format."""
    return name.lower().endswith(EVERY_SUFFIX)


def fitting(kind: Kind, name: str, by_kind: Mapping[Kind, dict[str, Any]]) -> dict[str, Any]:
    """Options of one data kind; a scale is ignored for kinds without one, other foreign options are rejected."""
    others = {option: value for other in by_kind if other != kind for option, value in by_kind[other].items()}
    stray = [o for o, value in others.items() if value and o != "scale" and o not in by_kind[kind]]
    if stray:
        asked = ", ".join(
            f"--{option.replace('_', '-').removesuffix('s' * (option == 'covariates'))}" for option in stray
        )
        raise DataError(f"{name} contains {_HELD[kind]}, to which {asked} does not apply; leave it out")
    return by_kind[kind]
