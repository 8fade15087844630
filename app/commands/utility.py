"""`cohortsmith utility`: what virtual patients and self-supervision are worth to classifiers of real patients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cohortsmith.app.commands.options import Backend, Cluster, DryRun, GridFolder, Jobs, Json
from cohortsmith.app.terminal import result, show, show_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.app.config import Grid


def utility(
    grid: Annotated[Path, typer.Argument(metavar="GRID.toml", help="The grid: what to cross with what.")],
    out: GridFolder = None,
    jobs: Jobs = 1,
    backend: Backend = "",
    cluster: Cluster = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    r"""Train classifiers with and without virtual patients, and report the gain on real held-out patients.

    Every arm takes the same number of gradient steps; choices are made on validation patients, figures are from test
    patients. Results are written one file per arm into DIR/rows, and finally into DIR/results.parquet, verdicts.json
    and report.html. A grid that was stopped resumes when the same command is run again.

    Example of a grid, with the required keys and a few others (--dry-run shows every key):

    labelled = \[50, 100, "full"]

    \[data.breast]
    cohort = "gse7390"

    \[virtual]
    families = \["diffusion", "mvn"]
    ratios = \[0.5, 1, 2, "balance"]

    \[classifiers.supervised]

    Example: [bold]cohortsmith utility grid.toml --out runs/grid --jobs 2[/bold]
    """
    from cohortsmith.app.config import read_grid

    run_grid(read_grid(grid), out, {}, jobs, backend, cluster, dry_run=dry_run, as_json=as_json)


def run_grid(
    asked: Grid,
    out: Path | None,
    facts: Mapping[str, Any],
    jobs: int,
    backend: str,
    cluster: str,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Carry a grid out, or print it, and say what came of it; `facts` are more for its page.

    Raises:
        DataError: wrong input, or no folder named.
        Exit: with code 1, when a job could not be done.
    """
    from cohortsmith.app.grid import carry_out_grid, check_grid, plan_grid, read_cohorts, table_of, verdicts_of
    from cohortsmith.data import DataError

    if dry_run:
        check_grid(asked)
        show_json(asked.resolved() | {"jobs": plan_grid(asked, read_cohorts(asked)).sizes()})
        return
    if out is None:
        raise DataError("--out is missing; name a folder for the results (--dry-run needs none)")
    done = carry_out_grid(asked, out, jobs=jobs, backend=backend, cluster=cluster, facts=facts)
    if as_json:
        verdicts = verdicts_of(done.rows, asked.metric) if len(done.rows) else []
        show_json({"results": str(out / "results.parquet"), "failed": done.failed, "verdicts": verdicts})
    elif len(done.rows):
        show(table_of(done.rows, asked.metric))
        result(str(out / "report.html"))
    if done.failed:
        raise typer.Exit(1)
