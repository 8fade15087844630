"""`cohortsmith data`: what cohorts there are, what is in one, and files made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cohortsmith.app.commands.options import (
    CohortOptions,
    Json,
    Label,
    OutFile,
    Seed,
    Source,
    with_cohort_options,
)
from cohortsmith.app.terminal import result, say, show, show_json

if TYPE_CHECKING:
    from cohortsmith.data import Cohort

app = typer.Typer(no_args_is_help=True, help="List, describe, fetch and simulate cohorts.")


@app.command("list")
def list_sets(as_json: Json = False) -> None:
    """List the named sets, and the files found in the folder that COHORTSMITH_DATA names.

    Example: [bold]cohortsmith data list --json[/bold]
    """
    from rich.markup import escape
    from rich.table import Table

    from cohortsmith.data import named_sets

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
@with_cohort_options
def describe(
    cohort: Source,
    reading: CohortOptions,
    as_json: Json = False,
) -> None:
    """Describe a cohort: sizes, classes, scale or reference, duplicates; figures only, no patient's values.

    Examples: [bold]cohortsmith data describe gse7390 --label grade[/bold]

    [bold]cohortsmith data describe tp53.fasta --reference NM_000546.6[/bold]
    """
    from cohortsmith.app.workspace import facts_of, read

    part = reading.part(cohort)
    facts = facts_of(read(part))
    if as_json:
        show_json(facts)
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "", show_header=False, title=escape(cohort), title_justify="left")
    for name, value in facts.items():
        if name == "warnings":
            continue  # said on reading
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v}" for k, v in value.items())
        table.add_row(name.replace("_", " "), escape(str(value)))
    show(table)


@app.command()
def get(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A named set, as `data list` shows them, or a MedMNIST 2D set.")
    ],
    out: OutFile,
    label: Label = None,
) -> None:
    """Write a named set to a file, to inspect or use elsewhere; MedMNIST sets are downloaded from Zenodo.

    Examples: [bold]cohortsmith data get gse7390 --out gse7390.csv[/bold]

    [bold]cohortsmith data get bloodmnist --out bloodmnist.npz[/bold]
    """
    from cohortsmith.app.config import DataPart, checked
    from cohortsmith.app.workspace import read
    from cohortsmith.data import DataError, named_sets
    from cohortsmith.data.io import MEDMNIST, fetch
    from cohortsmith.data.suggestions import near_misses

    names = [s.name for s in named_sets()]
    if name not in names and name.endswith("mnist"):
        if label is not None:
            raise DataError(
                f"{name} is fetched as it is published, so --label is not for it; name the label on reading"
            )
        fetch(name, out, say=say)
        result(str(out))
        return
    if name not in names:
        near = near_misses(name, [*names, *MEDMNIST])
        raise DataError(f"no named set {name!r}{near}; `cohortsmith data list` shows them all")
    _write(read(checked(DataPart, cohort=name, label=label)), out)


@app.command()
def simulate(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A simulator, e.g. simulated-expression, tp53-cohort.")],
    out: OutFile,
    n: Annotated[
        int | None, typer.Option("--n", metavar="N", help="Number of patients; default of tp53-founding: 40.")
    ] = None,
    seed: Seed = 0,
    genes: Annotated[int | None, typer.Option(help="Expression: genes; default: the simulator's.")] = None,
    classes: Annotated[int | None, typer.Option(help="Expression: classes; default: the simulator's.")] = None,
    prevalence: Annotated[
        float | None, typer.Option(metavar="SHARE", help="tp53-cohort: share of mutated patients; default 0.5.")
    ] = None,
    indels: Annotated[
        bool, typer.Option("--indels", help="TP53: deletions and insertions as well as substitutions.")
    ] = False,
    variants: Annotated[
        Path | None,
        typer.Option(
            "--variants",
            metavar="TSV",
            help="TP53: draw variants from this table (HGVSc, n_patients), weighted by n_patients.",
        ),
    ] = None,
) -> None:
    """Simulate a cohort with known ground truth: gene modules, TP53 variants by published frequencies, or blood cells.

    Examples: [bold]cohortsmith data simulate simulated-expression --n 500 --seed 1 --out sim.h5ad[/bold]
    [bold]cohortsmith data simulate tp53-cohort --n 2000 --seed 0 --out tp53.fasta[/bold]
    [bold]cohortsmith data simulate simulated-cells --n 1000 --out cells.npz[/bold]
    """
    from cohortsmith.app.workspace import check_writable
    from cohortsmith.data import DataError
    from cohortsmith.data import simulate as simulate_cohort
    from cohortsmith.data.named import find_set
    from cohortsmith.data.simulators import FOUNDING_PATIENTS

    known = find_set(name)
    check_writable(out, known.kind if known else None)
    if n is None and name != "tp53-founding":
        raise DataError(f"the number of patients of {name} is missing; give it, e.g. --n 500")
    stated = {
        "genes": genes,
        "classes": classes,
        "prevalence": prevalence,
        "indels": indels or None,
        "table": variants,
    }
    options = {key: value for key, value in stated.items() if value is not None}
    _write(simulate_cohort(name, FOUNDING_PATIENTS if n is None else n, seed, **options), out)


def _write(cohort: Cohort, out: Any) -> None:
    from cohortsmith.data import write_cohort

    write_cohort(cohort, out)
    say(repr(cohort))
    result(str(out))
