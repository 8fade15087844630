"""Writing cohorts, at once or as a stream of chunks; a file appears under its name only when complete."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from cohortsmith.data.cohort import Cohort
from cohortsmith.data.errors import DataError
from cohortsmith.data.frames import anndata_of
from cohortsmith.data.io.atomic import whole_file, whole_folder
from cohortsmith.data.io.column_names import LABEL, SAMPLE_ID, is_number, is_subject, names_samples
from cohortsmith.data.io.covariates import OBS_PREFIX, TEXT_PREFIX, is_covariate, looks_typed, tidy, typed
from cohortsmith.data.io.fasta import FastaWriter
from cohortsmith.data.io.medmnist_npz import write_npz
from cohortsmith.data.io.oddities import is_summary
from cohortsmith.data.io.png_folder import PngWriter
from cohortsmith.data.io.read import PNG_FOLDER, check_written
from cohortsmith.data.io.tables import METADATA
from cohortsmith.data.io.vcf import VCF, write_vcf

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator


class CohortWriter(Protocol):
    """Writes a cohort chunk by chunk."""

    def write(self, chunk: Cohort) -> None:
        """Append a chunk; its features and covariates must be those of the first."""
        ...


def write_cohort(cohort: Cohort, path: str | os.PathLike[str]) -> None:
    """Write a cohort in the format given by the suffix of `path`; `read_cohort` restores the same cohort.

    Raises:
        DataError: unknown suffix, missing folder, or full disk; an existing file is then unchanged.
    """
    with open_writer(path, cohort) as writer:
        writer.write(cohort)


@contextmanager
def open_writer(path: str | os.PathLike[str], like: Cohort) -> Iterator[CohortWriter]:
    """Writer for a stream of chunks that share the features, covariates, label and scale of `like`.

    CSV, TSV, Parquet, FASTA and folders of PNG are written chunk by chunk; `.h5ad`, `.npz` and VCF are collected
    and written at the end. The file or folder has a temporary name in the same folder until it is complete.

    Raises:
        DataError: unknown suffix, missing folder, a chunk that does not match, full disk, or an existing target for a
            folder of PNG.
    """
    target = Path(path)
    suffix = check_written(target, like.kind)
    if suffix == PNG_FOLDER:
        with whole_folder(target) as folder:
            pngs = PngWriter(folder, like)
            yield _Checked(pngs, like)
            pngs.close()
        return
    with whole_file(target) as temporary:
        if suffix == ".h5ad":
            collected = _Collected(temporary, like)
            yield collected
            collected.close()
        elif suffix == ".npz":
            pictures = _Whole(like)
            yield pictures
            write_npz(pictures.joined(), temporary)
        elif suffix == ".parquet":
            columnar = _Parquet(temporary, like)
            try:
                yield columnar
            finally:
                columnar.close()
        elif suffix in VCF:
            genotypes = _Whole(like)
            yield genotypes
            with _byte_stream(temporary, suffix) as stream:
                write_vcf(genotypes.joined(), stream)
        elif like.kind == "sequence":
            with _byte_stream(temporary, suffix) as stream:
                yield _Checked(FastaWriter(stream, like), like)
        else:
            with _byte_stream(temporary, suffix) as stream:
                yield _Delimited(stream, like, "\t" if ".tsv" in suffix else ",")


def _layout(like: Cohort) -> tuple[str, str | None]:
    return like.provenance.get("label") or LABEL, like.provenance.get("subject")


class _Check:
    """Checks that the chunks of one file match."""

    def __init__(self, like: Cohort) -> None:
        self._like = like
        self._first_ids: set[str] = set()

    def __call__(self, chunk: Cohort) -> None:
        if chunk.features != self._like.features or list(chunk.obs.columns) != list(self._like.obs.columns):
            genes = self._like.about.columns
            raise DataError(f"a chunk has other {genes} or covariates than the first; write it to a separate file")
        first = str(chunk.ids[0]) if len(chunk) else None
        if first in self._first_ids:  # keeping all ids would be costly; restarted numbering shows in the first
            raise DataError("a chunk repeats the sample names of an earlier chunk; number the samples consecutively")
        if first is not None:
            self._first_ids.add(first)


def _schema(like: Cohort) -> pa.Schema:
    """Columns of the file: id, label, subject, covariates, genes."""
    label, subject = _layout(like)
    fields = [(SAMPLE_ID, pa.string()), (label, pa.string()), *([(subject, pa.string())] if subject else [])]
    fields += [(str(name), _type(like.obs[name])) for name in like.obs.columns]
    fields += [(name, pa.float32()) for name in like.features]
    repeated = pd.Index([name for name, _ in fields])
    repeated = repeated[repeated.duplicated()]
    if len(repeated):
        raise DataError(
            f"cannot write: column {repeated[0]!r} would appear twice; rename the gene or covariate of that name"
        )
    return pa.schema(fields)


def _type(column: pd.Series[Any]) -> pa.DataType:
    if pd.api.types.is_bool_dtype(column.dtype):
        return pa.bool_()
    if pd.api.types.is_integer_dtype(column.dtype):
        return pa.int64()
    return pa.float64() if pd.api.types.is_float_dtype(column.dtype) else pa.string()


def _columns(chunk: Cohort, like: Cohort, schema: pa.Schema) -> pa.Table:
    """Arrow table of a chunk."""
    subject = _layout(like)[1]
    columns: list[Any] = [chunk.ids.astype(str), chunk.labels, *([chunk.subjects] if subject else [])]
    arrays = [pa.array(np.asarray(c, dtype=object), pa.string()) for c in columns]
    for name in chunk.obs.columns:
        kind = schema.field(len(arrays)).type
        column = chunk.obs[name]
        if pa.types.is_string(kind):
            column = column.astype(object).map(str, na_action="ignore")
        arrays.append(pa.Array.from_pandas(column, type=kind))
    arrays += [pa.array(chunk.x[:, i], pa.float32()) for i in range(chunk.x.shape[1])]
    return pa.Table.from_arrays(arrays, schema=schema)


class _Parquet:
    def __init__(self, path: Path, like: Cohort) -> None:
        label, subject = _layout(like)
        recorded = {
            "scale": like.scale, "label": label, "subject": subject, "covariates": [str(c) for c in like.obs.columns],
        }  # fmt: skip
        schema = _schema(like).with_metadata({METADATA: json.dumps(recorded).encode()})
        self._like, self._schema, self._check = like, schema, _Check(like)
        words = [field.name for field in schema if pa.types.is_string(field.type)][1:]
        self._file = pq.ParquetWriter(
            path, schema, use_dictionary=words, write_statistics=False, write_page_checksum=True
        )

    def write(self, chunk: Cohort) -> None:
        self._check(chunk)
        self._file.write_table(_columns(chunk, self._like, self._schema))

    def close(self) -> None:
        self._file.close()


@contextmanager
def _byte_stream(path: Path, suffix: str) -> Iterator[IO[bytes] | gzip.GzipFile]:
    with open(path, "wb") as file:
        if suffix.endswith(".gz"):
            # No name or time in the header: the same cohort gives the same bytes. Level 3 is four times faster than 9.
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=3, mtime=0) as packed:
                yield packed
        else:
            yield file


class _Checked:
    """A writer that checks its chunks."""

    def __init__(self, writer: CohortWriter, like: Cohort) -> None:
        self._writer, self._check = writer, _Check(like)

    def write(self, chunk: Cohort) -> None:
        self._check(chunk)
        self._writer.write(chunk)


class _Whole:
    def __init__(self, like: Cohort) -> None:
        self._like, self._chunks, self._check = like, list[Cohort](), _Check(like)

    def write(self, chunk: Cohort) -> None:
        self._check(chunk)
        self._chunks.append(chunk)

    def joined(self) -> Cohort:
        chunks = self._chunks or [self._like.take([])]
        if len(chunks) == 1:
            return chunks[0]
        return replace(
            self._like,
            x=np.concatenate([c.x for c in chunks]),
            y=np.concatenate([c.y for c in chunks]),
            subjects=np.concatenate([c.subjects for c in chunks]),
            obs=pd.concat([c.obs for c in chunks]),
        )


def _marked(name: str, values: pd.Series[Any]) -> str:
    """Name of a covariate's column in a text table: prefixed, unless name and values alone say what it is.

    Numbers would be read as genes; texts such as 00037 or 10:30 as numbers and times.
    """
    if pd.api.types.is_numeric_dtype(values.dtype):
        return name if is_covariate(name) and not name.startswith((OBS_PREFIX, TEXT_PREFIX)) else f"{OBS_PREFIX}{name}"
    given = values.dropna().astype(str).tolist()
    if given and typed(given).dtype != object:
        return f"{TEXT_PREFIX}{name}"
    plain = is_covariate(name) and not name.startswith((OBS_PREFIX, TEXT_PREFIX)) and not any(map(looks_typed, given))
    return name if plain else f"{OBS_PREFIX}{name}"


class _Delimited:
    def __init__(self, stream: IO[bytes] | gzip.GzipFile, like: Cohort, delimiter: str) -> None:
        self._stream, self._like, self._delimiter, self._check = stream, like, delimiter, _Check(like)
        self._schema = _schema(like)
        marked = {str(c): _marked(str(c), like.obs[c]) for c in like.obs.columns}
        self._names = [marked.get(name, name) for name in self._schema.names]
        for gene in like.features:
            if is_covariate(gene) or is_subject(gene) or names_samples(gene) or is_number(gene) or is_summary(gene):
                raise DataError(
                    f"gene {gene!r} would be read back from a text table as a covariate; write .parquet or .h5ad"
                )
        header = io.StringIO()
        csv.writer(header, delimiter=delimiter, lineterminator="\n").writerow(self._names)
        stream.write(header.getvalue().encode())

    def write(self, chunk: Cohort) -> None:
        self._check(chunk)
        table = _columns(chunk, self._like, self._schema)
        for i in range(table.num_columns - len(chunk.features)):
            if pa.types.is_boolean(table.schema.field(i).type):
                column = table.column(i).to_pandas().map(str, na_action="ignore")
                table = table.set_column(i, self._names[i], pa.Array.from_pandas(column, type=pa.string()))
            if pa.types.is_floating(table.schema.field(i).type):  # 61.0 must not be read back as an integer
                column = table.column(i).to_pandas().map(repr, na_action="ignore")
                table = table.set_column(i, self._names[i], pa.Array.from_pandas(column, type=pa.string()))
        options = pacsv.WriteOptions(include_header=False, delimiter=self._delimiter, quoting_style="needed")
        pacsv.write_csv(table.rename_columns(self._names), self._stream, options)


class _Collected:
    def __init__(self, path: Path, like: Cohort) -> None:
        self._path, self._like, self._chunks, self._check = path, like, list[Cohort](), _Check(like)
        _schema(like)  # for its check of the names

    def write(self, chunk: Cohort) -> None:
        self._check(chunk)
        self._chunks.append(chunk)

    def close(self) -> None:
        chunks = self._chunks or [self._like.take([])]
        whole = replace(
            self._like,
            x=np.concatenate([c.x for c in chunks]) if len(chunks) > 1 else chunks[0].x,
            y=np.concatenate([c.y for c in chunks]),
            subjects=np.concatenate([c.subjects for c in chunks]),
            obs=tidy(pd.concat([c.obs for c in chunks])),
        )
        file = anndata_of(whole, copy=False)
        try:
            file.write_h5ad(self._path)
        except (OSError, RuntimeError) as error:  # HDF5 reports a full disk by a RuntimeError from its clean-up
            number = re.search(r"errno = (\d+)", str(error))
            raise OSError(int(number[1]) if number else 0, "HDF5 failed") from error
