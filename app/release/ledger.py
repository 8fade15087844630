"""The ledger of releases in a folder of runs: digests only, so that a second release of the same patients is noticed.

Rows that were released before serve an attacker together with new ones; the audit of a further release counts both.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cohortsmith.app.workspace import RunConfig, read_json_as, read_synthetic, synthetic_file
from cohortsmith.data import DataError
from cohortsmith.data.sequences import on_columns, shared_columns
from cohortsmith.data.validation import from_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

LEDGER = "releases.jsonl"
_LOCK = ".releases.lock"
_KEY, _KEY_BYTES = ".releases.key", 32
_PATIENCE = 10.0  # seconds to wait for another release that is being recorded


@dataclass(frozen=True)
class Release:
    """One release, as a line of the ledger; digests are SHA-256.

    Attributes:
        time: when, UTC.
        patients: digest of the patients that the generator was fitted on, by the folder's secret.
        cohort: the same of the whole cohort that they were drawn from.
        run: the run's folder, from the folder of runs.
        seed: the run's seed, which its split follows.
        model: digest of the model's files, or of the run's configuration where no model was saved.
        policy: digest of the limits.
        samples: digest of the virtual patients released, in any order and format.
        rows: virtual patients.
        decision: the audit's.
        forced: released although the audit did not pass.
    """

    time: str
    patients: str
    cohort: str
    run: str
    seed: int
    model: str
    policy: str
    samples: str
    rows: int
    decision: str
    forced: bool = False


@dataclass(frozen=True)
class ReleasedBefore:
    """Earlier releases that concern a run.

    Attributes:
        same: those of the same training patients, other files than the run's own.
        other: those fitted on other patients of the same cohort.
        rows: virtual patients of `same` that could be found again, None without any.
        lost: how many releases of `same` could not be found again.
        known: how many lines the ledger had.
    """

    same: tuple[Release, ...] = ()
    other: tuple[Release, ...] = ()
    rows: Cohort | None = None
    lost: int = 0
    known: int = 0

    def note(self, rows: int) -> str:
        """One sentence for people, "" if nothing was released before; `rows` are those of the run itself."""
        parts = []
        if self.same:
            files = {release.samples: release.rows for release in self.same}
            parts.append(
                f"the same patients were released before: {len(self.same)} {_releases(len(self.same))}, "
                f"{sum(files.values()) + rows} rows in all with this one; "
                + ("not all could be counted" if self.lost else "both are counted together")
            )
        if self.other:
            n = len(self.other)
            parts.append(
                f"{n} {_releases(n)} {'was' if n == 1 else 'were'} fitted on other patients of the same cohort"
            )
        return "; ".join(parts)

    def uncounted(self) -> str:
        """Why no pass is possible, "" if everything released before is counted."""
        if self.lost:
            return (
                f"{self.lost} earlier {_releases(self.lost)} of the same patients cannot be counted: the run folder is "
                "gone or its virtual patients have changed; put it back, and audit again"
            )
        if self.other:
            seeds = ", ".join(sorted({str(release.seed) for release in self.other}))
            return (
                f"{len(self.other)} earlier {_releases(len(self.other))} of other patients of the same cohort cannot "
                f"be counted: fit on the same patients as they did (seed {seeds}, the same holdout), and audit again"
            )
        return ""


def patients_digest(cohort: Cohort, key: bytes = b"") -> str:
    """Digest of the patients of a cohort by their measurements alone: the same in any order and in any file format.

    A record is hashed with its features in the order of their names, as float32 where they are numbers and zero
    without a sign; the records are then sorted. Names, labels and covariates are left out: another file of the same
    patients may lack them.

    Args:
        cohort: the patients.
        key: secret of the folder of runs; without it, whoever has the file could look its digest up.
    """
    order = np.argsort(np.asarray(cohort.features, dtype=np.str_), kind="stable")
    names = "\n".join(cohort.features[at] for at in order)
    whole = hashlib.blake2b(f"{cohort.kind}\n{names}\n".encode(), key=key)
    for record in sorted(_record(row, order, cohort.about.pictured) for row in cohort.x):
        whole.update(record)
    return whole.hexdigest()


def _record(row: NDArray[Any], order: NDArray[np.int64], pictured: bool) -> bytes:
    values = row if pictured else row[order]
    if values.dtype.kind == "f":
        values = values.astype(np.float32) + np.float32(0)  # -0.0 + 0.0 is 0.0
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).digest()


def key_of(runs: Path, *, make: bool = False) -> bytes:
    """Secret of a folder of runs that the digests in its ledger are made with.

    A line of the ledger alone then tells nothing of the patients, as differential privacy demands.

    Args:
        runs: the folder.
        make: make one where there is neither a secret nor a ledger yet.

    Raises:
        DataError: there is none, so that no patients can be recognised.
    """
    place = runs / _KEY
    if make and not place.exists() and not (runs / LEDGER).exists():
        with suppress(FileExistsError):
            number = os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(number, "wb") as file:
                file.write(os.urandom(_KEY_BYTES))
    key = place.read_bytes() if place.is_file() else b""
    if len(key) != _KEY_BYTES:
        raise DataError(
            f"{place}: the secret that {LEDGER} was written with was expected; without it nobody can tell whose "
            "patients were released before: put it back"
        )
    return key


def runs_folder(run: Path) -> Path:
    """The folder of runs that holds a run; a family of a comparison or study lies one or two folders deeper."""
    place = run.resolve().parent
    if place.name == "families":
        place = place.parent
    inside = any((place / name).is_file() for name in ("comparison.json", "study.json"))
    return place.parent if inside else place


def read_ledger(runs: Path) -> list[Release]:
    """Every release recorded in a folder of runs, the oldest first.

    Raises:
        DataError: a line that is no record of a release.
    """
    try:
        lines = (runs / LEDGER).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [from_json(Release, line, where=f"{runs / LEDGER}: line {at}") for at, line in enumerate(lines, 1)]


def released_before(run: Path, train: Cohort, cohort: Cohort, samples: str) -> ReleasedBefore:
    """What was released before of the patients of a run.

    Args:
        run: folder of the run.
        train: patients that it was fitted on.
        cohort: the whole cohort that they were drawn from.
        samples: digest of the run's own virtual patients, which count once however often they are released.

    Raises:
        DataError: a damaged ledger.
    """
    runs = runs_folder(run)
    every = read_ledger(runs)
    if not every:
        return ReleasedBefore()
    key = key_of(runs)
    patients, whole = patients_digest(train, key), patients_digest(cohort, key)
    known = [release for release in every if release.samples != samples]
    same = tuple(release for release in known if release.patients == patients)
    other = tuple(release for release in known if release.patients != patients and release.cohort == whole)
    rows: Cohort | None = None
    lost = 0
    seen: set[str] = set()
    for release in same:
        if release.samples in seen:
            continue
        seen.add(release.samples)
        found = _rows_of(release, runs, train)
        if found is None:
            lost += 1
        else:
            rows = found if rows is None else pooled_rows(rows, found)
    return ReleasedBefore(same, other, rows, lost, len(every))


def pooled_rows(cohort: Cohort, more: Cohort) -> Cohort:
    """The rows of two cohorts as one, each row a patient of its own; covariates are left out.

    Raises:
        DataError: cohorts of other genes, positions or image sizes.
    """
    if cohort.about.coded:
        columns = shared_columns(cohort, more)
        cohort, more = on_columns(cohort, columns), on_columns(more, columns)
    if cohort.features != more.features or cohort.x.shape[1:] != more.x.shape[1:]:
        raise DataError(f"cohorts of other {cohort.about.columns} cannot be counted together")
    labels = np.concatenate([cohort.labels, more.labels])
    classes = tuple(sorted({*cohort.classes, *more.classes}))
    place = {name: number for number, name in enumerate(classes)}
    ids = [f"row-{number}" for number in range(len(labels))]
    return replace(
        cohort,
        x=np.concatenate([cohort.x, more.x]),
        y=np.asarray([place[str(name)] for name in labels], dtype=np.int64),
        classes=classes,
        subjects=np.asarray(ids, dtype=np.str_),
        obs=pd.DataFrame(index=pd.Index(ids)),
    )


@contextmanager
def recorded(runs: Path, release: Release, known: int) -> Iterator[None]:
    """Record a release when the block that puts it in place ends well; nothing is recorded otherwise.

    Args:
        runs: the folder of runs.
        release: the new line.
        known: how many lines the ledger had when the audit read it.

    Raises:
        DataError: the same cohort was released since then, or another release is being recorded.
    """
    with _locked(runs):
        newer = read_ledger(runs)[known:]
        if any(each.patients == release.patients or each.cohort == release.cohort for each in newer):
            raise DataError("the same cohort was released while this audit ran; release again, so that both count")
        ledger = runs / LEDGER
        before = ledger.read_bytes() if ledger.exists() else b""
        working = runs / f".{LEDGER}.{uuid.uuid4().hex[:8]}.tmp"
        try:
            with working.open("xb") as file:
                file.write(before + json.dumps(asdict(release)).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            yield
            os.replace(working, ledger)
        finally:
            working.unlink(missing_ok=True)


@contextmanager
def _locked(runs: Path) -> Iterator[None]:
    lock = runs / _LOCK
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            if time.monotonic() > until:
                raise DataError(
                    f"another release is being recorded; if none runs any more, delete {lock} and release again"
                ) from None
            time.sleep(0.1)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _rows_of(release: Release, runs: Path, train: Cohort) -> Cohort | None:
    """Virtual patients of an earlier release, from the run that they came from; None if they are not there any more."""
    folder = runs / release.run
    if Path(release.run).is_absolute() or not folder.resolve().is_relative_to(runs):
        return None
    try:
        samples = synthetic_file(folder)
        found = read_synthetic(samples, read_json_as(RunConfig, folder / "config.json").data, train)
        return found if patients_digest(found) == release.samples else None
    except (DataError, OSError):
        return None


def _releases(n: int) -> str:
    return "release" if n == 1 else "releases"


def run_name(run: Path) -> str:
    """The run's folder as the ledger names it, from the folder of runs."""
    return run.resolve().relative_to(runs_folder(run)).as_posix()
