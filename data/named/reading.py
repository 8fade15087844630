"""`read_cohort`: a cohort from a file, a folder, or a named set."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohortsmith.data.errors import DataError, ReadWarning
from cohortsmith.data.io import fitting, has_known_suffix, read_file, read_memory
from cohortsmith.data.named.catalog import BUILT_IN, find_set, named_sets
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData

    from cohortsmith.data.cohort import Cohort, Scale
    from cohortsmith.data.kinds import Kind


def read_cohort(
    source: str | os.PathLike[str] | pd.DataFrame | AnnData,
    *,
    label: str | None = None,
    subject: str | None = None,
    scale: Scale | None = None,
    impute: bool = False,
    covariates: Sequence[str] = (),
    layer: str | None = None,
    transpose: bool = False,
    label_pattern: str | None = None,
    labels: str | os.PathLike[str] | None = None,
    reference: str | os.PathLike[str] | None = None,
    alphabet: str | None = None,
    resize: int | None = None,
    part: bool = False,
) -> Cohort:
    """Read a cohort from a file, a folder (with a file or a folder per class), from memory, or by name (`named_sets`).

    Expression: samples are rows. In CSV, TSV, Parquet and data frames the column `sample_id`, or one with another name
    for ids (`id`, `barcode`, `mrn`, unnamed), or a first column of different texts or whole numbers holds the ids.
    Covariates, besides label and subject, are the columns of text, those named in `covariates`, those with the prefix
    `obs:`, and those with a clinical name (`covariates.COVARIATES`, `days_to_death`); every other column is a gene and
    must be numeric. Constant genes are kept and counted in `provenance["constant_genes"]`. Genes in rows: GEO series
    matrices, GCT, STAR counts, and text tables with `transpose`; `labels` joins a table of classes and covariates.

    Sequences: FASTA and GenBank, also gzip-compressed. The first word of a header is the sample's name, fields
    `key=value` are covariates. Columns: see `sequence_assembly.read_sequences`. U is read as T; N and IUPAC codes are
    masked and counted in `provenance["masked"]`.

    Images: MedMNIST `.npz` of 2D sets, and folders of PNG, at 28 x 28; see `medmnist_npz.read_npz` and
    `png_folder.read_images`. Images of one lesion belong to one patient, where no patient is named. The split of each
    image is in `obs["split"]`, and `data.split` follows it. Multi-label sets (ChestMNIST) are not supported.

    Args:
        source: path (.h5ad, .csv, .tsv, each also .gz, .parquet; .fasta, .fa, .fna, .gb, .gbk; .npz), folder, or a
            set's name; or a pandas data frame or an AnnData object.
        label: column (sequences: key in the header) of the classes; by default as recorded in the file, else `label`.
        subject: column (key in the header, or pattern with one group on the whole header) of the patients; by default
            as recorded in the file, else `patient`, `patient_id`, `subject` or `subject_id` if present, else every
            sample is a separate patient.
        scale: of expression: "counts", "linear" or "log"; by default as recorded in the file, else detected; one that
            the values contradict is an error.
        impute: fill missing values with the gene's median (counted in `provenance["imputed"]`); expression only.
        covariates: numeric columns of a table that are not genes.
        layer: of AnnData, the layer that is read in place of X.
        transpose: of CSV and TSV, genes are in rows and samples in columns.
        label_pattern: regular expression whose one group, searched in the whole header of a sequence, is its class.
        labels: table of the classes by sample, lines `id<TAB>label`; with a header, the class is in the column `label`.
        reference: what sequences are aligned to: the name of a known reference, a FASTA or GenBank file with one
            record, or "none" to take them as they are.
        alphabet: "dna" or "rna" to reject U or T, respectively; by default both are read.
        resize: 28 to crop images of another size to their central square and resize them to 28 x 28.
        part: the file is part of a cohort (a holdout, a synthetic sample), so a single class, or a class with one
            patient, is not an error.

    Warns:
        ReadWarning: what was passed over or dropped, or may not be what it seems; also in `provenance["warnings"]`.

    Raises:
        DataError: unknown file or set, wrong suffix, damaged or empty file, missing column, missing labels, a single
            class, a class with one patient, missing or infinite values, text among numbers, repeated names, negative
            counts; letters that are not nucleotides, an empty or fully masked sequence, sequences that cannot be
            aligned; an incomplete `.npz` or PNG, pickled arrays, a missing split, pixels that are not uint8, a size
            other than 28, labels out of range, several labels per image, mixed channels; an option for another kind.
    """
    cohort = load_cohort(
        source,
        label=label,
        subject=subject,
        scale=scale,
        impute=impute,
        covariates=covariates,
        layer=layer,
        transpose=transpose,
        label_pattern=label_pattern,
        labels=labels,
        reference=reference,
        alphabet=alphabet,
        resize=resize,
        part=part,
    )
    for line in cohort.provenance.get("warnings", ()):
        warnings.warn(line, ReadWarning, stacklevel=2)
    return cohort


def load_cohort(
    source: str | os.PathLike[str] | pd.DataFrame | AnnData,
    *,
    label: str | None = None,
    subject: str | None = None,
    scale: Scale | None = None,
    impute: bool = False,
    covariates: Sequence[str] = (),
    layer: str | None = None,
    transpose: bool = False,
    label_pattern: str | None = None,
    labels: str | os.PathLike[str] | None = None,
    reference: str | os.PathLike[str] | None = None,
    alphabet: str | None = None,
    resize: int | None = None,
    part: bool = False,
) -> Cohort:
    """As `read_cohort`, but what is odd stands in `provenance["warnings"]` alone; for programs that tell it themselves.

    Raises:
        DataError: as `read_cohort`.
    """
    options: dict[str, Any] = {"label": label, "subject": subject, "part": part}
    by_kind: dict[Kind, dict[str, Any]] = {
        "expression": {
            "scale": scale,
            "impute": impute,
            "covariates": tuple(covariates),
            "layer": layer,
            "transpose": transpose,
            "labels": None if labels is None else Path(labels),
        },
        "sequence": {
            "label_pattern": label_pattern,
            "labels": None if labels is None else Path(labels),
            "reference": None if reference is None else os.fspath(reference),
            "alphabet": alphabet,
        },
        "image": {"resize": resize},
    }
    if not isinstance(source, (str, os.PathLike)):
        return read_memory(source, options, by_kind)
    name = os.fspath(source)
    path = Path(name)
    try:
        exists = path.exists()
    except OSError as error:
        raise DataError(f"cannot read {path.name}: {error.strerror or type(error).__name__}") from None
    # A folder named like a set does not hide the set.
    if not (exists and has_known_suffix(name)) and (named := find_set(name)) is not None:
        own = fitting(named.kind, name, by_kind)
        for option in ("layer", "transpose", "labels"):
            if named in BUILT_IN and named.kind == "expression" and own.pop(option):
                raise DataError(
                    f"{name} is not read from a file, so --{option} ({option}=) is not for it; leave it out"
                )
        return named.load(**options, **own)
    if not exists:
        raise DataError(_not_found(path))
    return read_file(path, options, by_kind)


def _not_found(path: Path) -> str:
    names = [s.name for s in named_sets()]
    beside = [p.name for p in path.parent.iterdir() if not p.name.startswith(".")] if path.parent.is_dir() else []
    near = near_misses(path.name, [*beside, *names])
    if not path.parent.is_dir():
        near = near or f"; the folder {str(path.parent)!r} does not exist"
    more = f" and {len(names) - 8} more (cohortsmith data list)" if len(names) > 8 else ""
    return f"no file or named set {str(path)!r}{near or '; named sets: ' + ', '.join(names[:8]) + more}"
