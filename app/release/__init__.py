"""Audits of runs, model and data cards, and releases."""

from cohortsmith.app.release.attacking import carry_out_audit
from cohortsmith.app.release.audit_case import Case, case_of_files, case_of_run, with_family
from cohortsmith.app.release.audit_files import facts_of_audit, steps_after, write_audit
from cohortsmith.app.release.release import fill_release, release_folder
from cohortsmith.app.release.verification import CHECKSUMS, changes

__all__ = [
    "CHECKSUMS",
    "Case",
    "carry_out_audit",
    "case_of_files",
    "case_of_run",
    "changes",
    "facts_of_audit",
    "fill_release",
    "release_folder",
    "steps_after",
    "with_family",
    "write_audit",
]
