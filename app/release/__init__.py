"""Audits of runs, model and data cards, and releases."""

from cohortsmith.app.release.audit_case import (
    Case,
    carry_out_audit,
    case_of_files,
    case_of_run,
    stamp_of,
    with_family,
    write_audit,
)
from cohortsmith.app.release.release import CHECKSUMS, changes, fill_release

__all__ = [
    "CHECKSUMS",
    "Case",
    "carry_out_audit",
    "case_of_files",
    "case_of_run",
    "changes",
    "fill_release",
    "stamp_of",
    "with_family",
    "write_audit",
]
