"""`cohortsmith data`: what cohorts there are, what is in one, and files made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.console import result, say, show, show_json
from app.options import Covariate, Impute, Json, Label, OutFile, ScaleName, Seed, Source, Subject

if TYPE_CHECKING:
    from data import Cohort

app = typer.Typer(no_args_is_help=True, help="List, describe, fetch and simulate cohorts.")


@app.command("list")
def list_sets(as_json: Json = False) -> None:
    """List the named sets, and the files found in the folder that COHORTSMITH_DATA names.

    Example: [bold]cohortsmith data list --json[/bold]
    """
    from rich.markup import escape
    from rich.table import Table

    from data import named_sets

    sets = named_sets()
    if as_json:
        show_json([{k: getattr(s, k) for k in ("name", "kind", "description", "licence")} for s in sets])
        return
    table = Table(title="Named sets", title_justify="left")
    table.add_column("name", no_wrap=True)  # whole, to be copied into the next command
    for head in ("kind", "description", "licence"):
        table.add_column(head)
    for s in sets:
        table.add_row(f"[bold]{escape(s.name)}[/bold]", s.kind, escape(s.description), escape(s.licence))
    show(table)


@app.command()
def describe(
    cohort: Source,
    label: Label = None,
    subject: Subject = None,
    covariate: Covariate = None,
    scale: ScaleName = None,
    impute: Impute = False,
    as_json: Json = False,
) -> None:
    """Describe a cohort: sizes, classes, scale, covariates, duplicates; figures only, no patient's values.

    Example: [bold]cohortsmith data describe gse7390 --label grade[/bold]
    """
    from app.cohorts import read

    facts = _facts(read(cohort, label=label, subject=subject, covariates=covariate, scale=scale, impute=impute))
    if as_json:
        show_json(facts)
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "", show_header=False, title=escape(cohort), title_justify="left")
    for name, value in facts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v}" for k, v in value.items())
        table.add_row(name.replace("_", " "), escape(str(value)))
    show(table)


@app.command()
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A named set, as `data list` shows them.")],
    out: OutFile,
    label: Label = None,
) -> None:
    """Write a named set to a file, to look at or to work on elsewhere.

    Example: [bold]cohortsmith data get gse7390 --out gse7390.csv[/bold]
    """
    from app.cohorts import read
    from data import DataError, named_sets
    from data.names import near_misses

    names = [s.name for s in named_sets()]
    if name not in names:
        raise DataError(f"no named set {name!r}{near_misses(name, names)}; `cohortsmith data list` shows them all")
    _write(read(name, label=label), out)


@app.command()
def simulate(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A simulator, e.g. simulated-expression.")],
    n: Annotated[int, typer.Option("--n", metavar="N", help="Patients.")],
    out: OutFile,
    seed: Seed = 0,
    genes: Annotated[int | None, typer.Option(help="Genes; default: the simulator's.")] = None,
    classes: Annotated[int | None, typer.Option(help="Classes; default: the simulator's.")] = None,
) -> None:
    """Simulate a cohort whose structure is known: gene modules, class shifts, library sizes, dropout zeros.

    Example: [bold]cohortsmith data simulate simulated-expression --n 500 --seed 1 --out sim.h5ad[/bold]
    """
    from app.cohorts import check_writable
    from data import simulate as simulate_cohort

    check_writable(out)
    options = {key: value for key, value in (("genes", genes), ("classes", classes)) if value is not None}
    _write(simulate_cohort(name, n, seed, **options), out)


def _write(cohort: Cohort, out: Any) -> None:
    from data import write_cohort

    write_cohort(cohort, out)
    say(repr(cohort))
    result(str(out))


def _facts(cohort: Cohort) -> dict[str, Any]:
    import numpy as np

    from data import duplicates

    found = duplicates(cohort)
    covariates = {str(c): f"({int(cohort.obs[c].isna().sum())} missing)" for c in cohort.obs.columns}
    known = {key: cohort.provenance[key] for key in ("source", "label", "subject", "imputed", "constant_genes")
             if cohort.provenance.get(key) is not None}  # fmt: skip
    return {
        "kind": cohort.kind,
        "samples": len(cohort),
        "patients": len(np.unique(cohort.subjects)),
        "features": len(cohort.features),
        "classes": cohort.class_counts(),
        "scale": cohort.scale,
        "zeros": f"{float(np.mean(cohort.x == 0)):.1%}",
        "covariates": covariates or "none",
        "exact_duplicates": len(found.exact),
        "near_duplicates": len(found.near),
        "digest": cohort.digest(),
    } | known
