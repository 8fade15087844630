"""Scorecards in the terminal: one cohort with every figure, or families side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from evaluation.scorecard import number, title_of
from evaluation.verdict import judge, read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evaluation import Estimate, Report

STYLES = {"as real": "green", "close": "green", "partway": "yellow", "far": "red", None: ""}
BETTER = {"higher": "higher", "lower": "lower", "target": "as real"}
ARROWS = {"higher": "↑", "lower": "↓", "target": "="}
# The columns of a comparison, as far as they were measured: what a family is chosen by, in the terminal's width.
KEY_METRICS = (
    ("wasserstein", "W1"),
    ("correlation", "corr."),
    ("coverage", "cover."),
    ("discriminator_auc", "disc. AUC"),
    ("tstr", "TSTR"),
    ("exact_copies", "copies"),
    ("gan_leaks_auc", "GAN-leaks"),
    ("domias_auc", "DOMIAS"),
)


def scorecard(report: Report) -> Table:
    """Every figure with its interval, beside real against real and chance; what could not be measured says why."""
    table = Table("metric", title="Scorecard", title_justify="left", caption_justify="left")
    for head in ("value", "95 % interval", "real vs real", "chance"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("better")
    table.add_column("reading")
    group = ""
    for e in report:
        if e.group != group:
            group = e.group
            verdict = judge(report, e.group)
            table.add_section()
            table.add_row(
                f"[bold]{group}[/bold]", "", "", "", "", "", f"[{_style(verdict.reading)}]{verdict.headline}[/]"
            )
        if not e.ok:
            table.add_row(title_of(e.name), "[dim]-[/dim]", "", "", "", "", f"[dim]{escape(e.status)}[/dim]")
            continue
        interval = "" if e.low is None else f"{number(e.low)} .. {number(e.high)}"
        reading = read(e)
        cells = (number(e.value), interval, number(e.reference), number(e.chance), BETTER[e.direction])
        table.add_row(title_of(e.name), *cells, f"[{_style(reading)}]{reading or ''}[/]")
    return table


def comparison_table(
    cards: Mapping[str, Sequence[Estimate]], failures: Mapping[str, str], seconds: Mapping[str, float], title: str
) -> Table:
    """Families as rows, the key metrics as columns; first what real data score, last what chance scores."""
    by_name = {family: {e.name: e for e in card} for family, card in cards.items()}
    measured = {name: e for card in by_name.values() for name, e in card.items() if e.ok}
    columns = [(name, head) for name, head in KEY_METRICS if name in measured]
    if not columns:
        columns = [(name, title_of(name)) for name in list(measured)[:6]]
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), title=escape(title), title_justify="left", caption_justify="left")
    table.add_column("", no_wrap=True)
    for name, head in columns:
        table.add_column(f"{head} {ARROWS[measured[name].direction]}", justify="right")
    table.add_column("fit, s", justify="right", no_wrap=True)
    table.add_row("[bold]real vs real[/bold]", *(number(measured[name].reference) for name, _ in columns), "")
    table.add_section()
    for family, card in by_name.items():
        cells = [_cell(card[name]) if name in card else "-" for name, _ in columns]
        table.add_row(family, *cells, f"{seconds[family]:.1f}")
    for family, reason in failures.items():
        table.add_row(family, f"[red]failed[/red]: {escape(reason)}")
    table.add_section()
    table.add_row("[dim]chance[/dim]", *(f"[dim]{number(measured[name].chance)}[/dim]" for name, _ in columns), "")
    table.caption = (
        "↑ higher is better, ↓ lower, = the nearer to real the better; "
        "[green]as real or close to it[/green], [yellow]partway[/yellow], [red]far[/red]"
    )
    return table


def _cell(estimate: Estimate) -> str:
    return f"[{_style(read(estimate))}]{number(estimate.value)}[/]"


def _style(reading: str | None) -> str:
    return STYLES[reading] or "default"


def figures_table(figures: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    """Figures read back from JSON: a row a metric, a column a family."""
    table = Table("metric", title="Figures", title_justify="left")
    for head in ("real vs real", "chance", *figures):
        table.add_column(head, justify="right")
    by_name: dict[str, dict[str, Mapping[str, Any]]] = {}
    for family, metrics in figures.items():
        for metric in metrics:
            by_name.setdefault(metric["name"], {})[family] = metric
    for name, row in by_name.items():
        known = next((metric for metric in row.values() if metric["status"] == "ok"), {})
        cells = [number(row[family]["value"]) if family in row else "-" for family in figures]
        table.add_row(title_of(name), number(known.get("reference")), number(known.get("chance")), *cells)
    return table
