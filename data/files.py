"""Reading a cohort from a file or a named set; which suffix is which format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.annfile import read_h5ad
from data.assembly import assemble
from data.errors import DataError
from data.names import near_misses
from data.records import GENBANK
from data.records import SUFFIXES as SEQUENCES
from data.sequences import read_sequences, sequence_files
from data.tables import read_delimited, read_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.cohort import Cohort, Kind, Scale

DELIMITED = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "expression": (".h5ad", *DELIMITED, ".parquet"),
    "sequence": SEQUENCES,
}
WRITTEN: dict[Kind, tuple[str, ...]] = {
    "expression": SUFFIXES["expression"],
    "sequence": tuple(suffix for suffix in SEQUENCES if suffix.removesuffix(".gz") not in GENBANK),
}
_EVERY = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_HELD = {"expression": "expression", "sequence": "sequences"}
_OTHER_KINDS = {".npz": "images", ".png": "images"}


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Format of a path by its name: one of those in `SUFFIXES`.

    Raises:
        DataError: another one, or one of another data kind.
    """
    name = Path(path).name
    for suffix in sorted(_EVERY, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return suffix
    can = "; ".join(f"{_HELD[kind]}: {', '.join(suffixes)}" for kind, suffixes in SUFFIXES.items())
    for suffix, kind in _OTHER_KINDS.items():
        if name.lower().endswith(suffix):
            raise DataError(f"{name}: {suffix} holds {kind}, which are not read yet; use one of {can}")
    raise DataError(f"{name}: unknown kind of file; the name must end in one of {can}")


def kind_of(path: str | os.PathLike[str]) -> Kind:
    """Data kind that a file of this name holds.

    Raises:
        DataError: as `suffix_of`.
    """
    suffix = suffix_of(path)
    return next(kind for kind, suffixes in SUFFIXES.items() if suffix in suffixes)


def check_written(path: str | os.PathLike[str], kind: Kind) -> str:
    """Suffix of a file to write a cohort of that kind to.

    Raises:
        DataError: the format holds another kind, or is only read.
    """
    suffix = suffix_of(path)
    if suffix not in WRITTEN.get(kind, ()):
        held = kind_of(path)
        why = f"{suffix} is read only" if held == kind else f"{suffix} holds {_HELD[held]}"
        can = ", ".join(WRITTEN.get(kind, ())) or "none"
        raise DataError(f"{Path(path).name}: {why}; a cohort of kind {kind} is written as {can}")
    return suffix


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
    label_pattern: str | None = None,
    labels: str | os.PathLike[str] | None = None,
    reference: str | os.PathLike[str] | None = None,
    alphabet: str | None = None,
    part: bool = False,
) -> Cohort:
    """Read a cohort from a file, a folder of sequences (one file a class), or by the name of a set (`named_sets`).

    Expression: samples stand in rows. In CSV, TSV and Parquet the first column `sample_id` (or `id`, `sample`, no name)
    holds the ids; besides label and subject, covariates are the columns whose values are all text, those named in
    `covariates`, those called `obs:...`, and those of the literal list `data.covariates.COVARIATES`; every other column
    is a gene and must hold numbers. Constant genes are kept and counted in `provenance["constant_genes"]`.

    Sequences: FASTA and GenBank, also gzip-compressed. The first word of a header is the sample's name, other words
    `key=value` are covariates. Columns: see `data.sequences.read_sequences`. U reads as T; N and IUPAC codes are
    masked, and counted in `provenance["masked"]`.

    Args:
        source: path (.h5ad, .csv, .tsv, each also .gz, .parquet; .fasta, .fa, .fna, .gb, .gbk), or a set's name.
        label: column (sequences: key in the header) of the classes; by default what the file records, else `label`.
        subject: column (key in the header, or pattern with one group on the whole header) of the patients; by default
            what the file records, else `patient`, `patient_id`, `subject` or `subject_id` if there is one, else every
            sample is a patient of its own.
        scale: of expression: "counts", "linear" or "log"; by default what the file records, else detected.
        impute: fill missing values with the gene's median (counted in `provenance["imputed"]`); expression only.
        covariates: numeric columns of a table that are no genes.
        label_pattern: regular expression with one group, searched in the whole header of a sequence: its class.
        labels: table of the classes of sequences, lines `id<TAB>label`.
        reference: what sequences are aligned to: a known reference's name, a FASTA or GenBank file with one record, or
            "none" to take them as they stand.
        alphabet: "dna" or "rna" where sequences must hold no U, or no T; by default both are read.
        part: the file is a part of a cohort (a holdout, a synthetic sample): one class, or one patient of a class,
            is then no error.

    Raises:
        DataError: unknown file or set, wrong suffix, damaged or empty file, no such column, missing labels, one class,
            a class with one patient, missing or infinite values, text among numbers, repeated names, negative counts;
            letters of no nucleotide, an empty or wholly masked sequence, sequences that cannot be aligned; an option
            that is not for this kind of data.
    """
    name = os.fspath(source)
    options: dict[str, Any] = {"label": label, "subject": subject, "part": part}
    tabular: dict[str, Any] = {"scale": scale, "impute": impute, "covariates": tuple(covariates)}
    sequential: dict[str, Any] = {
        "label_pattern": label_pattern,
        "labels": None if labels is None else Path(labels),
        "reference": None if reference is None else os.fspath(reference),
        "alphabet": alphabet,
    }
    path = Path(name)
    try:
        there = path.exists()
        known = there and name.lower().endswith(_EVERY)
        if not known:  # a folder that has a set's name does not hide the set
            from data.catalog import find_set  # the catalogue reads files, so it imports this module

            named = find_set(name)
            if named is not None:
                return named.load(**options, **_fitting(named.kind, name, tabular, sequential))
        if not there:
            raise DataError(_not_found(path))
        if path.is_dir():
            if not sequence_files(path):
                raise DataError(
                    f"{path.name} is a folder without sequence files; expected a file, or a folder with a FASTA a class"
                )
            return read_sequences(path, **options, **_fitting("sequence", path.name, tabular, sequential))
        suffix = suffix_of(path)
        kind = kind_of(path)
        fitting = _fitting(kind, path.name, tabular, sequential)
        if path.stat().st_size == 0:
            held = "a header and one row a sample are" if kind == "expression" else "one record a sample is"
            raise DataError(f"{path.name} is empty; {held} expected")
        if kind == "sequence":
            return read_sequences(path, **options, **fitting)
        chosen = tuple(covariates)
        if suffix == ".h5ad":
            table = read_h5ad(path)
        elif suffix == ".parquet":
            table = read_parquet(path, label, subject, chosen)
        else:
            table = read_delimited(path, label, subject, chosen)
    except OSError as error:
        raise DataError(f"cannot read {path.name}: {error.strerror or type(error).__name__}") from None
    return assemble(table, label=label, subject=subject, scale=scale, impute=impute, part=part)


def _fitting(kind: Kind, name: str, tabular: dict[str, Any], sequential: dict[str, Any]) -> dict[str, Any]:
    """The options that go with a kind; a scale is passed over where there is none, others are refused."""
    mine, others = (tabular, sequential) if kind == "expression" else (sequential, tabular)
    stray = [option for option, value in others.items() if value and option != "scale"]
    if stray:
        asked = ", ".join(
            f"--{option.replace('_', '-').removesuffix('s' * (option == 'covariates'))}" for option in stray
        )
        raise DataError(f"{name} holds {_HELD[kind]}, which {asked} is not for; leave it out")
    return mine


def _not_found(path: Path) -> str:
    from data.catalog import named_sets

    names = [s.name for s in named_sets()]
    beside = [p.name for p in path.parent.iterdir() if not p.name.startswith(".")] if path.parent.is_dir() else []
    near = near_misses(path.name, [*beside, *names])
    if not path.parent.is_dir():
        near = near or f"; the folder {str(path.parent)!r} does not exist"
    more = f" and {len(names) - 8} more (cohortsmith data list)" if len(names) > 8 else ""
    return f"no file and no named set {str(path)!r}{near or '; named sets: ' + ', '.join(names[:8]) + more}"
