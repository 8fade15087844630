"""What an audit writes: `audit.json` and `audit.html`, stamped with hashes of all inputs, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cohortsmith.app.release.next_commands import commands_of
from cohortsmith.app.release.unstated import facts_without_sizes, stamp_without_digests, without_sizes
from cohortsmith.app.workspace import write_json

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.app.release.audit_case import Case
    from cohortsmith.evaluation.privacy import Audit, Step


def write_audit(folder: Path, audit: Audit, case: Case, *, show_patients: bool = False) -> None:
    """Write `audit.html` and `audit.json`, stamped with the hashes of data, model and samples, version and seed.

    Raises:
        DataError: the samples changed since they were read.
    """
    from cohortsmith.evaluation.html.audit import audit_page

    case.require_unchanged()
    write_json(folder / "audit.json", facts_of_audit(audit, case))
    shown = without_sizes(audit) if case.private else audit
    stamp = stamp_of(audit, case)
    page = audit_page(
        shown,
        title=case.title,
        stamp=stamp,
        show_patients=show_patients,
        sizes=not case.private,
        steps=_steps_written(audit, case),
    )
    (folder / "audit.html").write_text(page, encoding="utf-8")


def facts_of_audit(audit: Audit, case: Case) -> dict[str, Any]:
    """`audit.json`: all results and the stamp; under differential privacy no sizes or digests of real patients."""
    facts = facts_without_sizes(audit) if case.private else audit.to_json()
    looser = [
        {"criterion": name, "key": key, "value": value, "default": usual}
        for name, key, value, usual in audit.policy.laxer()
    ]
    steps = [step._asdict() for step in _steps_written(audit, case)]
    return facts | {"looser_limits": looser, "next_steps": steps, "stamp": stamp_of(audit, case)}


def steps_after(audit: Audit, case: Case) -> tuple[Step, ...]:
    """What would bring a decision, or another one, with ready commands."""
    from cohortsmith.evaluation.privacy import next_steps

    return next_steps(audit, commands_of(case), private=case.private)


def _steps_written(audit: Audit, case: Case) -> tuple[Step, ...]:
    """The same, but none in a release: its recipients have nothing to do, and no need of this machine's folders."""
    return () if case.copied else steps_after(audit, case)


def stamp_of(audit: Audit, case: Case) -> dict[str, Any]:
    """Program, version, seed, digest of the policy's limits, and hashes of the inputs: equal stamps, equal audits."""
    stamp = {
        "program": "cohortsmith",
        "version": version(),
        "seed": audit.seed,
        "policy": audit.policy.digest(),
        "sha256": case.hashes(),
    }
    return stamp_without_digests(stamp) if case.private else stamp


def version() -> str:
    """Version of the program."""
    from cohortsmith.app.pipeline import environment

    return str(environment()["packages"].get("cohortsmith", "unknown"))
