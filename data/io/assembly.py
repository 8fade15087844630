"""From a table as read to a checked `Cohort`: roles of the columns, labels, subjects, scale, missing values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd

from cohortsmith.data.cohort import Cohort, Scale
from cohortsmith.data.errors import DataError
from cohortsmith.data.io.covariates import tidy
from cohortsmith.data.scale import detect_scale
from cohortsmith.data.suggestions import near_misses, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABEL = "label"
SUBJECTS = ("patient", "patient_id", "subject", "subject_id")  # taken as the subject when none is named
MAX_CLASSES = 1000


@dataclass
class Table:
    """What a reader hands over.

    Attributes:
        source: file name for messages and provenance.
        ids: (n,) sample ids.
        x: float32 (n, genes), NaN where missing; the reader gives it away.
        genes: names of the columns of `x`.
        obs: every other column, including label and subject, one row a sample.
        first_row: number of the first sample's row, as the file counts (a CSV's header is row 1).
        label, subject, scale: what the file itself records, None where it does not.
        notes: further provenance.
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
        DataError: whatever does not hold; see `read_cohort`.
    """
    if scale is not None and scale not in get_args(Scale):
        raise DataError(f"scale must be one of {', '.join(get_args(Scale))}; got {scale!r}")
    if len(table.ids) == 0:
        raise DataError(f"{table.source} holds a header but no samples; one row a sample is expected")
    if not table.genes:
        raise DataError(f"{table.source} has no numeric gene column; samples are expected in rows, genes in columns")
    unique(table.genes, "gene", table.source)
    table.obs = tidy(table.obs)
    label = _label_column(table, label)
    subject = _subject_column(table, subject, label)
    ids, own, repeats = _sample_ids(table)
    y, classes = _classes(table, label)
    subjects, orphans = _subjects(table, subject, own)
    check_sizes(table.source, label, y, subjects, classes, part)
    imputed = check_values(table, impute)
    stated = scale or table.scale
    if stated == "counts":
        check_counts(table)
    obs = table.obs.drop(columns=[c for c in (label, subject) if c is not None])
    obs.index = pd.Index(ids, dtype=object, name="sample_id")
    provenance: dict[str, Any] = {
        "source": table.source,
        "scale": stated or detect_scale(table.x),
        "scale_from": "stated" if scale else "file" if table.scale else "values",
        "label": label,
        "subject": "subject" if repeats and subject is None else subject,
        "imputed": imputed,
        "constant_genes": constant_genes(table.x),
        **table.notes,
    }
    if repeats:
        provenance["repeated_samples"] = repeats
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


def class_positions(names: pd.Series[Any], label: str, source: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Position of each sample's class among the class names, and these, sorted; no name may be missing.

    Raises:
        DataError: so many different names that they are no classes.
    """
    if names.dtype == np.float64 and bool((names == names.round()).all()):
        names = names.astype("int64")
    classes, y = np.unique(names.astype(str).to_numpy(dtype=np.str_), return_inverse=True)
    if len(classes) > min(MAX_CLASSES, max(2, len(names) // 2)):
        raise DataError(
            f"{source}: label {label!r} has {len(classes)} different values in {len(names)} samples; that is a "
            "measurement or an id, not a class; name a column with few values (--label)"
        )
    return y.astype(np.int64), tuple(classes.tolist())


def _sample_ids(table: Table) -> tuple[list[str], list[str], int]:
    """Unique ids, the ids as they stand (of whom a sample is when no subject is named), and how many are repeats.

    A record that stands twice, the same in every column, is kept under `id#2` and belongs to the patient of the first,
    so no split sets the two apart. One name on different records is an error.
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
                    f"{table.source}: the sample name of row {first + table.first_row} stands again in row "
                    f"{row + table.first_row} with other values; sample names must be unique: rename or leave one out"
                )
            ids[row] = f"{name}#{count}"
            repeats += 1
    return (unique(ids, "sample", table.source) if repeats else ids), own, repeats


def _label_column(table: Table, label: str | None) -> str:
    columns = [str(c) for c in table.obs.columns]
    wanted = label or table.label or LABEL
    if wanted in columns:
        return wanted
    if wanted in table.genes:
        raise DataError(
            f"{table.source}: column {wanted!r} holds numbers of a gene; the label must be a column of class names"
        )
    close = nearest(wanted, [*columns, *table.genes])
    close += [c for c in _candidates(table.obs) if c not in close]
    hint = f"; columns that could be it: {', '.join(close[:6])}" if close else "; no column looks like one"
    raise DataError(f"{table.source} has no label column {wanted!r}{hint}; name the column of class names (--label)")


def _candidates(obs: pd.DataFrame) -> list[str]:
    """Columns with 2 to 50 different values and at least two samples a value."""
    counts = {str(c): obs[c].nunique() for c in obs.columns}
    return [c for c, k in counts.items() if 2 <= k <= min(50, len(obs) // 2)]


def _subject_column(table: Table, subject: str | None, label: str) -> str | None:
    columns = [str(c) for c in table.obs.columns]
    wanted = subject or table.subject
    if wanted is None:
        found = [c for name in SUBJECTS for c in columns if c.casefold() == name and c != label]
        return found[0] if found else None
    if wanted == label:
        raise DataError(f"{table.source}: column {wanted!r} is named as label and as subject; they must differ")
    if wanted not in columns:
        raise DataError(
            f"{table.source} has no subject column {wanted!r}{near_misses(wanted, columns)}; "
            f"other columns than genes: {', '.join(columns[:8]) or 'none'} (--subject)"
        )
    return wanted


def _classes(table: Table, label: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    values = table.obs[label]
    missing = np.flatnonzero(values.isna())
    if len(missing):
        raise DataError(
            f"{table.source}: label {label!r} is missing for {len(missing)} of {len(values)} samples (first in row "
            f"{missing[0] + table.first_row}); fill it in, or leave these rows out"
        )
    return class_positions(values, label, table.source)


def _subjects(table: Table, subject: str | None, ids: list[str]) -> tuple[NDArray[np.str_], int]:
    own = np.asarray(ids, dtype=np.str_)
    if subject is None:
        return own, 0
    column = table.obs[subject]
    missing = column.isna().to_numpy()
    # A sample that names no patient counts as a patient of its own; how many such samples there are is recorded.
    named = column.astype(str).to_numpy(dtype=np.str_)
    return np.where(missing, np.char.add("sample:", own), named), int(missing.sum())


def unique(names: tuple[str, ...] | list[str], what: str, source: str) -> list[str]:
    """The names as a list.

    Raises:
        DataError: a name stands twice; genes are named, samples only counted (an id may point to a person).
    """
    index = pd.Index(names)
    repeated = np.flatnonzero(index.duplicated())
    if len(repeated):
        name = f"first {str(index[repeated[0]])!r}; " if what == "gene" else ""
        raise DataError(
            f"{source}: {len(repeated)} {what} name(s) stand more than once ({name}{what} number "
            f"{repeated[0] + 1} repeats "
            f"an earlier one); names must be unique: rename or merge them"
        )
    return list(names)


def constant_genes(x: NDArray[Any]) -> int:
    """Number of genes with one and the same value in every sample."""
    same = np.ones(x.shape[1], dtype=bool)
    for start in range(0, len(x), 256):
        same &= (x[start : start + 256] == x[0]).all(axis=0)
    return int(same.sum())


def check_sizes(
    source: str, label: str, y: NDArray[np.int64], subjects: NDArray[np.str_], classes: tuple[str, ...], part: bool
) -> None:
    """Refuse one class only and a class with one patient, unless it is a part of a cohort."""
    if part:
        return
    if len(classes) < 2:
        raise DataError(
            f"{source}: label {label!r} has one class only ({classes[0]}); two or more are needed: "
            "name another column (--label)"
        )
    patients = pd.DataFrame({"y": y, "subject": subjects}).drop_duplicates()["y"].value_counts()
    single = [classes[c] for c in sorted(patients.index[patients < 2])]
    if single:
        more = f" and {len(single) - 5} more" if len(single) > 5 else ""
        raise DataError(
            f"{source}: class {', '.join(map(repr, single[:5]))}{more} of label {label!r} has one patient; "
            "two or more are needed to learn and to hold out: leave the class out or merge it with another"
        )


def check_values(table: Table, impute: bool) -> int:
    """Refuse infinite and missing values, or impute the latter by the gene's median; returns how many."""
    if np.isfinite(table.x.sum(dtype=np.float64)):  # one pass without a mask; any NaN or infinity would show
        return 0
    infinite = np.isinf(table.x)
    if infinite.any():
        raise DataError(_where(table, infinite, "infinite value", "a finite number is expected: correct or leave out"))
    missing = np.isnan(table.x)
    if not impute:
        advice = "fill it in, leave the gene or sample out, or ask for the gene's median (--impute, impute=True)"
        raise DataError(_where(table, missing, "missing value", advice))
    for g in np.flatnonzero(missing.any(axis=0)):
        if missing[:, g].all():
            raise DataError(f"{table.source}: gene {table.genes[g]!r} has no value in any sample; leave the gene out")
        table.x[missing[:, g], g] = np.median(table.x[~missing[:, g], g])
    return int(missing.sum())


def check_counts(table: Table) -> None:
    """Refuse negative values where counts are stated."""
    negative = table.x < 0
    if negative.any():
        advice = "counts are zero or more: state the scale as linear or log, or correct the value"
        raise DataError(_where(table, negative, "negative count", advice))


def _where(table: Table, mask: NDArray[np.bool_], what: str, advice: str) -> str:
    row, gene = divmod(int(np.argmax(mask)), mask.shape[1])
    place = f"row {row + table.first_row}, column {table.genes[gene]!r}"
    count = int(mask.sum())
    return f"{table.source}: {what} in {place}{f' and {count - 1} more' if count > 1 else ''}; {advice}"
