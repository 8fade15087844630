"""Execution of a utility grid: arms, jobs, workers, results and report."""

from cohortsmith.app.grid.checks import check_grid, read_cohorts
from cohortsmith.app.grid.plan import plan_grid
from cohortsmith.app.grid.report import table_of, verdicts_of
from cohortsmith.app.grid.results import WEIGHTED
from cohortsmith.app.grid.run import carry_out_grid

__all__ = ["WEIGHTED", "carry_out_grid", "check_grid", "plan_grid", "read_cohorts", "table_of", "verdicts_of"]
