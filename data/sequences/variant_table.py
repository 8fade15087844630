"""Tables of variants and how many patients carry each, as consortia publish them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from cohortsmith.data.errors import DataError
from cohortsmith.data.sequences.hgvs_names import parse_hgvs

if TYPE_CHECKING:
    from cohortsmith.data.sequences.edits import Variant
    from cohortsmith.data.sequences.reference import Reference

NAME = "HGVSc"
COUNTS = ("n_patients", "n_tcga")


def read_variant_table(path: str | Path, reference: Reference) -> dict[Variant, int]:
    """Number of patients with each variant that the reference can express, 3'-normalised.

    Args:
        path: a table with a head, tabs between columns (commas in a `.csv`): `HGVSc` the name ("c.524G>A"), and
            `n_patients` (or `n_tcga`) the number of patients. Other columns are left alone.
        reference: what the names count along. Rows that it cannot express (splice sites, introns) are left out; rows
            that come to the same variant are summed.

    Raises:
        DataError: no such file, no such columns, or a number that is none.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(csv.DictReader(file, delimiter="," if path.suffix == ".csv" else "\t"), path, reference)
    except OSError as error:
        raise DataError(f"{path}: no table of variants can be read ({error.strerror}); give a TSV file") from None
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{path}: a table of variants was expected, text with tabs between columns") from None


def _read(rows: csv.DictReader[str], path: Path, reference: Reference) -> dict[Variant, int]:
    columns = list(rows.fieldnames or ())
    count = next((name for name in COUNTS if name in columns), None)
    if NAME not in columns or count is None:
        raise DataError(
            f"{path}: a table of variants has the columns {NAME} and {' or '.join(COUNTS)} in its first line; "
            f"got {len(columns)} column(s) without {COUNTS[0] if NAME in columns else NAME}; name them so, tabs between"
        )
    found: dict[Variant, int] = {}
    for row in rows:
        number = (row[count] or "").strip()
        if not number.isdecimal():
            raise DataError(f"{path}: line {rows.line_num}, column {count}: a number of patients was expected")
        variant = parse_hgvs(row[NAME] or "", reference)
        if variant is not None:
            found[variant] = found.get(variant, 0) + int(number)
    if not found:
        raise DataError(
            f"{path}: no row names a variant of {reference.name}; names such as c.524G>A are expected in {NAME}"
        )
    return found
