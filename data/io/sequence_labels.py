"""Classes of sequences: from the header, a pattern, a table of labels, or the file they are in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.column_names import LABEL, NO_LABEL, ONE_CLASS
from cohortsmith.data.io.label_table import read_labels
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cohortsmith.data.io.sequence_records import Record


def classes_of(
    records: Sequence[Record],
    source: str,
    *,
    label: str | None = None,
    label_pattern: str | None = None,
    labels: Path | None = None,
    folder: bool = False,
    told: list[str],
) -> list[str]:
    """Class name of each record; arguments as in `read_cohort`, `folder`: each file is a class.

    Where a pattern or a table matches none of the records, but every header has `label=CLASS` (as this program writes),
    the header is used, and that is told.

    Raises:
        DataError: both a pattern and a table, an invalid pattern, a record without a class.
    """
    if label == NO_LABEL and not any(NO_LABEL in record.fields for record in records):
        return [ONE_CLASS] * len(records)
    if label_pattern is not None and labels is not None:
        raise DataError("classes are given by a pattern and by a table of labels; use only one of the two")
    if labels is not None:
        table = read_labels(labels, {record.name for record in records}).column(label)
        found: list[str | None] = [table.get(record.name) for record in records]
        advice = f"in {labels.name}: add their lines, <id><tab><label>, or remove the records"
    elif label_pattern is not None:
        pattern = compiled(label_pattern, "label")
        found = [_group(pattern, record.header) for record in records]
        advice = f"by the label pattern {label_pattern!r}: widen it, or remove the records"
    elif folder and label is None:
        return _classes_of_files(records, source)
    else:
        key = label or LABEL
        found = [record.fields.get(key) or None for record in records]
        advice = _advice(records, key)
    missing = [i for i, name in enumerate(found) if not name]
    stated = labels is not None or label_pattern is not None
    if stated and len(missing) == len(found) and all(record.fields.get(LABEL) for record in records):
        by = "the label pattern" if labels is None else labels.name
        told.append(f"{source}: no record has a class by {by}; label=CLASS in the headers is read in its place")
        return [record.fields[LABEL] for record in records]
    if missing:
        first = records[missing[0]]
        raise DataError(
            f"{source}: {len(missing)} of {len(records)} records have no label {advice} (first: record {first.number}"
            f"{f' of {first.file}' if folder else ''})"
        )
    return [str(name) for name in found]


def subjects_of(records: Sequence[Record], source: str, key: str) -> list[str]:
    """Patient of each record, from a `key=value` field of its header or a pattern with one group on the header.

    Raises:
        DataError: a record without a patient.
    """
    pattern = compiled(key, "subject") if "(" in key else None
    found = [_group(pattern, record.header) if pattern else record.fields.get(key) for record in records]
    if pattern and not any(found):  # a file that this program wrote
        found = [record.fields.get("subject") for record in records]
    missing = [i for i, name in enumerate(found) if not name]
    if missing:
        known = {name for record in records for name in record.fields}
        raise DataError(
            f"{source}: {len(missing)} of {len(records)} records name no patient by {key!r} in their header (first: "
            f"record {records[missing[0]].number}){near_misses(key, known)}; expected {key}=NAME, or a pattern with "
            "one group (--subject)"
        )
    return [str(name) for name in found]


def compiled(pattern: str, what: str) -> re.Pattern[str]:
    """A pattern with one group.

    Raises:
        DataError: not a regular expression, or not exactly one group.
    """
    try:
        made = re.compile(pattern)
    except re.error as error:
        raise DataError(f"the {what} pattern {pattern!r} is not a regular expression: {error}") from None
    if made.groups != 1:
        raise DataError(
            f"the {what} pattern {pattern!r} has {made.groups} groups; put one pair of parentheses around the name, "
            "e.g. 'status=(\\w+)', and use (?:...) for the others"
        )
    return made


def _classes_of_files(records: Sequence[Record], source: str) -> list[str]:
    files = {record.file for record in records}
    if len({_stem(file) for file in files}) < len(files):
        raise DataError(
            f"{source}: two files differ only by their suffix, and would be one class; rename or merge them"
        )
    return [_stem(record.file) for record in records]


def _group(pattern: re.Pattern[str], text: str) -> str | None:
    hit = pattern.search(text)
    return (hit[1] or "").strip() or None if hit else None


def _stem(name: str) -> str:
    return re.sub(r"\.[^.]+(\.gz)?$", "", name, flags=re.IGNORECASE)


def _advice(records: Sequence[Record], key: str) -> str:
    known = sorted({name for record in records for name in record.fields})
    if key in known:
        return f"by {key}=CLASS in their header: add it, or remove the records"
    near = near_misses(key, known) or (f"; the headers have {', '.join(known[:6])}" if known else "")
    return (
        f"by {key}=CLASS in their header{near}; name the key (--label), a pattern with one group (--label-pattern), a "
        "table <id><tab><label> (--labels), or put one file per class into a folder"
    )
