"""Reading a cohort from a file or a named set; which suffix is which format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.annfile import read_h5ad
from data.assembly import assemble
from data.errors import DataError
from data.names import near_misses
from data.npzfile import read_npz
from data.pngs import png_files, read_pngs
from data.records import GENBANK
from data.records import SUFFIXES as SEQUENCES
from data.sequences import read_sequences, sequence_files
from data.tables import read_delimited, read_parquet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from data.cohort import Cohort, Kind, Scale

DELIMITED = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "expression": (".h5ad", *DELIMITED, ".parquet"),
    "sequence": SEQUENCES,
    "image": (".npz",),
}
PNG_FOLDER = "/"  # stands for a format that has no suffix: a folder with a folder of PNG a class
WRITTEN: dict[Kind, tuple[str, ...]] = {
    "expression": SUFFIXES["expression"],
    "sequence": tuple(suffix for suffix in SEQUENCES if suffix.removesuffix(".gz") not in GENBANK),
    "image": (".npz", PNG_FOLDER),
}
_EVERY = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_HELD = {"expression": "expression", "sequence": "sequences", "image": "images"}
_CONTENT = {
    "expression": "a header and one row a sample are",
    "sequence": "one record a sample is",
    "image": "images and labels are",
}


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Format of a path by its name: one of those in `SUFFIXES`.

    Raises:
        DataError: another one.
    """
    name = Path(path).name
    for suffix in sorted(_EVERY, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return suffix
    can = "; ".join(f"{_HELD[kind]}: {', '.join(suffixes)}" for kind, suffixes in SUFFIXES.items())
    if name.lower().endswith(".png"):
        raise DataError(f"{name} is one image; name the folder that holds a folder of PNG for each class")
    raise DataError(f"{name}: unknown kind of file; the name must end in one of {can}")


def kind_of(path: str | os.PathLike[str]) -> Kind:
    """Data kind that a file of this name holds.

    Raises:
        DataError: as `suffix_of`.
    """
    suffix = suffix_of(path)
    return next(kind for kind, suffixes in SUFFIXES.items() if suffix in suffixes)


def check_written(path: str | os.PathLike[str], kind: Kind) -> str:
    """Suffix of a file to write a cohort of that kind to; `PNG_FOLDER` for images and a name without a suffix.

    Raises:
        DataError: the format holds another kind, or is only read.
    """
    if kind == "image" and names_folder(path):
        return PNG_FOLDER
    suffix = suffix_of(path)
    if suffix not in WRITTEN.get(kind, ()):
        held = kind_of(path)
        why = f"{suffix} is read only" if held == kind else f"{suffix} holds {_HELD[held]}"
        can = ", ".join(WRITTEN[kind]).replace(PNG_FOLDER, "a folder of PNG (a name without a suffix)")
        raise DataError(f"{Path(path).name}: {why}; a cohort of kind {kind} is written as {can}")
    return suffix


def names_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a folder to be written: it has no suffix, or ends in a slash."""
    return os.fspath(path).endswith(("/", os.sep)) or not Path(path).suffix


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
    resize: int | None = None,
    part: bool = False,
) -> Cohort:
    """Read a cohort from a file, a folder (a FASTA, or a folder of PNG, a class), or by a set's name (`named_sets`).

    Expression: samples stand in rows. In CSV, TSV and Parquet the first column `sample_id` (or `id`, `sample`, no name)
    holds the ids; besides label and subject, covariates are the columns whose values are all text, those named in
    `covariates`, those called `obs:...`, and those of the literal list `data.covariates.COVARIATES`; every other column
    is a gene and must hold numbers. Constant genes are kept and counted in `provenance["constant_genes"]`.

    Sequences: FASTA and GenBank, also gzip-compressed. The first word of a header is the sample's name, other words
    `key=value` are covariates. Columns: see `data.sequences.read_sequences`. U reads as T; N and IUPAC codes are
    masked, and counted in `provenance["masked"]`.

    Images: MedMNIST `.npz` of 2D sets, and folders of PNG, at 28 x 28; see `data.npzfile.read_npz` and
    `data.pngs.read_pngs`. Images of one lesion are one patient's, where no patient is named. The split of each image
    stands in `obs["split"]`, and `data.split` keeps to it. Multi-label sets (ChestMNIST) are not supported.

    Args:
        source: path (.h5ad, .csv, .tsv, each also .gz, .parquet; .fasta, .fa, .fna, .gb, .gbk; .npz), folder, or a
            set's name.
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
        resize: 28 to have images of another size cut to the square in their middle and resized to 28 x 28.
        part: the file is a part of a cohort (a holdout, a synthetic sample): one class, or one patient of a class,
            is then no error.

    Raises:
        DataError: unknown file or set, wrong suffix, damaged or empty file, no such column, missing labels, one class,
            a class with one patient, missing or infinite values, text among numbers, repeated names, negative counts;
            letters of no nucleotide, an empty or wholly masked sequence, sequences that cannot be aligned; no whole
            `.npz` or PNG, pickled arrays, a split that is absent, pixels that are not uint8, another size than 28,
            labels out of range, several labels an image, mixed channels; an option that is not for this kind of data.
    """
    name = os.fspath(source)
    options: dict[str, Any] = {"label": label, "subject": subject, "part": part}
    by_kind: dict[Kind, dict[str, Any]] = {
        "expression": {"scale": scale, "impute": impute, "covariates": tuple(covariates)},
        "sequence": {
            "label_pattern": label_pattern,
            "labels": None if labels is None else Path(labels),
            "reference": None if reference is None else os.fspath(reference),
            "alphabet": alphabet,
        },
        "image": {"resize": resize},
    }
    path = Path(name)
    try:
        there = path.exists()
        known = there and name.lower().endswith(_EVERY)
        if not known:  # a folder that has a set's name does not hide the set
            from data.catalog import find_set  # the catalogue reads files, so it imports this module

            named = find_set(name)
            if named is not None:
                return named.load(**options, **_fitting(named.kind, name, by_kind))
        if not there:
            raise DataError(_not_found(path))
        if path.is_dir():
            if sequence_files(path):
                return read_sequences(path, **options, **_fitting("sequence", path.name, by_kind))
            if png_files(path):
                return read_pngs(path, **options, **_fitting("image", path.name, by_kind))
            raise DataError(
                f"{path.name} is a folder without sequence files or PNG; expected a file, a folder with a FASTA a "
                "class, or one with a folder of PNG a class"
            )
        suffix = suffix_of(path)
        kind = kind_of(path)
        fitting = _fitting(kind, path.name, by_kind)
        if path.stat().st_size == 0:
            raise DataError(f"{path.name} is empty; {_CONTENT[kind]} expected")
        if kind == "sequence":
            return read_sequences(path, **options, **fitting)
        if kind == "image":
            return read_npz(path, **options, **fitting)
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


def _fitting(kind: Kind, name: str, by_kind: Mapping[Kind, dict[str, Any]]) -> dict[str, Any]:
    """The options that go with a kind; a scale is passed over where there is none, others are refused."""
    others = {option: value for other in by_kind if other != kind for option, value in by_kind[other].items()}
    stray = [option for option, value in others.items() if value and option != "scale"]
    if stray:
        asked = ", ".join(
            f"--{option.replace('_', '-').removesuffix('s' * (option == 'covariates'))}" for option in stray
        )
        raise DataError(f"{name} holds {_HELD[kind]}, which {asked} is not for; leave it out")
    return by_kind[kind]


def _not_found(path: Path) -> str:
    from data.catalog import named_sets

    names = [s.name for s in named_sets()]
    beside = [p.name for p in path.parent.iterdir() if not p.name.startswith(".")] if path.parent.is_dir() else []
    near = near_misses(path.name, [*beside, *names])
    if not path.parent.is_dir():
        near = near or f"; the folder {str(path.parent)!r} does not exist"
    more = f" and {len(names) - 8} more (cohortsmith data list)" if len(names) > 8 else ""
    return f"no file and no named set {str(path)!r}{near or '; named sets: ' + ', '.join(names[:8]) + more}"
