"""`cohortsmith run` and `cohortsmith runs`: experiments from one TOML file, and their folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cohortsmith.app.commands.options import Json, RunsFolder
from cohortsmith.app.terminal import result, say, show, show_json

app = typer.Typer(no_args_is_help=True, help="List runs and other results, and look at one.")


def run(
    experiment: Annotated[Path, typer.Argument(metavar="EXPERIMENT.toml", help="The whole configuration of a run.")],
    runs: RunsFolder = Path("runs"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the resolved configuration and stop.")] = False,
    as_json: Json = False,
) -> None:
    r"""Run an experiment: split, fit, sample, evaluate; everything is written to runs/TIME-NAME-HASH/.

    A run that was killed resumes from its checkpoint when the same command is run again.

    Example of an experiment, with the required keys and a few others (--dry-run shows every key):

    \[data]
    cohort = "gse7390"

    \[generator]
    family = "diffusion"
    settings = { steps = 2000 }

    \[sample]
    per_class = 500
    """
    from cohortsmith.app.config import read_experiment
    from cohortsmith.app.pipeline import carry_out_run, check

    plan = read_experiment(experiment)
    if dry_run:
        check(plan)
        show_json(plan.resolved() | {"hash": plan.digest()})
        return
    done = carry_out_run(plan, runs)
    if done is None:
        return
    folder, outcome = done
    if as_json:
        show_json({"run": str(folder)} | outcome.report.to_json())
        return
    from cohortsmith.app.terminal import scorecard

    show(scorecard(outcome.report))
    result(str(folder / "report.html"))


@app.command("list")
def list_runs(runs: RunsFolder = Path("runs"), as_json: Json = False) -> None:
    """List runs, comparisons, studies, grids and audits, the newest last.

    Example: [bold]cohortsmith runs list --json[/bold]
    """
    from rich.markup import escape
    from rich.table import Column, Table

    from cohortsmith.app.workspace import Workspace

    rows = [entry.row() for entry in reversed(Workspace(runs).entries())]
    if as_json:
        show_json(rows)
        return
    if not rows:
        say(f"no runs in {runs}; `cohortsmith run` and `cohortsmith compare --out runs/NAME` make them")
        return
    title = f"Runs in {escape(str(runs))}"
    table = Table(Column("run", no_wrap=True), "kind", "content", title=title, title_justify="left")
    for row in rows:
        facts = [_text(row[name]) for name in ("cohort", "families", "decision")]
        state = "" if row["state"] == "finished" else _text(row["state"])
        table.add_row(f"[bold]{_text(row['run'])}[/bold]", row["kind"], "; ".join(filter(None, [*facts, state])))
    show(table)


@app.command("show")
def show_run(
    name: Annotated[str, typer.Argument(metavar="RUN", help="Folder name, or a part of it that only one run has.")],
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """Show one run: its configuration and its metrics.

    Example: [bold]cohortsmith runs show demo --runs runs[/bold]
    """
    from rich.table import Table

    from cohortsmith.app.terminal import figures_table
    from cohortsmith.app.workspace import Metrics, Workspace, read_json
    from cohortsmith.data import DataError

    run = Workspace(runs).find(name)
    if run.state == "corrupt":
        raise DataError(f"{run.folder} is corrupt: {run.reason}")
    figures = {entry["family"]: entry["metrics"] for entry in run.facts.get("families", [])}
    if run.kind == "run":
        figures = {run.families[0]: read_json(run.folder / "metrics.json", Metrics)["metrics"]}
    if as_json:
        show_json({"run": run.name, "kind": run.kind, "config": run.facts, "metrics": figures})
        return
    table = Table("", "", show_header=False, title=_text(run.name), title_justify="left")
    for key, value in run.row().items():
        table.add_row(key, _text(value))
    show(table)
    if figures:
        show(figures_table(figures))
    if run.report.is_file():
        result(str(run.report))


def _text(value: object) -> str:
    """Text of a cell of `Entry.row`."""
    from rich.markup import escape

    if value is None:
        return ""
    return escape(", ".join(value) if isinstance(value, list) else str(value))
