"""From columns to a table: CSV, TSV and Parquet with samples in rows; which column is id, gene, or something else."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cohortsmith.data.cohort import Scale  # noqa: TC001  # pydantic reads the annotations of `_Roles`
from cohortsmith.data.errors import DataError
from cohortsmith.data.frames import RECORDED
from cohortsmith.data.io.assembly import Table, unique_names
from cohortsmith.data.io.column_names import (
    LABEL,
    SAMPLE_ID,
    is_number,
    is_subject,
    is_unnamed,
    names_samples,
    plain_name,
)
from cohortsmith.data.io.covariates import OBS_PREFIX, TEXT_PREFIX, is_covariate, typed
from cohortsmith.data.io.delimited import header_of, parsed
from cohortsmith.data.io.oddities import is_summary, some
from cohortsmith.data.io.unpacking import check_unpacked
from cohortsmith.data.suggestions import close_names
from cohortsmith.data.validation import from_json

METADATA = b"cohortsmith"
_NUMBERS = (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal, pa.types.is_null)
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
_GENES = ("gene", "genes", "gene_id", "gene_name", "gene_symbol", "geneid", "symbol", "hugo_symbol", "ensembl",
          "ensembl_id", "ensembl_gene_id", "probe", "probe_id", "probeset", "id_ref", "feature")  # fmt: skip
_MANY_ROWS = 8  # from which different whole numbers are no coincidence
_COMMAS = re.compile(r"[+-]?\d+(,\d+)+")
_COMMA_SHARE = 0.5  # of a column of text, from which it is one of numbers with commas


class Columns(NamedTuple):
    """Options that say which column is what, as in `read_cohort`."""

    label: str | None = None
    subject: str | None = None
    covariates: tuple[str, ...] = ()


def read_delimited(path: Path, asked: Columns, *, transpose: bool = False) -> Table:
    """Table of a CSV or TSV file, gzip-compressed when its name ends in .gz; `transpose`: genes are in its rows.

    Raises:
        DataError: empty, truncated or ragged file, repeated names, text in a gene column.
    """
    delimiter = "\t" if ".tsv" in path.name.lower()[-7:] else ","
    header = header_of(path, delimiter)
    unique_names(tuple(header), "sample" if transpose else "gene", path.name)
    roles = [LABEL if asked.label is None else asked.label, asked.subject, SAMPLE_ID, *asked.covariates]
    columns = parsed(path, delimiter, header, [name for name in roles if name], as_text=transpose)
    if transpose:
        columns = transposed(columns, path.name)
    return table_of(columns, path.name, asked, first_row=1 if transpose else 2)


def read_parquet(path: Path, asked: Columns) -> Table:
    """Table of a Parquet file; roles recorded in its metadata are used.

    Raises:
        DataError: not a complete Parquet file, repeated names, text in a gene column.
    """
    try:
        _check_declared(path)
        # With threads, 50k columns take 12 GB and ten times as long.
        columns = pq.read_table(path, use_threads=False, page_checksum_verification=True)
        _ = columns.column_names
    except (pa.ArrowException, OSError, UnicodeDecodeError, MemoryError, OverflowError):
        raise DataError(f"{path.name} is not a complete Parquet file; write or download it again") from None
    return table_of(columns, path.name, asked)


def read_frame(frame: pd.DataFrame, asked: Columns) -> Table:
    """Table of a pandas data frame with samples in rows; its index holds the ids unless it only counts rows.

    Raises:
        DataError: as `read_parquet`, or columns that no file could hold.
    """
    named = frame.rename(columns=str)
    unique_names([str(name) for name in named.columns], "gene", "the data frame")
    try:
        columns = pa.Table.from_pandas(named, nthreads=1)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, ValueError):
        raise DataError("the data frame has a column of mixed or unusual values; make it numbers or text") from None
    roles = frame.attrs.get(RECORDED)
    recorded = roles if isinstance(roles, dict) else {}
    covariates = [name for name in recorded.get("covariates", ()) if name in named.columns]
    table = table_of(columns, "the data frame", asked._replace(covariates=(*asked.covariates, *covariates)))
    table.label, table.subject = (
        name if name in table.obs else None for name in map(recorded.get, ("label", "subject"))
    )
    table.scale = recorded.get("scale")
    return table


def transposed(columns: pa.Table, source: str) -> pa.Table:
    """The columns of a table of text whose rows are genes, covariates and the label, and whose header has the samples.

    Raises:
        DataError: a row without a name.
    """
    names = columns.column(0).to_pylist()
    if None in names:
        raise DataError(f"{source}: a row has no name; with genes in rows the first column holds their names")
    rows = [columns.column(i).to_numpy(zero_copy_only=False) for i in range(1, columns.num_columns)]
    grid = np.asarray(rows, dtype=object).reshape(len(rows), len(names))
    arrays: list[Any] = [pa.array(columns.column_names[1:], pa.string())]
    for i in range(len(names)):
        text = pa.array(grid[:, i], pa.string())
        try:
            codes = any(
                value is not None and len(value) > 1 and value[0] == "0" and value.isdecimal() for value in grid[:, i]
            )
            arrays.append(text if codes else text.cast(pa.float64()))
        except pa.ArrowInvalid:
            arrays.append(text)
    unique_names(names, "gene", source)
    return pa.Table.from_arrays(arrays, names=[SAMPLE_ID, *names])


@dataclass(frozen=True)
class _Roles:
    """What a Parquet file of this program tells of its columns."""

    scale: Scale | None = None
    label: str | None = None
    subject: str | None = None
    covariates: list[str] = field(default_factory=list)


def _check_declared(path: Path) -> None:
    """Hold what the footer of a Parquet file claims to hold against the size of the file."""
    declared = pq.read_metadata(path)
    groups = range(declared.num_row_groups)
    unpacked = sum(max(declared.row_group(group).total_byte_size, 0) for group in groups)
    check_unpacked(path.name, path.stat().st_size, max(unpacked, 4 * declared.num_rows * declared.num_columns))


def _recorded(text: bytes, names: list[str]) -> dict[str, Any]:
    """Roles recorded in a Parquet file, as far as they still match the columns."""
    try:
        from_json(_Roles, text, where=METADATA.decode())
        notes = json.loads(text)
    except (ValueError, RecursionError):  # DataError among them
        return {}
    if not isinstance(notes, dict):
        return {}
    return {k: v for k, v in notes.items() if k not in ("label", "subject") or v in names}


def table_of(columns: pa.Table, source: str, asked: Columns, *, first_row: int = 1) -> Table:
    """Table of columns, each with its role: recorded in their metadata, asked for, or told by name and values.

    Args:
        columns: one row per sample.
        source: for messages.
        asked: columns named by a person.
        first_row: number of the first row, for messages.

    Raises:
        DataError: a column that is asked for and absent, repeated names, text among numbers.
    """
    names: list[str] = columns.column_names
    unique_names(names, "gene", source)
    recorded = _recorded((columns.schema.metadata or {}).get(METADATA, b"{}"), names)
    for name in asked.covariates:
        if name not in names:
            close = close_names(name, names)
            raise DataError(f"{source} has no covariate column {name!r}; similar: {', '.join(close) or 'none'}")
    if not recorded:
        _refuse_turned(columns, source, asked)
    chosen = {asked.label or recorded.get("label") or LABEL, asked.subject, recorded.get("subject"), *asked.covariates}
    chosen |= set(recorded.get("covariates", ()))
    told: list[str] = []
    id_name = SAMPLE_ID if recorded and SAMPLE_ID in names else _id_column(columns, source, chosen, told)
    dropped, obs_names, gene_at = [], [], []
    kinds = columns.schema.types  # fetched at once: column by column is quadratic
    for i, name in enumerate(names):
        if name == id_name:
            continue
        by_name = not recorded and (is_covariate(name) or is_subject(name) or names_samples(name) or is_number(name))
        if not recorded and name not in chosen and is_unnamed(name) and _counts_rows(columns.column(i)):
            dropped.append(name)
        elif name in chosen or by_name or _all_text(source, columns, i, kinds[i], first_row):
            obs_names.append(name)
        elif is_summary(name):
            dropped.append(name)
        else:
            gene_at.append(i)
    if dropped:
        told.append(
            f"{source}: {len(dropped)} column(s) left out, as they only number the rows or are totals of reads "
            f"({some(dropped)})"
        )
    x = np.empty((columns.num_rows, len(gene_at)), dtype=np.float32)
    with np.errstate(over="ignore"):  # values beyond float32 become infinite, and are rejected as such
        for k, i in enumerate(gene_at):
            x[:, k] = columns.column(i).to_numpy()
    return Table(
        source=source,
        ids=_ids(columns, id_name, source),
        x=x,
        genes=tuple(names[i] for i in gene_at),
        obs=_covariates(columns, obs_names, source),
        first_row=first_row,
        label=recorded.get("label"),
        subject=recorded.get("subject"),
        scale=recorded.get("scale"),
        warnings=told,
    )


def _refuse_turned(columns: pa.Table, source: str, asked: Columns) -> None:
    """Refuse a table whose genes are in rows, where its first column says so.

    Raises:
        DataError: the line offers to turn it.
    """
    names: list[str] = columns.column_names
    label = asked.label or LABEL
    if not names or label in names or not _is_text(columns.schema.types[0]):
        return
    has_label = label in columns.column(0).to_pylist()
    if has_label or plain_name(names[0]) in _GENES:
        sign = f"a row named {label!r}" if has_label else f"a first column {names[0]!r}"
        raise DataError(
            f"{source} has {sign}: its genes seem to be in rows; read it with --transpose (transpose=True)"
            + "; classes may come from a table (--labels)" * (not has_label)
        )


def _covariates(columns: pa.Table, names: list[str], source: str) -> pd.DataFrame:
    """Columns that are no genes; those with a prefix have the types that this program wrote them with."""
    plain = [
        name.removeprefix(next((p for p in (OBS_PREFIX, TEXT_PREFIX) if name.startswith(p)), "")) for name in names
    ]
    unique_names(plain, "covariate", source)
    obs: pd.DataFrame = columns.select(names).to_pandas(date_as_object=True, ignore_metadata=True)
    for name in names:
        if name.startswith(OBS_PREFIX) and _is_text(columns.schema.field(name).type):
            obs[name] = typed(columns.column(name).to_pylist())
    obs.columns = pd.Index(plain)
    return obs


def _id_column(columns: pa.Table, source: str, chosen: set[Any], told: list[str]) -> str | None:
    """Name of the column of sample ids: by its name, as the index of a data frame, or a first column of ids."""
    names: list[str] = columns.column_names
    if SAMPLE_ID in names:
        return SAMPLE_ID
    free = [name for name in names if name not in chosen]
    index = [name for name in _index(columns) if name in free and _distinct(columns.column(name))]
    first = names[0] if names and names[0] in free else None
    for name in index:
        if not is_unnamed(name):
            return name
    if first is not None and names_samples(first, first=True) and not is_unnamed(first):
        if _distinct(columns.column(first)) or (names_samples(first) and not is_subject(first)):
            return first
    for name in free:
        if names_samples(name) and not is_unnamed(name) and _distinct(columns.column(name)):
            return name
    if index:
        return index[0]
    if first is None or is_covariate(first) or is_subject(first):
        return None
    if is_unnamed(first):
        return first
    column = columns.column(first)
    if not _distinct(column):
        return None
    if _is_text(column.type):
        return first
    return first if _numbers_people(columns, first, source, told) else None


def _index(columns: pa.Table) -> list[str]:
    """Columns that were the index of a data frame."""
    notes: Any = columns.schema.pandas_metadata
    listed = (notes or {}).get("index_columns", ())
    return [name for name in listed if isinstance(name, str) and name in columns.column_names]


def _numbers_people(columns: pa.Table, name: str, source: str, told: list[str]) -> bool:
    """Whether a first column of different whole numbers holds ids rather than a gene; what is decided is told."""
    if columns.num_rows < _MANY_ROWS:
        return False
    numbers = columns.column(name).to_numpy()
    counted = bool((np.diff(np.sort(numbers)) == 1).all())
    fractions = any(pa.types.is_floating(kind) for kind in columns.schema.types)
    ids = counted or fractions or is_number(name)
    how = "the samples' ids" if ids else "a gene; rename it to sample_id if it holds ids"
    told.append(f"{source}: the first column {name!r} holds another whole number in each row; it is read as {how}")
    return ids


def _distinct(column: pa.ChunkedArray) -> bool:
    """Whether a column of text or whole numbers has another value in each row."""
    if not (_is_text(column.type) or pa.types.is_integer(column.type)) or column.null_count:
        return False
    return len(column.unique()) == len(column)


def _counts_rows(column: pa.ChunkedArray) -> bool:
    """Whether a column is empty, or holds another whole number in each row."""
    if column.null_count == len(column):
        return True
    if not _distinct(column):
        return False
    return pa.types.is_integer(column.type) or all(str(value).isdecimal() for value in column.to_pylist())


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(holds(kind) for holds in (*_TEXTS, *_BYTES))


def _ids(columns: pa.Table, name: str | None, source: str) -> Any:
    if name is None:
        return np.asarray([f"row-{i + 1}" for i in range(columns.num_rows)], dtype=object)
    ids = columns.column(name)
    if ids.null_count:
        raise DataError(f"{source}: {ids.null_count} sample(s) have no id in column {name!r}; every sample needs one")
    try:
        return ids.cast(pa.string()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(f"{source}: the ids in column {name!r} are no text; write them as text") from None


def _all_text(source: str, columns: pa.Table, at: int, kind: pa.DataType, first_row: int) -> bool:
    """Whether a column holds text (a covariate) rather than numbers (a gene).

    Raises:
        DataError: it holds both.
    """
    if any(holds(kind) for holds in _NUMBERS):
        return False
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not any(holds(kind) for holds in _TEXTS):
        return True  # bool, dates, bytes
    values = columns.column(at).to_pandas().astype(object)
    given = values.notna()
    number = pd.to_numeric(values.where(given, None), errors="coerce").notna()
    text = given & ~number
    name = columns.column_names[at]
    commas = int(values[text].astype(str).str.fullmatch(_COMMAS).sum()) if text.any() else 0
    if commas > _COMMA_SHARE * given.sum():
        raise DataError(
            f"{source}: column {name!r} holds numbers with commas ({commas} of {len(values)}); write decimal points "
            "and no separators of thousands, or declare the column as a covariate (--covariate)"
        )
    if not text.any() and values[given].astype(str).str.fullmatch(r"0\d+").any():
        return True  # codes, such as 00037
    if number.any():
        row = first_row + int(np.argmax((text if text.any() else number).to_numpy()))
        what = f"text in row {row}, column {name!r}, where other rows hold numbers"
        if not text.any():
            what = f"numbers as text in column {name!r}, first in row {row}"
        raise DataError(
            f"{source}: {what}; write plain numbers, leave missing values empty, or declare the column "
            "as a covariate (--covariate)"
        )
    return True
