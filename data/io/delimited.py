"""Parsing CSV and TSV into columns: numbers where all values are numbers, text where a role or a code asks for it."""

from __future__ import annotations

import csv
import gzip
import re
from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as pacsv

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.column_names import is_subject, is_unnamed, names_samples
from cohortsmith.data.io.covariates import MISSING, OBS_PREFIX, TEXT_PREFIX
from cohortsmith.data.io.text_files import open_text
from cohortsmith.data.io.unpacking import open_stream

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_BLOCK = 1 << 26  # bytes of text parsed at a time; one row must fit
_SNIFFED = 100  # rows in which codes are looked for
_CODE = re.compile(r"0\d+")  # 00037 is a code: as a number it would lose its zeros
_FIELD = re.compile(r'(?:^|[,\t])"?0\d+"?(?=[,\t\r\n]|$)')
_TIMES = (pa.types.is_time, pa.types.is_timestamp, pa.types.is_date, pa.types.is_duration)


def parsed(path: Path, delimiter: str, header: list[str], roles: Collection[str], *, as_text: bool = False) -> pa.Table:
    """Columns of a CSV or TSV file, gzip-compressed when its name ends in .gz.

    Args:
        path: of the file.
        delimiter: comma or tab.
        header: names of the columns, as `header_of` gives them.
        roles: columns that are read as text whatever they hold, such as the label.
        as_text: read all columns as text.

    Raises:
        DataError: truncated or ragged file.
    """
    codes = set() if as_text else _codes(path, delimiter, header)
    text = {
        name: pa.string()
        for at, name in enumerate(header)
        if as_text
        or name in roles
        or name in codes
        or is_subject(name)
        or name.startswith((OBS_PREFIX, TEXT_PREFIX))
        or names_samples(name)
        or (at == 0 and is_unnamed(name))
    }
    try:
        columns = _read(path, delimiter, header, text, None)
        times = [f.name for f in columns.schema if any(is_time(f.type) for is_time in _TIMES)]
        if times:  # as they are written
            written = _read(path, delimiter, header, text | {name: pa.string() for name in times}, times)
            for name in times:
                columns = columns.set_column(columns.schema.get_field_index(name), name, written[name])
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(_diagnosis(path, delimiter, len(header), str(error))) from None
    return columns


def _read(
    path: Path, delimiter: str, header: list[str], text: dict[str, pa.DataType], only: list[str] | None
) -> pa.Table:
    with open_stream(path) as stream:
        return pacsv.read_csv(
            stream,
            read_options=pacsv.ReadOptions(column_names=header, skip_rows=1, block_size=_BLOCK),
            parse_options=pacsv.ParseOptions(delimiter=delimiter),
            convert_options=pacsv.ConvertOptions(
                column_types=text, strings_can_be_null=True, null_values=list(MISSING), include_columns=only
            ),
        )


def _codes(path: Path, delimiter: str, header: list[str]) -> set[str]:
    """Columns in whose first rows a whole number begins with zero."""
    found = set()
    try:
        with open_text(path, newline="") as lines:
            for line in islice(lines, 1, _SNIFFED):
                if _FIELD.search(line):
                    row = next(csv.reader([line], delimiter=delimiter), [])
                    found |= {name for name, value in zip(header, row, strict=False) if _CODE.fullmatch(value)}
    except (OSError, EOFError, UnicodeDecodeError, csv.Error):
        pass  # parsing reports it
    return found


def header_of(path: Path, delimiter: str) -> list[str]:
    """Column names of a CSV or TSV file.

    Raises:
        DataError: empty or unreadable, or a single column.
    """
    try:
        with open_text(path, newline="") as lines:
            header = next(csv.reader(lines, delimiter=delimiter), [])
    except EOFError:
        raise DataError(f"{path.name} ends too early: the gzip file is truncated; download or write it again") from None
    except (gzip.BadGzipFile, UnicodeDecodeError, csv.Error):
        kind = "gzip-compressed text" if path.suffix.lower() == ".gz" else "UTF-8 text"
        raise DataError(f"{path.name} is not {kind}, as its name says; check the file or rename it") from None
    if not header:
        raise DataError(f"{path.name} is empty; a header and one row per sample are expected")
    if len(header) == 1:
        other = next((d for d in ("\t", ";", ",") if d in header[0]), None)
        hint = f"; it seems to be separated by {other!r}" if other else ""
        expected = "tabs" if delimiter == "\t" else "commas"
        raise DataError(f"{path.name} has a single column; columns separated by {expected} are expected{hint}")
    return header


def _diagnosis(path: Path, delimiter: str, width: int, error: str) -> str:
    """Why a file could not be parsed, without quoting its content."""
    try:
        with open_text(path, newline="") as lines:
            for row, fields in enumerate(csv.reader(lines, delimiter=delimiter), 1):
                if fields and len(fields) != width:
                    r_table = row == 2 and len(fields) == width + 1
                    hint = " (R's write.table omits the first name: use col.names = NA)" if r_table else ""
                    return (
                        f"{path.name}: row {row} has {len(fields)} columns, the header has {width}; "
                        f"every row needs one value per column{hint}"
                    )
    except EOFError:
        return f"{path.name} ends too early: the gzip file is truncated; download or write it again"
    except (OSError, UnicodeDecodeError, csv.Error):
        pass
    if "Empty CSV" in error:
        return f"{path.name} has a header but no samples; one row per sample is expected"
    return f"{path.name} cannot be read as delimited UTF-8 text; check the file"
