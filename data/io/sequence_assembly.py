"""From sequence records to a validated `Cohort`: classes, patients, covariates, and common columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from cohortsmith.data.cohort import Cohort
from cohortsmith.data.errors import DataError
from cohortsmith.data.io.assembly import check_sizes, class_positions, subject_among
from cohortsmith.data.io.column_names import LABEL, NO_LABEL, SAMPLE_ID
from cohortsmith.data.io.covariates import tidy, typed
from cohortsmith.data.io.oddities import odd_classes, passed_over
from cohortsmith.data.io.sequence_labels import classes_of, subjects_of
from cohortsmith.data.io.sequence_records import Record, is_sequences, read_records
from cohortsmith.data.io.vcf import VCF, read_vcf
from cohortsmith.data.nucleotides import GAP, MASKED, encode
from cohortsmith.data.sequences import Aligned, align, align_among, expand, in_order, is_inserted, numbered, on
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

NONE = "none"  # as a reference: sequences are taken as they are
ALPHABETS = {"dna": "ACGT", "rna": "ACGU"}
REFERENCE_FIELD, COLUMNS_FIELD = "reference", "columns"  # header fields of the alignment
_MANY_CODES = 0.3  # share of ambiguity codes above which a sequence is probably a protein
_SEVERAL = "RYSWKMBDHV"


class _Placing(NamedTuple):
    aligned: Aligned
    reference: str
    how: str


def read_sequences(
    path: Path,
    *,
    label: str | None = None,
    subject: str | None = None,
    label_pattern: str | None = None,
    labels: Path | None = None,
    reference: str | None = None,
    alphabet: str | None = None,
    part: bool = False,
) -> Cohort:
    """Cohort from a FASTA, GenBank or VCF file, or from a folder of FASTA or GenBank files, one per class.

    The name of a sample is the first word of its header. Arguments as in `data.read_cohort`.

    Columns: those recorded in the headers (`reference=... columns=...`, as this program writes them) are kept, unless
    another reference is named. Otherwise, with a reference, every sequence is aligned to it; without one, sequences of
    equal length are taken as aligned, and others are aligned among themselves. `reference="none"` disables alignment.

    Raises:
        DataError: as `read_cohort`; one line with the file and record number.
    """
    if alphabet is not None and alphabet not in ALPHABETS:
        raise DataError(
            f"no alphabet {alphabet!r}{near_misses(alphabet, ALPHABETS)}; known: {' and '.join(ALPHABETS)}, both "
            "with IUPAC codes; proteins are not supported"
        )
    folder, source = path.is_dir(), path.name
    genotypes = read_vcf(path) if not folder and source.lower().endswith(VCF) else None
    if genotypes and (reference is not None or alphabet is not None):
        raise DataError(f"{source}: the sites of a VCF have their alleles; leave --reference and --alphabet out")
    files = sequence_files(path) if folder else [path]
    records = genotypes.records if genotypes else [record for file in files for record in read_records(file)]
    _check_names(records, source)
    told = passed_over(path, files) if folder else []
    owners = genotypes.owners if genotypes else records
    names = classes_of(
        owners, source, label=label, label_pattern=label_pattern, labels=labels, folder=folder, told=told
    )
    label = None if label == NO_LABEL else label
    y, classes = class_positions(pd.Series(names, dtype=object), label or LABEL, source)
    keys = {key for record in records for key in record.fields}
    by = subject or subject_among(sorted(keys), label or LABEL)
    ids = [record.name for record in records]
    subjects = np.asarray(subjects_of(records, source, by) if by else ids, dtype=np.str_)
    told += check_sizes(source, label or LABEL, y, subjects, classes, part)
    if genotypes:
        placing = _Placing(Aligned(genotypes.x, genotypes.columns), "", f"{genotypes.form} genotypes")
    else:
        placing = _placed(records, [_codes(record, alphabet) for record in records], reference, source)
    roles = {LABEL, label, by, REFERENCE_FIELD, COLUMNS_FIELD} | ({"subject"} if by else set())
    provenance: dict[str, Any] = {
        "source": source,
        "label": label or LABEL,
        "subject": by,
        "reference": placing.reference,
        "aligned": placing.how,
        "masked": int((placing.aligned.x == MASKED).sum()),
    }
    told += odd_classes(classes, label or LABEL, source)
    if told:
        provenance["warnings"] = tuple(told)
    return Cohort(
        kind="sequence",
        x=placing.aligned.x,
        y=y,
        classes=classes,
        features=placing.aligned.columns,
        subjects=subjects,
        obs=_covariates(records, sorted(keys - roles), ids),
        provenance=provenance,
    )


def sequence_files(folder: Path) -> list[Path]:
    """Sequence files directly in a folder; hidden ones are ignored."""
    return sorted(p for p in folder.iterdir() if is_sequences(p.name) and not p.name.startswith(".") and p.is_file())


def _check_names(records: Sequence[Record], source: str) -> None:
    first: dict[str, Record] = {}
    repeats = [(first[r.name], r) for r in records if first.setdefault(r.name, r) is not r]
    if repeats:
        one, other = repeats[0]
        files = f" of {one.file} and of record {other.number} of {other.file}" if one.file != other.file else ""
        again = files or f" appears again in record {other.number}"
        raise DataError(
            f"{source}: {len(repeats)} record name(s) appear more than once (the name of record {one.number}{again}); "
            "names (the first word of a header) must be unique: rename or remove one"
        )


def _codes(record: Record, alphabet: str | None) -> NDArray[np.uint8]:
    """Codes of a record's letters, gaps kept."""
    try:
        codes = encode(record.letters)
    except DataError as error:
        text = record.letters.upper()
        protein = "; it looks like a protein: provide its mRNA or DNA" if any(a in text for a in "EFILPQ") else ""
        raise DataError(f"{record.place}: {error}{protein}") from None
    masked = int((codes == MASKED).sum())
    if masked > _MANY_CODES * len(codes):
        if masked == int((codes != GAP).sum()):
            raise DataError(f"{record.place} has no known base, only N and similar codes; remove it")
        text = record.letters.upper()
        several = sum(text.count(letter) for letter in _SEVERAL)
        if several > _MANY_CODES * len(text):
            raise DataError(
                f"{record.place}: {several} of {len(text)} letters are ambiguity codes; it looks like a "
                "protein: provide its mRNA or DNA"
            )
    if alphabet is not None:
        other = {"dna": "U", "rna": "T"}[alphabet]
        if other in record.letters.upper():
            raise DataError(
                f"{record.place} contains {other}, which is not in the alphabet {alphabet} "
                f"({ALPHABETS[alphabet]}); omit the alphabet to read both"
            )
    return codes


def _placed(
    records: Sequence[Record], sequences: list[NDArray[np.uint8]], reference: str | None, source: str
) -> _Placing:
    def where(i: int) -> str:
        return f"{source}: record {records[i].number}" if records[i].file == source else f"{source}: {records[i].place}"

    target = None
    if reference not in (None, NONE):
        from cohortsmith.data.sequences import read_reference

        target = read_reference(str(reference))
    if reference != NONE and any(COLUMNS_FIELD in record.fields for record in records):
        kept = _as_recorded(records, sequences, where)
        if isinstance(kept, _Placing) and (target is None or target.name == kept.reference):
            return kept
        if target is None:
            raise DataError(f"{kept}; name the reference to align all to it (--reference)")
    lengths = np.asarray([len(s) for s in sequences])
    if target is None and (lengths == lengths[0]).all():
        return _Placing(Aligned(np.stack(sequences), numbered(int(lengths[0]))), "", "as given")
    if reference == NONE:
        other = records[int((lengths != lengths[0]).argmax())].place
        raise DataError(
            f"{source}: sequences of equal length are expected without alignment (--reference none); these "
            f"have {lengths.min()} to {lengths.max()} bases ({other} is the first of another length): align the file, "
            "or name a reference (--reference)"
        )
    bases = [s[s != GAP] for s in sequences]
    if target is None:
        return _Placing(align_among(bases, where), "", "among themselves")
    return _Placing(
        align(bases, encode(target.sequence), target.start, where, target.name), target.name, "to reference"
    )


def _as_recorded(
    records: Sequence[Record], sequences: list[NDArray[np.uint8]], where: Callable[[int], str]
) -> _Placing | str:
    """The columns recorded in the headers, or why they cannot be used.

    Concatenated files of the same reference may have different insertion columns.
    """
    named = records[0].fields.get(REFERENCE_FIELD, "")
    of: dict[str, list[int]] = {}
    for i, record in enumerate(records):
        if COLUMNS_FIELD not in record.fields or record.fields.get(REFERENCE_FIELD, "") != named:
            return f"{where(i)}: every header must state the same reference= and its columns=, as others do"
        of.setdefault(record.fields[COLUMNS_FIELD], []).append(i)
    columns = {text: expand(text) for text in of}
    for text, rows in of.items():
        wrong = next((i for i in rows if len(sequences[i]) != len(columns[text] or ())), None)
        if wrong is not None:
            return f"{where(wrong)} has {len(sequences[wrong])} letters, but its header names another number of columns"
    if len({tuple(name for name in names or () if not is_inserted(name)) for names in columns.values()}) > 1:
        return f"{records[0].file}: records cover different positions of the reference"
    wanted = in_order(name for names in columns.values() for name in names or ())
    x = np.empty((len(sequences), len(wanted)), dtype=np.uint8)
    for text, rows in of.items():
        x[rows] = on(np.stack([sequences[i] for i in rows]), columns[text] or (), wanted)
    return _Placing(Aligned(x, wanted), named, "as recorded")


def _covariates(records: Sequence[Record], keys: Sequence[str], ids: list[str]) -> pd.DataFrame:
    """Other header fields as covariates: integers, floats or booleans where all values parse, else text."""
    index = pd.Index(ids, dtype=object, name=SAMPLE_ID)
    columns = {key: typed([record.fields.get(key) for record in records]) for key in keys}
    return tidy(pd.DataFrame({key: pd.Series(column, index=index) for key, column in columns.items()}, index=index))
