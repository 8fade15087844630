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
    grid: Annotated[Path, typer.Argument(metavar="GRID.toml", help="What is crossed with what.")],
    out: GridFolder = None,
    jobs: Jobs = 1,
    backend: Backend = "",
    cluster: Cluster = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    r"""Train classifiers with and without virtual patients, and say what these are worth on real held-out ones.

    Every arm takes as many gradient steps; choices are made on validation patients, figures are of test patients.
    Results come one file an arm into DIR/rows and end in DIR/results.parquet, verdicts.json and report.html. A grid
    that was stopped goes on when the same command is given again.

    Example of a grid, with only what must be there and a few of the rest (--dry-run shows every key):

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

    carry_out(read_grid(grid), out, {}, jobs, backend, cluster, dry_run=dry_run, as_json=as_json)


def carry_out(
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
    from cohortsmith.app.grid import carry_out_grid, check, plan_grid, read_cohorts, table_of, verdicts_of
    from cohortsmith.data import DataError

    if dry_run:
        check(asked)
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
