"""Reading CSV, TSV and Parquet: samples in rows, a header, and columns for genes, label, subject and covariates."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.assembly import Table, unique_names
from cohortsmith.data.io.column_names import LABEL, SAMPLE_ID, is_subject
from cohortsmith.data.io.covariates import MISSING, OBS_PREFIX, is_covariate
from cohortsmith.data.io.text_files import open_text
from cohortsmith.data.suggestions import close_names

METADATA = b"cohortsmith"
_ID_NAMES = ("", "id", "sample", "unnamed: 0", "index")  # a first column with one of these names holds sample ids
_NUMBERS = (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal, pa.types.is_null)
_BLOCK = 1 << 26  # bytes of text parsed at a time; one row must fit


def read_delimited(path: Path, label: str | None, subject: str | None, covariates: tuple[str, ...]) -> Table:
    """Table of a CSV or TSV file, gzip-compressed when its name ends in .gz.

    Raises:
        DataError: empty, truncated or ragged file, repeated names, text in a gene column.
    """
    delimiter = "\t" if ".tsv" in path.name.lower()[-7:] else ","
    header = header_of(path, delimiter)
    unique_names(tuple(header), "gene", path.name)
    roles = [LABEL if label is None else label, *([] if subject is None else [subject])]
    as_text = {c: pa.string() for c in header if c in roles or is_subject(c)}
    as_text |= {header[0]: pa.string()} if _holds_ids(header[0]) else {}
    as_text |= {SAMPLE_ID: pa.string()} if SAMPLE_ID in header else {}
    try:
        with pa.input_stream(str(path), compression="gzip" if path.suffix.lower() == ".gz" else None) as stream:
            columns = pacsv.read_csv(
                stream,
                read_options=pacsv.ReadOptions(column_names=header, skip_rows=1, block_size=_BLOCK),
                parse_options=pacsv.ParseOptions(delimiter=delimiter),
                convert_options=pacsv.ConvertOptions(
                    column_types=as_text, strings_can_be_null=True, null_values=list(MISSING)
                ),
            )
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(_diagnosis(path, delimiter, len(header), str(error))) from None
    return _table(path, columns, 2, label, subject, covariates, {})


def read_parquet(path: Path, label: str | None, subject: str | None, covariates: tuple[str, ...]) -> Table:
    """Table of a Parquet file; roles recorded in its metadata are used.

    Raises:
        DataError: not a complete Parquet file, repeated names, text in a gene column.
    """
    try:
        columns = pq.read_table(path, use_threads=False)  # with threads, 50k columns take 12 GB and ten times as long
    except (pa.ArrowInvalid, OSError):
        raise DataError(f"{path.name} is not a complete Parquet file; write or download it again") from None
    metadata = columns.schema.metadata or {}
    recorded = _recorded(metadata.get(METADATA, b"{}"), columns.column_names)
    unique_names(tuple(columns.column_names), "gene", path.name)
    return _table(path, columns, 1, label, subject, covariates, recorded)


def _recorded(text: bytes, names: list[str]) -> dict[str, Any]:
    """Roles recorded in a Parquet file, as far as they still match the columns."""
    try:
        notes = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(notes, dict):
        return {}
    return {k: v for k, v in notes.items() if k not in ("label", "subject") or v in names}


def _table(
    path: Path,
    columns: pa.Table,
    first_row: int,
    label: str | None,
    subject: str | None,
    covariates: tuple[str, ...],
    recorded: dict[str, Any],
) -> Table:
    names: list[str] = columns.column_names
    for name in covariates:
        if name not in names:
            close = close_names(name, names)
            raise DataError(f"{path.name} has no covariate column {name!r}; similar: {', '.join(close) or 'none'}")
    chosen = {label or recorded.get("label") or LABEL, subject, recorded.get("subject"), *covariates}
    chosen |= set(recorded.get("covariates", ()))
    obs_names, gene_at = [], []
    id_name = _id_column(columns, chosen)
    kinds = columns.schema.types  # fetched at once: column by column is quadratic
    for i, name in enumerate(names):
        if name == id_name:
            continue
        by_name = not recorded and (is_covariate(name) or is_subject(name))  # recorded roles need no guessing
        if name in chosen or by_name or _all_text(path, columns, i, kinds[i], first_row):
            obs_names.append(name)
        else:
            gene_at.append(i)
    obs = columns.select(obs_names).to_pandas(date_as_object=True)
    obs.columns = pd.Index([n.removeprefix(OBS_PREFIX) for n in obs_names])
    x = np.empty((columns.num_rows, len(gene_at)), dtype=np.float32)
    with np.errstate(over="ignore"):  # values beyond float32 become infinite, and are rejected as such
        for k, i in enumerate(gene_at):
            x[:, k] = columns.column(i).to_numpy()
    return Table(
        source=path.name,
        ids=_ids(columns, id_name, path.name),
        x=x,
        genes=tuple(names[i] for i in gene_at),
        obs=obs,
        first_row=first_row,
        label=recorded.get("label"),
        subject=recorded.get("subject"),
        scale=recorded.get("scale"),
    )


def _holds_ids(name: str) -> bool:
    return name.casefold() in _ID_NAMES or name == SAMPLE_ID


def _id_column(columns: pa.Table, chosen: set[Any]) -> str | None:
    """Name of the column of sample ids: by its name, or a first column of unique texts."""
    names: list[str] = columns.column_names
    if SAMPLE_ID in names:
        return SAMPLE_ID
    if names and _holds_ids(names[0]):
        return names[0]
    if "__index_level_0__" in names:  # as pandas writes an unnamed index
        return "__index_level_0__"
    if not names or names[0] in chosen or is_covariate(names[0]) or is_subject(names[0]):
        return None
    first = columns.column(0)
    different = pa.types.is_string(first.type) and not first.null_count and len(first.unique()) == len(first)
    return names[0] if different else None


def _ids(columns: pa.Table, name: str | None, source: str) -> Any:
    if name is None:
        return np.asarray([f"row-{i + 1}" for i in range(columns.num_rows)], dtype=object)
    ids = columns.column(name)
    if ids.null_count:
        raise DataError(f"{source}: {ids.null_count} sample(s) have no id in column {name!r}; every sample needs one")
    return ids.cast(pa.string()).to_numpy(zero_copy_only=False)


def _all_text(path: Path, columns: pa.Table, at: int, kind: pa.DataType, first_row: int) -> bool:
    """Whether a column holds text (a covariate) rather than numbers (a gene).

    Raises:
        DataError: it holds both.
    """
    if any(holds(kind) for holds in _NUMBERS):
        return False
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return True  # bool, dates
    values = columns.column(at).to_pandas().astype(object)
    given = values.notna()
    number = pd.to_numeric(values.where(given, None), errors="coerce").notna()
    text = given & ~number
    if number.any():
        name = columns.column_names[at]
        row = first_row + int(np.argmax((text if text.any() else number).to_numpy()))
        what = f"text in row {row}, column {name!r}, where other rows hold numbers"
        if not text.any():
            what = f"numbers as text in column {name!r}, first in row {row}"
        raise DataError(
            f"{path.name}: {what}; write plain numbers, leave missing values empty, or declare the column "
            "as a covariate (--covariate)"
        )
    return True


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
