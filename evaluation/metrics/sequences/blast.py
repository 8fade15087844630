"""NCBI blastn: identity of sequences with their best hits in a local database, in a temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.nucleotides import GAP, decode
from cohortsmith.evaluation.metrics.sequences.identity import Hits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import Codes

PROGRAMS = ("makeblastdb", "blastn")
INSTALL = (
    "install NCBI BLAST+ 2.12 or newer: apt-get install ncbi-blast+ (Debian, Ubuntu), brew install blast (macOS) or "
    "conda install -c bioconda blast; or leave --blast out: identity is measured without it"
)
FIELDS = "qseqid sseqid nident length qstart qend"
HITS = 5  # with fewer, blastn warns and keeps the first hits that it finds rather than the best


def require_blastn() -> None:
    """Check that blastn and makeblastdb can be called.

    Raises:
        DataError: they are not installed; the message says how to.
    """
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise DataError(f"--blast needs {' and '.join(missing)} on the PATH: {INSTALL}")


def blast_identity(synthetic: Cohort, real: Cohort) -> float:
    """Mean identity in percent of each synthetic sequence's best hit among real ones; 0 where there is none.

    Raises:
        DataError: blastn is absent or fails.
    """
    return float(blast_hits(synthetic.x, real.x).identity.mean())


def blast_hits(queries: Codes, subjects: Codes) -> Hits:
    """Best hit of each query by `blastn -task blastn`, gaps taken out; no hit: identity 0, coverage 0, subject -1.

    Equal sequences are searched once. The folder with the sequences is removed at the end, also after an error.

    Args:
        queries: (n, columns) codes.
        subjects: (m, any columns) codes.

    Raises:
        DataError: blastn is absent or fails.
    """
    require_blastn()
    texts, query_of = np.unique([decode(row[row != GAP]) for row in queries], return_inverse=True)
    known, first = np.unique([decode(row[row != GAP]) for row in subjects], return_index=True)
    identities, coverage = np.zeros(len(texts)), np.zeros(len(texts))
    subject = np.full(len(texts), -1, dtype=np.int64)
    done: set[int] = set()
    for line in _search(texts.tolist(), known.tolist()):
        query, hit, identical, columns, start, stop = (int(field) for field in line.split("\t"))
        if query in done:  # the best hit comes first
            continue
        done.add(query)
        identities[query] = 100 * identical / columns
        coverage[query] = 100 * (stop - start + 1) / len(texts[query])
        subject[query] = first[hit]
    return Hits(identities[query_of], coverage[query_of], subject[query_of])


def _search(queries: Sequence[str], subjects: Sequence[str]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="cohortsmith-blast-") as name:
        folder = Path(name)
        _write(folder / "queries.fasta", queries)
        _write(folder / "subjects.fasta", subjects)
        _run(["makeblastdb", "-in", "subjects.fasta", "-dbtype", "nucl", "-out", "subjects"], folder)
        search = ["blastn", "-task", "blastn", "-strand", "plus", "-query", "queries.fasta", "-db", "subjects"]
        search += ["-max_target_seqs", str(HITS), "-max_hsps", "1", "-num_threads", str(os.cpu_count() or 1)]
        return _run([*search, "-outfmt", f"6 {FIELDS}"], folder).splitlines()


def _write(path: Path, sequences: Sequence[str]) -> None:
    path.write_text("".join(f">{i}\n{text}\n" for i, text in enumerate(sequences) if text), encoding="ascii")


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        # its own message is withheld: it may quote a sequence
        raise DataError(
            f"{command[0]} ended with code {done.returncode}: check that `{command[0]} -version` works; {INSTALL}"
        )
    return done.stdout
