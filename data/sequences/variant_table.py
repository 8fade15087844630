"""Published tables of variants with the number of patients who carry each."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from cohortsmith.data.errors import DataError
from cohortsmith.data.sequences.hgvs_names import parse_hgvs

if TYPE_CHECKING:
    from cohortsmith.data.sequences.reference import Reference
    from cohortsmith.data.sequences.variants import Variant

NAME_COLUMN = "HGVSc"
COUNT_COLUMNS = ("n_patients", "n_tcga")


def read_variant_table(path: str | Path, reference: Reference) -> dict[Variant, int]:
    """Number of patients with each variant that the reference can express, 3'-normalised.

    Args:
        path: a table with a header, separated by tabs (commas in a `.csv`): `HGVSc` the name ("c.524G>A"), and
            `n_patients` (or `n_tcga`) the number of patients. Other columns are ignored.
        reference: that the names refer to. Rows that it cannot express (splice sites, introns) are left out; rows
            that normalise to the same variant are summed.

    Raises:
        DataError: missing file, missing columns, or an invalid number.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(csv.DictReader(file, delimiter="," if path.suffix == ".csv" else "\t"), path, reference)
    except OSError as error:
        raise DataError(f"{path}: cannot read the table of variants ({error.strerror}); provide a TSV file") from None
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{path}: a table of variants was expected, tab-separated text") from None


def _read(rows: csv.DictReader[str], path: Path, reference: Reference) -> dict[Variant, int]:
    columns = list(rows.fieldnames or ())
    count = next((name for name in COUNT_COLUMNS if name in columns), None)
    if NAME_COLUMN not in columns or count is None:
        raise DataError(
            f"{path}: a table of variants needs the columns {NAME_COLUMN} and {' or '.join(COUNT_COLUMNS)} in the "
            f"first line, separated by tabs; got {len(columns)} column(s) without "
            f"{COUNT_COLUMNS[0] if NAME_COLUMN in columns else NAME_COLUMN}; rename them"
        )
    found: dict[Variant, int] = {}
    for row in rows:
        number = (row[count] or "").strip()
        if not number.isdecimal():
            raise DataError(f"{path}: line {rows.line_num}, column {count}: expected a number of patients")
        variant = parse_hgvs(row[NAME_COLUMN] or "", reference)
        if variant is not None:
            found[variant] = found.get(variant, 0) + int(number)
    if not found:
        raise DataError(
            f"{path}: no row names a variant of {reference.name}; names such as c.524G>A are expected in {NAME_COLUMN}"
        )
    return found
