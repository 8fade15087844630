"""From records of sequence files to a checked `Cohort`: classes, patients, covariates, and columns in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from cohortsmith.data.cohort import Cohort
from cohortsmith.data.errors import DataError
from cohortsmith.data.io.assembly import SUBJECTS, check_sizes, class_positions
from cohortsmith.data.io.covariates import tidy, typed
from cohortsmith.data.io.sequence_labels import LABEL, classes_of, subjects_of
from cohortsmith.data.io.sequence_records import Record, is_sequences, read_records
from cohortsmith.data.nucleotides import GAP, MASKED, encode
from cohortsmith.data.sequences import Aligned, align, align_among, expand, in_order, is_inserted, numbered, on
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

NONE = "none"  # as a reference: the sequences stand as they are
ALPHABETS = {"dna": "ACGT", "rna": "ACGU"}
REFERENCE, COLUMNS = "reference", "columns"  # words of a header that say what the file is aligned to
_MANY_CODES = 0.3  # share of letters for several bases above which a sequence is likely a protein's
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
    """Cohort from a FASTA or GenBank file, or from a folder of such files, one a class.

    The name of a sample is the first word of its header. Arguments as in `data.read_cohort`.

    Columns: what the headers record (`reference=... columns=...`, as this program writes) stands, unless another
    reference is named. Otherwise, with a reference, every sequence is aligned to it; without one, sequences of equal
    length are taken as aligned, and others are aligned among themselves. `reference="none"` forbids aligning.

    Raises:
        DataError: whatever does not hold; one line that says where, by file and record number.
    """
    if alphabet is not None and alphabet not in ALPHABETS:
        raise DataError(
            f"no alphabet {alphabet!r}{near_misses(alphabet, ALPHABETS)}; there are {' and '.join(ALPHABETS)}, and "
            "IUPAC codes in both: proteins are not read"
        )
    folder = path.is_dir()
    files = sequence_files(path) if folder else [path]
    records = [record for file in files for record in read_records(file)]
    source = path.name
    _check_names(records, source)
    names = classes_of(records, source, label=label, label_pattern=label_pattern, labels=labels, folder=folder)
    y, classes = class_positions(pd.Series(names, dtype=object), label or LABEL, source)
    keys = {key for record in records for key in record.fields}
    by = subject or next((key for key in SUBJECTS if key in keys), None)
    ids = [record.name for record in records]
    subjects = np.asarray(subjects_of(records, source, by) if by else ids, dtype=np.str_)
    check_sizes(source, label or LABEL, y, subjects, classes, part)
    sequences = [_codes(record, alphabet) for record in records]
    placing = _placed(records, sequences, reference, source)
    roles = {LABEL, label, by, REFERENCE, COLUMNS} | ({"subject"} if by else set())
    provenance: dict[str, Any] = {
        "source": source,
        "label": label or LABEL,
        "subject": by,
        "reference": placing.reference,
        "aligned": placing.how,
        "masked": int((placing.aligned.x == MASKED).sum()),
    }
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
    """The sequence files that stand in a folder, hidden ones and those of its folders left out."""
    return sorted(p for p in folder.iterdir() if is_sequences(p.name) and not p.name.startswith(".") and p.is_file())


def _check_names(records: Sequence[Record], source: str) -> None:
    first: dict[str, Record] = {}
    repeats = [(first[r.name], r) for r in records if first.setdefault(r.name, r) is not r]
    if repeats:
        one, other = repeats[0]
        files = f" of {one.file} and of record {other.number} of {other.file}" if one.file != other.file else ""
        again = files or f" stands again in record {other.number}"
        raise DataError(
            f"{source}: {len(repeats)} record name(s) stand more than once (the name of record {one.number}{again}); "
            "names (the first word of a header) must be unique: rename or leave one out"
        )


def _codes(record: Record, alphabet: str | None) -> NDArray[np.uint8]:
    """Codes of a record's letters as they stand, gaps kept."""
    try:
        codes = encode(record.letters)
    except DataError as error:
        text = record.letters.upper()
        protein = "; it looks like a protein: give its mRNA or DNA" if any(a in text for a in "EFILPQ") else ""
        raise DataError(f"{record.place}: {error}{protein}") from None
    masked = int((codes == MASKED).sum())
    if masked > _MANY_CODES * len(codes):
        if masked == int((codes != GAP).sum()):
            raise DataError(f"{record.place} has no known base, only N and the like; leave it out")
        text = record.letters.upper()
        several = sum(text.count(letter) for letter in _SEVERAL)
        if several > _MANY_CODES * len(text):
            raise DataError(
                f"{record.place}: {several} of {len(text)} letters stand for several bases each; it looks like a "
                "protein: give its mRNA or DNA"
            )
    if alphabet is not None:
        other = {"dna": "U", "rna": "T"}[alphabet]
        if other in record.letters.upper():
            raise DataError(
                f"{record.place} holds {other}, which the alphabet {alphabet} ({ALPHABETS[alphabet]}) lacks; leave the "
                "alphabet out, and both are read"
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
    if reference != NONE and any(COLUMNS in record.fields for record in records):
        kept = _as_recorded(records, sequences, where)
        if isinstance(kept, _Placing) and (target is None or target.name == kept.reference):
            return kept
        if target is None:
            raise DataError(f"{kept}; name the reference, and all are aligned to it (--reference)")
    lengths = np.asarray([len(s) for s in sequences])
    if target is None and (lengths == lengths[0]).all():
        return _Placing(Aligned(np.stack(sequences), numbered(int(lengths[0]))), "", "as they stand")
    if reference == NONE:
        other = records[int((lengths != lengths[0]).argmax())].place
        raise DataError(
            f"{source}: sequences of one length are expected, as no reference is to be used (--reference none); they "
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
    """The columns that the headers name, or why they cannot stand.

    Files of the same reference that were put together may name different inserted places.
    """
    named = records[0].fields.get(REFERENCE, "")
    of: dict[str, list[int]] = {}
    for i, record in enumerate(records):
        if COLUMNS not in record.fields or record.fields.get(REFERENCE, "") != named:
            return f"{where(i)}: every header is expected to say the same reference= and its columns=, as others do"
        of.setdefault(record.fields[COLUMNS], []).append(i)
    columns = {text: expand(text) for text in of}
    for text, rows in of.items():
        wrong = next((i for i in rows if len(sequences[i]) != len(columns[text] or ())), None)
        if wrong is not None:
            return f"{where(wrong)} has {len(sequences[wrong])} places, and its header does not name as many columns"
    if len({tuple(name for name in names or () if not is_inserted(name)) for names in columns.values()}) > 1:
        return f"{records[0].file}: records stand on different positions of the reference"
    wanted = in_order(name for names in columns.values() for name in names or ())
    x = np.empty((len(sequences), len(wanted)), dtype=np.uint8)
    for text, rows in of.items():
        x[rows] = on(np.stack([sequences[i] for i in rows]), columns[text] or (), wanted)
    return _Placing(Aligned(x, wanted), named, "as recorded")


def _covariates(records: Sequence[Record], keys: Sequence[str], ids: list[str]) -> pd.DataFrame:
    """Other words of the headers: whole numbers, numbers and yes/no where every one is written so, else text."""
    index = pd.Index(ids, dtype=object, name="sample_id")
    columns = {key: typed([record.fields.get(key) for record in records]) for key in keys}
    return tidy(pd.DataFrame({key: pd.Series(column, index=index) for key, column in columns.items()}, index=index))
