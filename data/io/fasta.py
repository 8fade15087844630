"""Writing sequences as FASTA: class, patient, covariates and the columns of the alignment in each header."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.column_names import LABEL
from cohortsmith.data.io.sequence_assembly import COLUMNS_FIELD, REFERENCE_FIELD
from cohortsmith.data.nucleotides import GAP, decode
from cohortsmith.data.sequences import compact, numbered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from cohortsmith.data.cohort import Cohort

_WIDTH = 80
_KEY = re.compile(r"[A-Za-z_][\w.:+-]*")


class FastaWriter:
    """Writes chunks of a cohort as FASTA, gaps kept, so that `read_cohort` restores the same columns.

    A header is `>ID label=CLASS`, then the patient, the covariates, and for an aligned cohort `reference=` and
    `columns=`. A value with spaces is written in brackets, `[label=wild type]`, as NCBI does; a missing one is omitted.

    Raises:
        DataError: a name or value that could not be read back from a header.
    """

    def __init__(self, stream: BinaryIO | Any, like: Cohort) -> None:
        self._stream = stream
        subject = like.provenance.get("subject")
        self._subject = None if not subject else str(subject) if _KEY.fullmatch(str(subject)) else "subject"
        named = str(like.provenance.get("label") or LABEL)
        self._labels = (LABEL, named) if named != LABEL and _KEY.fullmatch(named) else (LABEL,)
        self._keys = [str(name) for name in like.obs.columns]
        roles = {*self._labels, self._subject, REFERENCE_FIELD, COLUMNS_FIELD}
        for key in self._keys:
            if key in roles or not _KEY.fullmatch(key):
                raise DataError(f"cannot write covariate {key!r} in a FASTA header; rename it to another single word")
        self._tail = _alignment(like)

    def write(self, chunk: Cohort) -> None:
        """Append the sequences of a chunk."""
        self._stream.write("".join(self._records(chunk)).encode())

    def _records(self, chunk: Cohort) -> Iterator[str]:
        covariates = [chunk.obs[key].tolist() for key in self._keys]
        for i, (name, label, codes) in enumerate(zip(chunk.ids.astype(str), chunk.labels, chunk.x, strict=True)):
            if not name or re.search(r"\s", name) or not (codes < GAP).any():
                wrong = "has no name, or one with spaces" if codes.min(initial=GAP) < GAP else "has no known base"
                raise DataError(f"cannot write sample {i + 1} as FASTA: it {wrong}; rename it or leave it out")
            words = [f">{name}", *(_word(key, str(label)) for key in self._labels)]
            if self._subject:
                words.append(_word(self._subject, str(chunk.subjects[i])))
            words += [
                _word(key, str(value) if isinstance(value, str) else repr(value))
                for key, value in ((key, column[i]) for key, column in zip(self._keys, covariates, strict=True))
                if not pd.isna(value)
            ]
            letters = decode(codes)
            lines = (letters[at : at + _WIDTH] for at in range(0, len(letters), _WIDTH))
            yield f"{' '.join(words)}{self._tail}\n" + "\n".join(lines) + "\n"


def _word(key: str, value: str) -> str:
    if value and not re.search(r"[\s\[\]]", value):
        return f"{key}={value}"
    if not value.strip() or value != value.strip() or re.search(r"[\[\]\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", value):
        raise DataError(
            f"cannot write {key!r} in a FASTA header: it is empty, or has brackets or unusual white space; rename it"
        )
    return f"[{key}={value}]"


def _alignment(like: Cohort) -> str:
    """Header fields of the alignment; empty when columns are merely numbered."""
    reference = str(like.provenance.get("reference") or "")
    if not reference and like.features == numbered(len(like.features)):
        return ""
    return f"{f' {_word(REFERENCE_FIELD, reference)}' if reference else ''} {COLUMNS_FIELD}={compact(like.features)}"
