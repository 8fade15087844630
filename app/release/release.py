"""Released folders: samples copied before they are audited, cards, audit, and a list of checksums."""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cohortsmith.app.release.audit_files import facts_of_audit, write_audit
from cohortsmith.app.release.cards import data_card, model_card, write_card
from cohortsmith.app.release.ledger import Release, key_of, patients_digest, recorded, run_name, runs_folder
from cohortsmith.app.release.verification import stamp
from cohortsmith.app.workspace import Metrics, digest_of, file_hashes, put_in_place, read_json
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cohortsmith.app.release.audit_case import Case
    from cohortsmith.evaluation.privacy import Audit

_MACHINE = ("python", "system", "cpus", "threads", "cuda", "packages")


@contextmanager
def release_folder(target: Path) -> Iterator[Path]:
    """A folder to prepare a release in, beside its target; whatever is left of it in the end is removed.

    Raises:
        DataError: something is there already.
    """
    if target.is_symlink() or (target.exists() and (target.is_file() or any(target.iterdir()))):
        raise DataError(f"{target} exists already, and a release is never overwritten; name another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    working = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}.tmp"
    working.mkdir()
    try:
        yield working
    finally:
        shutil.rmtree(working, ignore_errors=True)


def fill_release(working: Path, target: Path, case: Case, audit: Audit, *, forced: bool) -> None:
    """Write cards, audit and checksums beside the audited samples, put the folder in place, and record the release.

    Args:
        working: folder that holds the samples that were audited, and nothing else.
        target: the folder it becomes.
        case: the run that was audited, its samples in `working`.
        audit: its result.
        forced: released although the audit did not pass; both cards say so.

    Raises:
        DataError: not the case of a run, samples that changed since they were read, or another release of the same
            cohort since the audit began.
    """
    if case.folder is None or case.cohort is None or case.samples.parent != working:
        raise DataError("only a run whose samples were copied before the audit can be released")
    facts = facts_of_audit(audit, case)
    summary = {key: value for key, value in case.summary.items() if key not in _MACHINE}
    metrics = read_json(case.folder / "metrics.json", Metrics)
    now = datetime.now(UTC)
    date = now.date().isoformat()
    write_card(working, model_card(case, facts, summary, metrics, date=date, forced=forced))
    write_card(working, data_card(case, facts, summary, date=date, forced=forced))
    write_audit(working, audit, case)
    stamp(working)
    case.require_unchanged()
    key = key_of(runs_folder(case.folder), make=True)
    line = Release(
        time=now.isoformat(timespec="seconds"),
        patients=patients_digest(case.train, key),
        cohort=patients_digest(case.cohort, key),
        run=run_name(case.folder),
        seed=int(case.config.get("seed") or 0),
        model=digest_of(file_hashes(case.model or case.folder / "config.json")),
        policy=audit.policy.digest(),
        samples=patients_digest(case.synthetic),
        rows=len(case.synthetic),
        decision=audit.outcome,
        forced=forced,
    )
    with recorded(runs_folder(case.folder), line, case.before.known):
        put_in_place(working, target)
