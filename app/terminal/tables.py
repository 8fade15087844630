"""Scorecards in the terminal: one cohort with every figure, or families side by side.

What evaluation gives is imported by the functions that need it: asking a command for help must not load pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from cohortsmith.evaluation import Estimate, Report
    from cohortsmith.evaluation.privacy import Audit, Step

OUTCOMES = {"pass": "green", "fail": "red", "not evaluable": "yellow"}
STYLES = {"as real": "green", "close": "green", "partway": "yellow", "far": "red", None: ""}
ARROWS = {"higher": "↑", "lower": "↓", "target": "="}
LEGEND = (
    "[dim]↑ higher is better, ↓ lower, = the nearer to real the better;[/dim] "
    "[green]as real or close[/green][dim],[/dim] [yellow]partway[/yellow][dim],[/dim] [red]far[/red]"
)
# The columns of a comparison by data kind, as far as they were measured: what a family is chosen by, in the terminal's
# width.
KEY_METRICS: dict[str, tuple[tuple[str, str], ...]] = {
    "expression": (
        ("wasserstein", "W1"),
        ("correlation", "corr."),
        ("coverage", "cover."),
        ("discriminator_auc", "disc.\nAUC"),
        ("tstr", "TSTR"),
        ("exact_copies", "copies"),
        ("gan_leaks_auc", "GAN-\nleaks"),
        ("domias_auc", "DOMIAS"),
    ),
    "sequence": (
        ("identity", "ident-\nity, %"),
        ("called_class", "called\nclass"),
        ("allele_correlation", "allele\ncorr."),
        ("kmer_js_6", "6-mer\nJS"),
        ("discriminator_auc", "disc.\nAUC"),
        ("exact_matches", "equal"),
        ("attack_auc_unique", "attack\nunique"),
    ),
    "image": (
        ("kernel_distance", "KID"),
        ("coverage", "cover."),
        ("rare_modes", "rare\nmodes"),
        ("discriminator_auc", "disc.\nAUC"),
        ("tstr", "TSTR"),
        ("near_copies_fixed", "near\ncopies"),
        ("gan_leaks_auc", "GAN-\nleaks"),
    ),
}


def scorecard(report: Report) -> Group:
    """Every figure with its interval, beside real against real and chance; what could not be measured says why."""
    from cohortsmith.evaluation.core import number, title_of
    from cohortsmith.evaluation.scorecard import judge, read

    parts: list[RenderableType] = []
    for group in dict.fromkeys(e.group for e in report):
        verdict = judge(report, group)
        heading = f"\n[bold]{group.capitalize()}[/bold]: [{_style(verdict.reading)}]{verdict.headline}[/]"
        table = _table(heading)
        table.add_column("")
        for head in ("value", "95 % interval", "real", "chance"):
            table.add_column(head, justify="right", no_wrap=True)
        table.add_column("reading", no_wrap=True)
        for e in (e for e in report if e.group == group and e.ok):
            interval = "" if e.low is None else f"{number(e.low)} .. {number(e.high)}"
            reading = read(e)
            cells = (number(e.value), interval, number(e.reference), number(e.chance))
            table.add_row(f"{title_of(e.name)} {ARROWS[e.direction]}", *cells, f"[{_style(reading)}]{reading or ''}[/]")
        parts.append(table)
        missing = [e for e in report if e.group == group and not e.ok]
        parts += [f"[dim]{title_of(e.name)}: {escape(e.status)}[/dim]" for e in missing]
    notes = [f"note: {escape(note)}" for note in report.notes]
    meaning = "[dim]real: what real patients score against real patients at the same sizes[/dim]"
    return Group(*parts, LEGEND, meaning, *notes)


def comparison_table(
    cards: Mapping[str, Sequence[Estimate]],
    failures: Mapping[str, str],
    seconds: Mapping[str, float],
    title: str,
    kind: str,
    more: Mapping[str, Mapping[str, str]] | None = None,
) -> Group:
    """Families as rows, the key metrics as columns; first what real data score, last what chance scores.

    Args:
        cards: estimates of each family.
        failures: families that could not be fitted, and why.
        seconds: of each family's fit.
        title: above the table, plain text.
        kind: data kind, for the columns.
        more: further columns by heading: a cell's text by family.
    """
    from cohortsmith.evaluation.core import number, title_of

    more = more or {}
    by_name = {family: {e.name: e for e in card} for family, card in cards.items()}
    measured = {name: e for card in by_name.values() for name, e in card.items() if e.ok}
    columns = [(name, head) for name, head in KEY_METRICS.get(kind, ()) if name in measured]
    if not columns:
        columns = [(name, title_of(name)) for name in list(measured)[:6]]
    table = _table(escape(title))
    table.add_column("", no_wrap=True)
    for name, head in columns:
        table.add_column(f"{head}\n{ARROWS[measured[name].direction]}", justify="right", no_wrap=True)
    for head in (*more, "fit, s"):
        table.add_column(head, justify="right", no_wrap=True)
    blank = [""] * (len(more) + 1)
    table.add_row("[bold]real vs real[/bold]", *(number(measured[name].reference) for name, _ in columns), *blank)
    table.add_section()
    for family, card in by_name.items():
        cells = [_cell(card[name]) if name in card else "-" for name, _ in columns]
        cells += [column.get(family, "-") for column in more.values()]
        table.add_row(family, *cells, f"{seconds[family]:.1f}")
    table.add_section()
    table.add_row("[dim]chance[/dim]", *(f"[dim]{number(measured[name].chance)}[/dim]" for name, _ in columns), *blank)
    lost = [f"[red]{family} failed[/red]: {escape(reason)}" for family, reason in failures.items()]
    return Group(table, LEGEND, *lost)


def _table(title: str) -> Table:
    return Table(
        box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left",
        title_style="none",
    )  # fmt: skip


def _cell(estimate: Estimate) -> str:
    from cohortsmith.evaluation.core import number
    from cohortsmith.evaluation.scorecard import read

    return f"[{_style(read(estimate))}]{number(estimate.value)}[/]"


def _style(reading: str | None) -> str:
    return STYLES[reading] or "default"


def figures_table(figures: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    """Figures read back from JSON: one row per metric, one column per family."""
    from cohortsmith.evaluation.core import number, title_of

    table = _table("")
    table.add_column("")
    for head in ("real", "chance", *figures):
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


def audit_table(audit: Audit, steps: Sequence[Step] = ()) -> Group:
    """The decision of an audit in the terminal: every criterion with its figure, its limit and its outcome."""
    from cohortsmith.evaluation.core import number

    loosened = audit.loosened
    tone = OUTCOMES["not evaluable" if loosened else audit.outcome]
    head = "release blocked" if audit.blocked else "passed under looser limits" if loosened else audit.outcome
    table = Table(box=SIMPLE_HEAD, title=f"Audit: [{tone}]{head}[/{tone}]", title_justify="left")
    table.add_column("criterion")
    for name in ("figure", "95 % interval", "limit"):
        table.add_column(name, justify="right")
    table.add_column("outcome")
    for each in audit.judgements:
        found, style = each.measured, OUTCOMES["not evaluable" if each.loosened else each.outcome]
        ends = "" if found.low is None or found.high is None else f"{number(found.low)} .. {number(found.high)}"
        cells = [number(found.value), ends, f"{each.criterion.limit:g}"]
        table.add_row(each.criterion.name, *cells, f"[{style}]{each.outcome}[/{style}]")
    said = [
        f"[dim]{each.criterion.name}: {escape(each.words)}[/dim]" for each in audit.judgements if each.outcome != "pass"
    ]
    looser = [
        f"[yellow]looser than the default: {name} {key} {value:g}, default {usual:g}[/yellow]"
        for name, key, value, usual in audit.policy.laxer()
    ]
    first = [escape(line) for line in audit.first_lines]
    notes = [f"note: {escape(note)}" for note in audit.notes]
    after = ["[bold]What next[/bold]"] if steps else []
    after += [f"- {escape(s.words)}" + (f": [bold]{escape(s.command)}[/bold]" if s.command else "") for s in steps]
    return Group(table, *first, *looser, *notes, *said, *after)
