"""`read_cohort`: a cohort from a file, a folder, or a named set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohortsmith.data.errors import DataError
from cohortsmith.data.io import fitting, has_known_suffix, read_file
from cohortsmith.data.named.catalog import find_set, named_sets
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.data.cohort import Cohort, Scale
    from cohortsmith.data.kinds import Kind


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
    `covariates`, those called `obs:...`, and those of the literal list `covariates.COVARIATES`; every other column
    is a gene and must hold numbers. Constant genes are kept and counted in `provenance["constant_genes"]`.

    Sequences: FASTA and GenBank, also gzip-compressed. The first word of a header is the sample's name, other words
    `key=value` are covariates. Columns: see `sequence_assembly.read_sequences`. U reads as T; N and IUPAC codes are
    masked, and counted in `provenance["masked"]`.

    Images: MedMNIST `.npz` of 2D sets, and folders of PNG, at 28 x 28; see `medmnist_npz.read_npz` and
    `png_folder.read_pngs`. Images of one lesion are one patient's, where no patient is named. The split of each image
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
    except OSError as error:
        raise DataError(f"cannot read {path.name}: {error.strerror or type(error).__name__}") from None
    # A folder that has a set's name does not hide the set.
    if not (there and has_known_suffix(name)) and (named := find_set(name)) is not None:
        return named.load(**options, **fitting(named.kind, name, by_kind))
    if not there:
        raise DataError(_not_found(path))
    return read_file(path, options, by_kind)


def _not_found(path: Path) -> str:
    names = [s.name for s in named_sets()]
    beside = [p.name for p in path.parent.iterdir() if not p.name.startswith(".")] if path.parent.is_dir() else []
    near = near_misses(path.name, [*beside, *names])
    if not path.parent.is_dir():
        near = near or f"; the folder {str(path.parent)!r} does not exist"
    more = f" and {len(names) - 8} more (cohortsmith data list)" if len(names) > 8 else ""
    return f"no file and no named set {str(path)!r}{near or '; named sets: ' + ', '.join(names[:8]) + more}"
