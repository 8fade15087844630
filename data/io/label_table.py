"""Tables of labels beside the data: the class and covariates of each sample, by its id."""

from __future__ import annotations

import csv
import zlib
from typing import TYPE_CHECKING, NamedTuple

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.column_names import LABEL, is_subject, is_unnamed, names_samples, plain_name
from cohortsmith.data.io.text_files import open_text
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_HEADS = ("name", "record", "sequence", "seq_id", "strain", "isolate")  # first fields of headers, besides ids
_FORM = "expected a table <id><tab><label>"


class LabelTable(NamedTuple):
    """Rows of a table of labels.

    Attributes:
        source: name of the file, for messages.
        head: names of the columns after the first, None without a header.
        rows: values of the columns after the first, by id.
    """

    source: str
    head: tuple[str, ...] | None
    rows: dict[str, tuple[str, ...]]

    def column(self, name: str | None = None) -> dict[str, str]:
        """Labels by id: of the column `name`, or `label`, or the only one.

        Raises:
            DataError: no such column, several columns of which none is named, an id without a label.
        """
        at = self._at(name)
        found = {key: values[at] if at < len(values) else "" for key, values in self.rows.items()}
        if not all(found.values()):
            number = next(i for i, value in enumerate(found.values(), 1) if not value)
            raise DataError(f"{self.source}: row {number} does not have an id, a tab and a label")
        return found

    def _at(self, name: str | None) -> int:
        if self.head is None:
            if name not in (None, LABEL):
                raise DataError(
                    f"{self.source} has no header that names a column {name!r}; its first line is one of data: add a "
                    "header, or leave --label out"
                )
            if max(len(values) for values in self.rows.values()) > 1:
                raise DataError(f"{self.source} has several columns and no header; name them in a first line (--label)")
            return 0
        if (name or LABEL) in self.head:
            return self.head.index(name or LABEL)
        if name is not None or len(self.head) > 1:
            raise DataError(
                f"{self.source} has no column {name or LABEL!r}{near_misses(name or LABEL, self.head)}; it has "
                f"{', '.join(self.head)} (--label)"
            )
        return 0


def read_labels(path: Path, ids: Collection[str]) -> LabelTable:
    """Labels and covariates by id, from a table separated by tabs, or by commas in a `.csv`.

    The first line is a header where its first field is no id of a sample, but that of the next lines is, or where it is
    a usual name for ids.

    Args:
        path: of the table.
        ids: of the samples, from the data.

    Raises:
        DataError: missing file, no tabs, an id with two labels or none.
    """
    delimiter = "," if path.name.lower().removesuffix(".gz").endswith(".csv") else "\t"
    try:
        with open_text(path, newline="") as lines:
            rows = [(number, row) for number, row in enumerate(csv.reader(lines, delimiter=delimiter), 1) if any(row)]
    except FileNotFoundError:
        raise DataError(f"no label file {str(path)!r}; {_FORM}") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error):
        raise DataError(f"{path.name} cannot be read as UTF-8 text; {_FORM}") from None
    head: tuple[str, ...] | None = None
    if rows and _is_header(rows[0][1], [row for _, row in rows[1:]], ids):
        head = tuple(name.strip() for name in rows.pop(0)[1][1:])
        if len(set(head)) < len(head):
            raise DataError(f"{path.name} names a column twice; name each once")
    table: dict[str, tuple[str, ...]] = {}
    for number, row in rows:
        name, values = row[0].strip(), tuple(value.strip() for value in row[1:])
        if not name or not any(values):
            raise DataError(f"{path.name}: line {number} does not have an id, a tab and a label")
        if table.setdefault(name, values) != values:
            raise DataError(f"{path.name}: the id of line {number} appears twice with different labels; keep one")
    if not table:
        raise DataError(f"{path.name} has no labels; expected lines <id><tab><label>")
    return LabelTable(path.name, head, table)


def _is_header(first: list[str], others: list[list[str]], ids: Collection[str]) -> bool:
    name = first[0].strip()
    if name in ids:
        return False
    if names_samples(name, first=True) or is_subject(name) or is_unnamed(name) or plain_name(name) in _HEADS:
        return True
    return any(row[0].strip() in ids for row in others)
