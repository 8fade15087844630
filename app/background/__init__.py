"""Fits and audits in processes of their own, told on disk."""

from cohortsmith.app.background.audit_jobs import Command, Decision
from cohortsmith.app.background.fit_jobs import Job, find_job, jobs, start_fit

__all__ = ["Command", "Decision", "Job", "find_job", "jobs", "start_fit"]
