"""Fits and audits as background processes whose state is kept on disk."""

from cohortsmith.app.background.audit_jobs import Command, Decision
from cohortsmith.app.background.fit_jobs import Job, find_job, jobs, start_fit

__all__ = ["Command", "Decision", "Job", "find_job", "jobs", "start_fit"]
