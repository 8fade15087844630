"""Reading a cohort from a file or a named set; which suffix is which format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from data.annfile import read_h5ad
from data.assembly import assemble
from data.errors import DataError
from data.names import near_misses
from data.tables import read_delimited, read_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.cohort import Cohort, Scale

DELIMITED = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
SUFFIXES = (".h5ad", *DELIMITED, ".parquet")
_OTHER_KINDS = {
    ".fasta": "sequences", ".fasta.gz": "sequences", ".fa": "sequences", ".gb": "sequences", ".npz": "images",
    ".png": "images",
}  # fmt: skip


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Format of a path by its name: one of `SUFFIXES`.

    Raises:
        DataError: another one, or one of another data kind.
    """
    name = Path(path).name
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return suffix
    for suffix, kind in _OTHER_KINDS.items():
        if name.lower().endswith(suffix):
            raise DataError(f"{name}: {suffix} holds {kind}, and this is expression; use {', '.join(SUFFIXES)}")
    raise DataError(f"{name}: unknown kind of file; the name must end in {', '.join(SUFFIXES)}")


def stem_of(path: str | os.PathLike[str]) -> str:
    """File name without its format's suffix."""
    name = Path(path).name
    return name[: -len(suffix_of(name))]


def read_cohort(
    source: str | os.PathLike[str],
    *,
    label: str | None = None,
    subject: str | None = None,
    scale: Scale | None = None,
    impute: bool = False,
    covariates: Sequence[str] = (),
    part: bool = False,
) -> Cohort:
    """Read a cohort from a file or by the name of a set (`named_sets`).

    Samples stand in rows. In CSV, TSV and Parquet the first column `sample_id` (or `id`, `sample`, no name) holds
    the ids; besides label and subject, covariates are the columns whose values are all text, those named in
    `covariates`, those called `obs:...`, and those of the literal list `data.covariates.COVARIATES`; every other column
    is a gene and must hold numbers. Constant genes are kept and counted in `provenance["constant_genes"]`.

    Args:
        source: path (.h5ad, .csv, .tsv, each also .gz, .parquet), or the name of a set.
        label: column of the classes; by default what the file records, else `label`.
        subject: column of the patients; by default what the file records, else `patient`, `patient_id`, `subject` or
            `subject_id` if there is one, else every sample is a patient of its own.
        scale: "counts", "linear" or "log"; by default what the file records, else detected from the values.
        impute: fill missing values with the gene's median (counted in `provenance["imputed"]`).
        covariates: numeric columns of a table that are no genes.
        part: the file is a part of a cohort (a holdout, a synthetic sample): one class, or one patient of a class,
            is then no error.

    Raises:
        DataError: unknown file or set, wrong suffix, damaged or empty file, no such column, missing labels, one class,
            a class with one patient, missing or infinite values, text among numbers, repeated names, negative counts.
    """
    name = os.fspath(source)
    chosen = tuple(covariates)
    path = Path(name)
    try:
        there = path.exists()
        if not there or not name.lower().endswith(SUFFIXES):  # a folder that has a set's name does not hide the set
            from data.catalog import find_set  # the catalogue reads files, so it imports this module

            named = find_set(name)
            if named is not None:
                return named.load(
                    label=label, subject=subject, scale=scale, impute=impute, covariates=chosen, part=part
                )
        if not there:
            raise DataError(_not_found(path))
        suffix = suffix_of(path)
        if path.is_dir():
            raise DataError(f"{path.name} is a folder; a file is expected")
        if path.stat().st_size == 0:
            raise DataError(f"{path.name} is empty; a header and one row a sample are expected")
        if suffix == ".h5ad":
            table = read_h5ad(path)
        elif suffix == ".parquet":
            table = read_parquet(path, label, subject, chosen)
        else:
            table = read_delimited(path, label, subject, chosen)
    except OSError as error:
        raise DataError(f"cannot read {path.name}: {error.strerror or type(error).__name__}") from None
    return assemble(table, label=label, subject=subject, scale=scale, impute=impute, part=part)


def _not_found(path: Path) -> str:
    from data.catalog import named_sets

    names = [s.name for s in named_sets()]
    beside = [p.name for p in path.parent.iterdir() if not p.name.startswith(".")] if path.parent.is_dir() else []
    near = near_misses(path.name, [*beside, *names])
    if not path.parent.is_dir():
        near = near or f"; the folder {str(path.parent)!r} does not exist"
    return f"no file and no named set {str(path)!r}{near or '; named sets: ' + ', '.join(names)}"
