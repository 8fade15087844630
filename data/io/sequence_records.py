"""Records of sequence files: FASTA and GenBank through Biopython, with header fields and checks."""

from __future__ import annotations

import gzip
import re
import warnings
import zlib
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.text_files import open_text

if TYPE_CHECKING:
    from collections.abc import Iterator

FASTA = (".fasta", ".fa", ".fas", ".fna", ".ffn", ".frn")
GENBANK = (".gb", ".gbk")
SEQUENCE_SUFFIXES = tuple(suffix + packed for suffix in (*FASTA, *GENBANK) for packed in ("", ".gz"))

# `[key=value]` as in NCBI's submission portal, and `key=value` up to the next key as in UniProt's headers.
_KEY = r"[A-Za-z_][\w.:+-]*"
_FIELD = re.compile(rf"\[({_KEY})=([^\[\]]*)\]|(?<!\S)({_KEY})=(\S+(?:\s+(?!{_KEY}=|\[)\S+)*)")


class Record(NamedTuple):
    """One sequence of a file.

    Attributes:
        name: first word of the header.
        header: the whole header, without its `>`; name, version and definition of a GenBank record.
        fields: the header's `key=value` fields after the name; for a GenBank record also the qualifiers of its source.
        letters: the sequence as written, without white space.
        file: name of the file.
        number: of the record in the file, counted from 1.
    """

    name: str
    header: str
    fields: dict[str, str]
    letters: str
    file: str
    number: int

    @property
    def place(self) -> str:
        """Location of the record, for messages that must not name a patient."""
        return f"{self.file}: record {self.number}"


def is_sequences(name: str) -> bool:
    """Whether a file of this name holds sequences."""
    return name.lower().endswith(SEQUENCE_SUFFIXES)


def read_records(path: Path) -> list[Record]:
    """Every record of a FASTA or GenBank file, in order.

    Raises:
        DataError: damaged, truncated or empty file, another format, a record without a name or a sequence.
    """
    records = list(_records(path))
    if not records:
        raise DataError(f"{path.name} has no records; expected {_FORM[_is_genbank(path)]}")
    return records


def count_records(path: Path, limit: int) -> tuple[int, str]:
    """Number of records of a file, counted up to `limit`, and its first header line; without parsing."""
    mark, count, first = ("LOCUS" if _is_genbank(path) else ">"), 0, ""
    try:
        with open_text(path) as lines:
            for line in lines:
                if line.startswith(mark):
                    count, first = count + 1, first or line
                    if count == limit:
                        break
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        return limit, first  # a damaged file is listed; loading it reports the damage
    return count, first


def fields_of(header: str) -> dict[str, str]:
    """The `key=value` and `[key=value]` fields of a header after its first word."""
    words = header.split(None, 1)
    if len(words) < 2:
        return {}
    found = _FIELD.finditer(f" {words[1]}")
    return {hit[1] or hit[3]: (hit[2] if hit[1] else hit[4]).strip() for hit in found}


_FORM = {
    False: "FASTA: a header line that begins with '>', then the sequence",
    True: "GenBank: an entry that begins with LOCUS and ends with //",
}


def _is_genbank(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(GENBANK)


def _records(path: Path) -> Iterator[Record]:
    genbank = _is_genbank(path)
    try:
        with open_text(path) as lines:
            yield from _genbank(path, lines) if genbank else _fasta(path, lines)
    except (EOFError, zlib.error):
        raise DataError(f"{path.name} ends too early: the gzip file is truncated; download or write it again") from None
    except (gzip.BadGzipFile, UnicodeDecodeError):
        kind = "gzip-compressed text" if path.name.lower().endswith(".gz") else "UTF-8 text"
        raise DataError(f"{path.name} is not {kind}, as its name says; check the file or rename it") from None


def _fasta(path: Path, lines: IO[str]) -> Iterator[Record]:
    from Bio.SeqIO.FastaIO import SimpleFastaParser

    first = next((line for line in lines if line.strip()), "")
    if first and not first.startswith(">"):
        raise DataError(f"{path.name} does not begin as FASTA; expected {_FORM[False]}; check the file or rename it")
    for number, (header, letters) in enumerate(SimpleFastaParser(chain([first] if first else [], lines)), 1):
        name = header.split(None, 1)[0] if header.strip() else ""
        yield _checked(Record(name, header.strip(), fields_of(header), letters.replace("\t", ""), path.name, number))


def _genbank(path: Path, lines: IO[str]) -> Iterator[Record]:
    from Bio import SeqIO
    from Bio.Seq import UndefinedSequenceError

    number = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unusual annotations, which are not used
        parsed = SeqIO.parse(lines, "genbank")
        while True:
            try:
                entry = next(parsed, None)
            except (OSError, EOFError, zlib.error, UnicodeDecodeError):
                raise
            except Exception:  # Biopython raises many types for a malformed entry
                raise DataError(
                    f"{path.name}: record {number + 1} is not a complete GenBank entry; download or write it again"
                ) from None
            if entry is None:
                return
            number += 1
            source: dict[str, list[str]] = next(
                (feature.qualifiers for feature in entry.features if feature.type == "source"), {}
            )
            fields = {key: " ".join(values) for key, values in source.items() if key not in ("db_xref", "mol_type")}
            header = f"{entry.id} {entry.description}"
            try:
                letters = str(entry.seq)
            except UndefinedSequenceError:  # an entry that only refers to its sequence
                letters = ""
            yield _checked(Record(entry.id, header, fields | fields_of(header), letters, path.name, number))


def _checked(record: Record) -> Record:
    if not record.name:
        raise DataError(f"{record.place} has no name; expected '>NAME' and then the sequence")
    if not record.letters.strip("-."):
        raise DataError(f"{record.place} has no sequence; remove it, or write the file again")
    return record
