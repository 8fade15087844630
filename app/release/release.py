"""Released folders: samples, cards and audit with a list of checksums, and their verification."""

from __future__ import annotations

import re
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cohortsmith.app.release.audit_case import write_audit
from cohortsmith.app.release.cards import data_card, model_card, write_card
from cohortsmith.app.workspace import Environment, Metrics, read_json
from cohortsmith.data import DataError
from cohortsmith.data.io import sha256

if TYPE_CHECKING:
    from cohortsmith.app.release.audit_case import Case
    from cohortsmith.evaluation.privacy import Audit

CHECKSUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def fill_release(folder: Path, case: Case, audit: Audit, *, forced: bool) -> None:
    """Write a release into an empty folder: samples, model card, data card, audit, checksums; no real patients.

    Args:
        folder: destination.
        case: the run that was audited.
        audit: its result.
        forced: released although the audit did not pass; both cards say so.

    Raises:
        DataError: not the case of a run.
    """
    if case.samples.is_dir():
        shutil.copytree(case.samples, folder / case.samples.name)
    else:
        shutil.copyfile(case.samples, folder / case.samples.name)
    if case.folder is None:
        raise DataError("only a run can be released: the cards are written from its folder")
    summary = read_json(case.folder / "environment.json", Environment)
    facts = {key: value for key, value in summary.items() if key not in _MACHINE}
    metrics = read_json(case.folder / "metrics.json", Metrics)
    write_card(folder, model_card(case, audit, facts, metrics, forced=forced))
    write_card(folder, data_card(case, audit, facts, forced=forced))
    write_audit(folder, audit, case)
    stamp(folder)


_MACHINE = ("python", "system", "cpus", "threads", "cuda", "packages")


def stamp(folder: Path) -> None:
    """Write the checksums of every file under `folder`, in the form that `sha256sum --check` reads."""
    lines = [f"{sha256(folder / name)}  {name}" for name in _files(folder)]
    (folder / CHECKSUMS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def changes(folder: Path) -> list[str]:
    """What has changed in a released folder, one line per change.

    Checksums detect accidental changes; they are no signature, since anyone who edits a file can update its checksum.

    Raises:
        DataError: not a released folder.
    """
    if not (folder / CHECKSUMS).is_file():
        raise DataError(f"{folder} is not a released folder: {CHECKSUMS} was expected in it, as `release` writes it")
    stamped: dict[str, str] = {}
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        lines = [""]
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or not _inside(match[2]):
            return [f"{CHECKSUMS} has changed since the release: it is no longer a list of checksums"]
        stamped[match[2]] = match[1]
    present = set(_files(folder))
    found = [f"{name} is missing; it was part of the release" for name in stamped if name not in present]
    found += [f"{name} was added after the release" for name in sorted(present - set(stamped))]
    changed = [name for name in stamped if name in present and sha256(folder / name) != stamped[name]]
    return [f"{name} has changed since the release" for name in changed] + found


def _files(folder: Path) -> list[str]:
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return sorted(name for name in names if name != CHECKSUMS)


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
