"""What a cohort must hold before anything is learned from it; each failure is one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.assembly import Table


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
