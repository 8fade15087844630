"""Reading tables with genes in rows: GEO series matrices, GCT, and folders of STAR counts with one file per sample."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.assembly import Table, unique_names
from cohortsmith.data.io.column_names import LABEL
from cohortsmith.data.io.covariates import MISSING, parsed_values
from cohortsmith.data.io.label_table import read_labels
from cohortsmith.data.io.oddities import is_summary, passed_over, some
from cohortsmith.data.io.text_files import open_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SERIES_MATRIX = ("series_matrix.txt", "series_matrix.txt.gz")
GCT = (".gct", ".gct.gz")
STAR = ("readspergene.out.tab", "readspergene.out.tab.gz", "star_gene_counts.tsv", "star_gene_counts.tsv.gz")
_TITLES = ("Sample_title", "Sample_source_name_ch1")
_TRAITS = "Sample_characteristics_ch"


def read_series_matrix(path: Path) -> Table:
    """Table of a GEO series matrix: samples under their accession, their characteristics as covariates.

    Raises:
        DataError: no matrix, damaged text, a gene named twice.
    """
    traits: dict[str, list[str]] = {}
    columns: dict[str, list[str | None]] = {}
    text: list[str] = []
    for line in _lines(path):
        if text:
            if line.startswith("!series_matrix_table_end"):
                break
            text.append(line)
        elif line.startswith("!series_matrix_table_begin"):
            text.append("")
        elif line.startswith("!Sample_"):
            name, *values = next(csv.reader([line], delimiter="\t"))
            if name[1:] in _TITLES:
                traits[name[1:].removeprefix("Sample_").removesuffix("_ch1")] = values
            elif name[1:].startswith(_TRAITS):
                for at, value in enumerate(values):
                    key, colon, trait = value.partition(":")
                    if colon:
                        own = columns.setdefault(key.strip(), [None] * len(values))
                        own[at] = trait.strip() if own[at] is None else own[at]
    if len(text) < 2:
        raise DataError(f"{path.name} has no matrix of values between series_matrix_table_begin and _end; expression "
                        "by sequencing is often in a supplementary file: read that")  # fmt: skip
    genes, ids, x = _numbers(path.name, "".join(text), 1)
    obs = pd.DataFrame(index=range(len(ids)))
    said: dict[str, list[str | None]] = {**{name: [*values] for name, values in traits.items()}, **columns}
    for name, given in said.items():
        if len(given) != len(ids):
            raise DataError(f"{path.name}: {len(given)} values of {name!r} for {len(ids)} samples; download it again")
        obs[name] = parsed_values(given)
    return Table(path.name, np.asarray(ids, dtype=object), x, genes, obs)


def read_gct(path: Path) -> Table:
    """Table of a GCT file, version 1.2 or 1.3; rows of metadata are covariates, columns of metadata are passed over.

    Raises:
        DataError: another version, another number of rows or columns than its second line says.
    """
    lines = list(_lines(path))
    version = lines[0].strip() if lines else ""
    if version not in ("#1.2", "#1.3") or len(lines) < 3:
        raise DataError(f"{path.name} does not begin as GCT does, with #1.2 or #1.3; check the file")
    sizes = lines[1].split()
    if not all(size.isdecimal() for size in sizes) or len(sizes) != (2 if version == "#1.2" else 4):
        raise DataError(f"{path.name}: its second line does not give the numbers of rows and columns; check the file")
    rows, samples = int(sizes[0]), int(sizes[1])
    before, traits = (1, 0) if version == "#1.2" else (int(sizes[2]), int(sizes[3]))
    head = next(csv.reader([lines[2]], delimiter="\t"))
    if len(head) != 1 + before + samples or len([line for line in lines[3:] if line.strip()]) != rows + traits:
        raise DataError(f"{path.name} is not of {rows} genes and {samples} samples, as its second line says")
    meta = list(csv.reader(lines[3 : 3 + traits], delimiter="\t"))
    genes, ids, x = _numbers(path.name, "".join([lines[2], *lines[3 + traits :]]), 1 + before)
    obs = pd.DataFrame(index=range(len(ids)))
    for row in meta:
        obs[row[0]] = parsed_values(row[1 + before :])
    told = [f"{path.name}: {before} column(s) that describe the genes passed over ({some(head[1 : 1 + before])})"]
    return Table(path.name, np.asarray(ids, dtype=object), x, genes, obs, warnings=told * (before > 0))


def star_files(folder: Path) -> list[Path]:
    """STAR's counts of each sample in a folder or one level below, sorted; hidden ones are ignored."""
    found = [path for depth in ("*", "*/*") for path in folder.glob(depth) if path.name.lower().endswith(STAR)]
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def read_star(folder: Path, files: Sequence[Path]) -> Table:
    """Table of a folder of STAR counts, one file per sample; in folders of classes, these are the labels.

    The counts of unstranded reads are taken. Rows of totals (N_unmapped, ...) are dropped.

    Raises:
        DataError: files of other genes, no counts.
    """
    genes: tuple[str, ...] | None = None
    rows, dropped = [], 0
    for path in files:
        names, counts = _star(path)
        kept = [i for i, name in enumerate(names) if not is_summary(name)]
        dropped = len(names) - len(kept)
        own = tuple(names[i] for i in kept)
        if genes is not None and own != genes:
            raise DataError(f"{folder.name}: the files of STAR counts hold other genes; count all with one annotation")
        genes = own
        rows.append(counts[kept])
    ids = [_sample(path) for path in files]
    unique_names(ids, "sample", folder.name)
    told = [f"{folder.name}: counts of unstranded reads are read from {len(files)} files; {dropped} row(s) of totals "
            "in each left out", *passed_over(folder, files)]  # fmt: skip
    places = [path.relative_to(folder).parts[:-1] for path in files]
    obs = pd.DataFrame(index=range(len(files)))
    if all(places):
        obs[LABEL] = np.asarray([place[0] for place in places], dtype=object)
    elif any(places):
        raise DataError(
            f"{folder.name} has STAR counts beside folders of them; put all into folders of classes, or none"
        )
    return Table(folder.name, np.asarray(ids, dtype=object), np.stack(rows), genes or (), obs, warnings=told)


def with_labels(table: Table, path: Path) -> Table:
    """The table with the columns of a table of labels as covariates; without a header, its column is `label`.

    Raises:
        DataError: as `read_labels`, or a sample without a row.
    """
    ids = [str(name) for name in table.ids]
    labels = read_labels(path, set(ids))
    missing = sum(name not in labels.rows for name in ids)
    if missing:
        raise DataError(
            f"{table.source}: {missing} of {len(ids)} samples have no row in {path.name}; add their rows, "
            "<id><tab><label>, or remove the samples"
        )
    for at, name in enumerate(labels.head or (LABEL,)):
        if name in table.obs.columns:
            raise DataError(f"{path.name}: {table.source} has a column {name!r} too; rename one of the two")
        values = [(labels.rows[key] + ("",) * (at + 1))[at] for key in ids]
        table.obs[name] = parsed_values(values)
    return table


def _star(path: Path) -> tuple[list[str], NDArray[np.float32]]:
    """Names and unstranded counts of one sample: four columns of STAR itself, or a header as the GDC writes it."""
    rows = [row for row in csv.reader(_lines(path), delimiter="\t") if row and not row[0].startswith("#")]
    at = 1
    if rows and "unstranded" in rows[0]:
        at = rows.pop(0).index("unstranded")
    try:
        return [row[0] for row in rows], np.asarray([float(row[at]) for row in rows], dtype=np.float32)
    except (ValueError, IndexError):
        raise DataError(f"a file in {path.parent.name} is no table of STAR counts: a gene, then counts") from None


def _sample(path: Path) -> str:
    name = path.name
    for ending in STAR:
        if name.lower().endswith(ending):
            return name[: -len(ending)].removesuffix(".augmented_").removesuffix(".rna_seq").strip("._-") or name
    return name


def _numbers(source: str, text: str, before: int) -> tuple[tuple[str, ...], list[str], NDArray[np.float32]]:
    """Genes, ids and values (samples, genes) of tab-separated text with genes in rows, after `before` other columns."""
    try:
        table = pacsv.read_csv(
            io.BytesIO(text.lstrip("\n").encode()),
            parse_options=pacsv.ParseOptions(delimiter="\t"),
            convert_options=pacsv.ConvertOptions(strings_can_be_null=True, null_values=list(MISSING)),
        )
        genes = [str(name) for name in table.column(0).to_pylist()]
        columns = [table.column(i).cast(pa.float64()) for i in range(before, table.num_columns)]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(
            f"{source}: its matrix does not hold a gene and then numbers in each row; check the file"
        ) from None
    unique_names(genes, "gene", source)
    ids = unique_names(table.column_names[before:], "sample", source)
    x = np.empty((len(ids), len(genes)), dtype=np.float32)
    with np.errstate(over="ignore"):
        for i, column in enumerate(columns):
            x[i] = column.to_numpy()
    return tuple(genes), ids, x


def _lines(path: Path) -> Iterator[str]:
    try:
        with open_text(path) as lines:
            yield from lines
    except (EOFError, zlib.error):
        raise DataError(f"{path.name} ends too early: the gzip file is truncated; download or write it again") from None
    except (gzip.BadGzipFile, UnicodeDecodeError):
        raise DataError(f"{path.name} is not UTF-8 text, as its name says; check the file or rename it") from None


def is_gene_matrix(suffix: str) -> bool:
    """Whether files of a suffix have genes in rows."""
    return suffix in (*SERIES_MATRIX, *GCT)


def read_gene_matrix(path: Path, suffix: str) -> Table:
    """Table of a file with genes in rows.

    Raises:
        DataError: as the readers of its formats.
    """
    return read_gct(path) if suffix in GCT else read_series_matrix(path)
