"""From a parsed table to a validated `Cohort`: roles of the columns, labels, subjects, scale, missing values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd

from cohortsmith.data.cohort import Cohort, Scale
from cohortsmith.data.errors import DataError
from cohortsmith.data.io.column_names import LABEL, NO_LABEL, ONE_CLASS, PATIENTS, REPEATED, SAMPLE_ID, plain_name
from cohortsmith.data.io.covariates import tidy
from cohortsmith.data.io.oddities import odd_classes, odd_genes, some
from cohortsmith.data.patients import spelled
from cohortsmith.data.scale import contradiction, deciding_columns, detect_scale
from cohortsmith.data.suggestions import close_names, near_misses

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_CLASSES = 1000
MOST_CODES = 10  # different numbers in a column that could be the label; more are a measurement, such as an age


@dataclass
class Table:
    """A parsed file, as a reader returns it.

    Attributes:
        source: file name for messages and provenance.
        ids: (n,) sample ids.
        x: float32 (n, genes), NaN where missing; owned by the table, so it may be changed.
        genes: names of the columns of `x`.
        obs: every other column, including label and subject, one row per sample.
        first_row: row number of the first sample in the file (a CSV's header is row 1).
        label, subject, scale: as recorded in the file, None otherwise.
        notes: additional provenance.
        warnings: what a person should know of how the file was read, a line each.
    """

    source: str
    ids: NDArray[Any]
    x: NDArray[np.float32]
    genes: tuple[str, ...]
    obs: pd.DataFrame
    first_row: int = 1
    label: str | None = None
    subject: str | None = None
    scale: Scale | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def assemble(
    table: Table,
    *,
    label: str | None = None,
    subject: str | None = None,
    scale: Scale | None = None,
    impute: bool = False,
    part: bool = False,
) -> Cohort:
    """Cohort from a table; arguments as in `read_cohort`.

    Raises:
        DataError: as `read_cohort`.
    """
    if scale is not None and scale not in get_args(Scale):
        raise DataError(f"scale must be one of {', '.join(get_args(Scale))}; got {scale!r}")
    if len(table.ids) == 0:
        raise DataError(f"{table.source} has a header but no samples; one row per sample is expected")
    if not table.genes:
        raise DataError(f"{table.source} has no numeric gene column; samples are expected in rows, genes in columns")
    unique_names(table.genes, "gene", table.source)
    table.obs = tidy(table.obs)
    label = _label_column(table, label)
    subject = _subject_column(table, subject, label or LABEL)
    ids, own, repeats = _sample_ids(table)
    y, classes = _classes(table, label)
    label = label or LABEL
    subjects, orphans = subjects_of_samples(table.obs, subject, own)
    table.warnings += check_sizes(table.source, label, y, subjects, classes, part)
    imputed = check_values(table, impute)
    if scale == "counts":
        check_counts(table)
    scale, scale_from = _scale(table, scale)
    obs = table.obs.drop(columns=[c for c in (label, subject) if c in table.obs.columns])
    obs.index = pd.Index(ids, dtype=object, name=SAMPLE_ID)
    provenance: dict[str, Any] = {
        "source": table.source,
        "scale": scale,
        "scale_from": scale_from,
        "label": label,
        "subject": REPEATED if repeats and subject is None else subject,
        "imputed": imputed,
        "constant_genes": constant_genes(table.x),
        **table.notes,
    }
    told = [*table.warnings, *odd_genes(table.genes, table.source), *odd_classes(classes, label, table.source)]
    if told:
        provenance["warnings"] = tuple(told)
    if repeats:
        provenance["repeated_samples"] = repeats
        provenance["subject_made"] = subject is None
    if orphans:
        provenance["without_subject"] = orphans
    return Cohort(
        kind="expression",
        x=table.x,
        y=y,
        classes=classes,
        features=table.genes,
        subjects=subjects,
        obs=obs,
        provenance=provenance,
    )


def _scale(table: Table, stated: Scale | None) -> tuple[Scale, str]:
    """Scale of the values, and who says so: "stated", "file" or "values".

    Raises:
        DataError: the values contradict the stated scale.
    """
    if stated is not None:
        if why := contradiction(table.x, stated):
            raise DataError(
                f"{table.source}: the scale is stated as {stated}, but {why}; the values look like "
                f"{detect_scale(table.x)}: state that, or leave the scale out to have it detected"
            )
        return stated, "stated"
    own = detect_scale(table.x)
    if table.scale is not None:
        why = contradiction(table.x, table.scale)
        if not why:
            return table.scale, "file"
        table.warnings.append(
            f"{table.source} records the scale {table.scale}, but {why}: read as {own}; state another one if it is "
            "wrong (--scale)"
        )
        return own, "values"
    if (deciding := deciding_columns(table.x, own)) is not None:
        rest, columns = deciding
        table.warnings.append(
            f"{table.source}: the scale is {own} because of {len(columns)} of {len(table.genes)} columns "
            f"({some([table.genes[i] for i in columns])}); the others look like {rest}: declare columns that are no "
            "genes (--covariate), or state the scale (--scale)"
        )
    return own, "values"


def class_positions(names: pd.Series[Any], label: str, source: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Index of each sample's class, and the sorted class names; no name may be missing.

    Raises:
        DataError: so many different values that they cannot be classes.
    """
    if names.dtype == np.float64 and bool((names == names.round()).all()):
        names = names.astype("int64")
    classes, y = np.unique(names.astype(str).to_numpy(dtype=np.str_), return_inverse=True)
    if len(classes) > min(MAX_CLASSES, max(2, len(names) // 2)):
        raise DataError(
            f"{source}: label {label!r} has {len(classes)} different values in {len(names)} samples; this looks like "
            "a measurement or an id, not a class; name a column with few values (--label)"
        )
    return y.astype(np.int64), tuple(classes.tolist())


def _sample_ids(table: Table) -> tuple[list[str], list[str], int]:
    """Unique ids, the original ids (the patient, when no subject is named), and the number of repeats.

    A duplicated record, equal in every column, is kept as `id#2` and belongs to the patient of the first, so that no
    split separates the two. One name on different records is an error.
    """
    own = table.ids.astype(str).tolist()
    seen: dict[str, list[int]] = {}
    for row, name in enumerate(own):
        seen.setdefault(name, []).append(row)
    ids, repeats = list(own), 0
    for name, (first, *others) in seen.items():
        for count, row in enumerate(others, 2):
            same = np.array_equal(table.x[row], table.x[first], equal_nan=True)
            if not same or not table.obs.iloc[row].equals(table.obs.iloc[first]):
                raise DataError(
                    f"{table.source}: the sample name of row {first + table.first_row} appears again in row "
                    f"{row + table.first_row} with other values; sample names must be unique: rename or remove one"
                )
            ids[row] = f"{name}#{count}"
            repeats += 1
    return (unique_names(ids, "sample", table.source) if repeats else ids), own, repeats


def _label_column(table: Table, label: str | None) -> str | None:
    """Name of the label column; None where there are no classes: none are stated, or no column could be one."""
    columns = [str(c) for c in table.obs.columns]
    wanted = label or table.label or LABEL
    if wanted in columns:
        return wanted
    if label == NO_LABEL:
        return None
    if wanted in table.genes:
        raise DataError(
            f"{table.source}: column {wanted!r} is numeric, like a gene; the label must be a column of class names"
        )
    close = close_names(wanted, [*columns, *table.genes])
    close += [c for c in _candidates(table.obs) if c not in close]
    if not close and wanted == LABEL and table.label is None:
        return None
    hint = f"; possible columns: {', '.join(close[:6])}" if close else "; no column looks like a label"
    if not close and not columns:
        hint += "; if genes are in rows, read it with --transpose; classes may come from a table (--labels)"
    raise DataError(
        f"{table.source} has no label column {wanted!r}{hint}; name the column of class names (--label), or state "
        f"that there is none (--label {NO_LABEL})"
    )


def _candidates(obs: pd.DataFrame) -> list[str]:
    """Columns with 2 to 50 different values and at least two samples per value; of numbers, such as codes, 2 to 10."""
    counts = {str(c): obs[c].nunique() for c in obs.columns}
    most = {str(c): MOST_CODES if pd.api.types.is_numeric_dtype(obs[c]) else 50 for c in obs.columns}
    return [c for c, k in counts.items() if 2 <= k <= min(most[c], len(obs) // 2)]


def _subject_column(table: Table, subject: str | None, label: str) -> str | None:
    columns = [str(c) for c in table.obs.columns]
    wanted = subject or table.subject
    if wanted is None:
        return subject_among(columns, label)
    if wanted == label:
        raise DataError(f"{table.source}: column {wanted!r} is named as both label and subject; they must differ")
    if wanted not in columns:
        raise DataError(
            f"{table.source} has no subject column {wanted!r}{near_misses(wanted, columns)}; "
            f"non-gene columns: {', '.join(columns[:8]) or 'none'} (--subject)"
        )
    return wanted


def _classes(table: Table, label: str | None) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    if label is None:
        return np.zeros(len(table.ids), np.int64), (ONE_CLASS,)
    values = table.obs[label]
    missing = np.flatnonzero(values.isna())
    if len(missing):
        raise DataError(
            f"{table.source}: label {label!r} is missing for {len(missing)} of {len(values)} samples (first in row "
            f"{missing[0] + table.first_row}); fill it in, or remove these rows"
        )
    return class_positions(values, label, table.source)


def subject_among(columns: list[str], label: str, more: tuple[str, ...] = ()) -> str | None:
    """The column that holds the patient by its name, in the order of `PATIENTS` and then `more`; None without one."""
    return next((c for name in (*PATIENTS, *more) for c in columns if plain_name(c) == name and c != label), None)


def subjects_of_samples(obs: pd.DataFrame, subject: str | None, ids: list[str]) -> tuple[NDArray[np.str_], int]:
    """Patient of each sample (n,), and how many samples name none.

    A sample that names no patient counts as a patient of its own, under its id.

    Args:
        obs: a row per sample.
        subject: column that names the patient; None where every sample is its own.
        ids: of the samples.
    """
    own = np.asarray(ids, dtype=np.str_)
    if subject is None:
        return own, 0
    missing = obs[subject].isna().to_numpy()
    named = spelled(obs[subject])
    return np.where(missing, np.char.add("sample:", own), named), int(missing.sum())


def unique_names(names: tuple[str, ...] | list[str], what: str, source: str) -> list[str]:
    """The names as a list.

    Raises:
        DataError: a name is repeated; genes are named, samples only counted (an id may identify a person).
    """
    index = pd.Index(names)
    repeated = np.flatnonzero(index.duplicated())
    if len(repeated):
        name = f"first {str(index[repeated[0]])!r}; " if what == "gene" else ""
        raise DataError(
            f"{source}: {len(repeated)} {what} name(s) appear more than once ({name}{what} number "
            f"{repeated[0] + 1} repeats an earlier one); names must be unique: rename or merge them"
        )
    return list(names)


def constant_genes(x: NDArray[Any]) -> int:
    """Number of genes with the same value in every sample."""
    same = np.ones(x.shape[1], dtype=bool)
    for start in range(0, len(x), 256):
        same &= (x[start : start + 256] == x[0]).all(axis=0)
    return int(same.sum())


def check_sizes(
    source: str, label: str, y: NDArray[np.int64], subjects: NDArray[np.str_], classes: tuple[str, ...], part: bool
) -> list[str]:
    """Reject a class with one patient, unless the file is part of a cohort; what to tell of a single class."""
    if part:
        return []
    if len(classes) < 2:
        return [
            f"{source}: all samples are of one class, {classes[0]!r}: nothing is compared between classes; name the "
            "column of class names if there are several (--label)"
        ]
    patients = pd.DataFrame({"y": y, "subject": subjects}).drop_duplicates()["y"].value_counts()
    single = [classes[c] for c in sorted(patients.index[patients < 2])]
    if single:
        first = int(np.isin(y, [classes.index(name) for name in single]).argmax()) + 1
        raise DataError(  # without their names: what one patient alone has is that patient's
            f"{source}: {len(single)} of {len(classes)} classes of label {label!r} have one patient (first: that of "
            f"sample {first}); at least two are needed for train and holdout: leave the class out or merge it with "
            "another, or name another column (--label)"
        )
    return []


def check_values(table: Table, impute: bool) -> int:
    """Reject infinite and missing values, or impute the latter by the gene's median; returns how many."""
    if np.isfinite(table.x.sum(dtype=np.float64)):  # one pass without a mask; any NaN or infinity shows in the sum
        return 0
    infinite = np.isinf(table.x)
    if infinite.any():
        raise DataError(_where(table, infinite, "infinite value", "a finite number is expected: correct or remove it"))
    missing = np.isnan(table.x)
    if not impute:
        advice = "fill it in, remove the gene or sample, or impute the gene's median (--impute, impute=True)"
        raise DataError(_where(table, missing, "missing value", advice))
    for g in np.flatnonzero(missing.any(axis=0)):
        if missing[:, g].all():
            raise DataError(f"{table.source}: gene {table.genes[g]!r} has no value in any sample; remove the gene")
        table.x[missing[:, g], g] = np.median(table.x[~missing[:, g], g])
    return int(missing.sum())


def check_counts(table: Table) -> None:
    """Reject negative values where the scale is stated as counts."""
    negative = table.x < 0
    if negative.any():
        advice = "counts cannot be negative: state the scale as linear or log, or correct the value"
        raise DataError(_where(table, negative, "negative count", advice))


def _where(table: Table, mask: NDArray[np.bool_], what: str, advice: str) -> str:
    row, gene = divmod(int(np.argmax(mask)), mask.shape[1])
    place = f"row {row + table.first_row}, column {table.genes[gene]!r}"
    count = int(mask.sum())
    return f"{table.source}: {what} in {place}{f' and {count - 1} more' if count > 1 else ''}; {advice}"
