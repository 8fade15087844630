"""The report as one self-contained HTML file: verdict, scorecard, pictures, and what each number means."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.io import whole_file
from cohortsmith.evaluation.core import MINIMUM
from cohortsmith.evaluation.html import expression as expression_page
from cohortsmith.evaluation.html import images as image_page
from cohortsmith.evaluation.html import sequences as sequence_page
from cohortsmith.evaluation.html.layout import css_colour, gallery, page
from cohortsmith.evaluation.html.scorecard_table import number, recall_bar, scorecard, side_by_side, verdicts, words
from cohortsmith.evaluation.plots import Gallery, class_style, frontier, ladder
from cohortsmith.evaluation.plots import training as curves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import Estimate
    from cohortsmith.evaluation.html.layout import Section
    from cohortsmith.evaluation.scorecard import Report
    from cohortsmith.evaluation.spaces import Comparison

_LEAD = (
    "A synthetic cohort, read against the real patients it was made from (train) and against real patients its "
    "generator never saw (holdout)."
)
_LEAD_MANY = (
    "Synthetic cohorts made from the same real patients by different families, each read against real patients that no "
    "generator saw."
)


_AGGREGATES = "Real patients appear in it only as aggregates over at least five of them."
_HELD = "This page shows images of real patients: it must stay in the house."
_HOUSE = f'<p class="callout house"><b>{_HELD}</b></p>'


@dataclass(frozen=True)
class Room:
    """What the report says and draws of one data kind.

    Attributes:
        facts: what the top of the page says of the features.
        pictures: the sections between the scorecard and the classes; no picture of a single real patient.
        patients: the same sections with pictures of single real patients; None where there are none.
        together: the sections of a page of several families.
    """

    facts: Callable[[Comparison], dict[str, str]]
    pictures: Callable[[Sequence[Estimate], Comparison], list[Section]]
    patients: Callable[[Sequence[Estimate], Comparison], list[Section]] | None = None
    together: Callable[[Mapping[str, Comparison]], list[Section]] | None = None


ROOMS = {
    "expression": Room(expression_page.facts, expression_page.pictures),
    "sequence": Room(sequence_page.facts, sequence_page.pictures),
    "image": Room(image_page.facts, image_page.pictures, image_page.with_patients, image_page.together),
}


def render(
    report: Iterable[Estimate],
    comparison: Comparison,
    *,
    history: Sequence[Mapping[str, float]] | None = None,
    title: str = "Scorecard of a synthetic cohort",
    facts: Mapping[str, Any] | None = None,
    galleries: Mapping[str, Gallery] | None = None,
    patients: bool = False,
) -> str:
    """Report of one comparison as a single HTML file without any reference to the network.

    Args:
        report: figures of the scorecard, in the order to show them.
        comparison: cohorts they were measured on, for the pictures.
        history: training curve of the generator.
        title: heading, plain text.
        facts: what to state at the top besides the cohorts' sizes, such as family and seed.
        galleries: further pictures, each under its heading in plain text.
        patients: show single real patients too; the page then says that it must stay in the house.

    Returns:
        The document. Without `patients`, real patients appear only as aggregates over at least five of them.

    Raises:
        DataError: single patients of a data kind that has no pictures of them.
    """
    estimates = list(report)
    room = ROOMS.get(comparison.kind)
    draw = room and (room.patients if patients else room.pictures)
    if patients and not draw:
        raise DataError(f"single patients can be shown of images only, and these are {comparison.kind} data")
    sizes = {
        "Train": _size(comparison.train),
        "Holdout": _size(comparison.holdout),
        "Synthetic": f"{len(comparison.synthetic):,} samples",
        **(room.facts(comparison) if room else {"Features": f"{len(comparison.features):,}"}),
        "Classes": str(len(comparison.classes)),
    }
    sections = [("scorecard", "Scorecard", scorecard(estimates))]
    sections += draw(estimates, comparison) if draw else []
    if table := _classes(estimates, comparison):
        sections.append(("classes", "Class by class", table))
    sections += _more(galleries)
    if history and (learning := curves.training(history)).panels:
        sections.append(("training", "Training", gallery("training", learning)))
    sections.append(("meaning", "What each number means", words(estimates)))
    notes = "".join(f'<p class="callout">{escape(note)}.</p>' for note in getattr(report, "notes", ()))
    warning = _HOUSE if patients else ""
    body = head(title, _LEAD, sizes | dict(facts or {}), sections) + warning + verdicts(estimates) + notes
    return page(title, body + sections_of(sections) + foot(_HELD if patients else _AGGREGATES))


@dataclass(frozen=True)
class Contender:
    """One family in a side-by-side report.

    Attributes:
        name: family, as shown.
        estimates: its scorecard.
        link: address of its own report, relative to the page; None for none.
        facts: more to show above its column, such as the seconds of fitting.
    """

    name: str
    estimates: Iterable[Estimate]
    link: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def render_comparison(
    rows: Sequence[Contender],
    *,
    title: str = "Families side by side",
    facts: Mapping[str, Any] | None = None,
    galleries: Mapping[str, Gallery] | None = None,
) -> str:
    """Several families on one page: every figure in one table, privacy against utility, and the discriminator.

    Args:
        rows: families in the order to show them; each keeps its colour in all plots.
        title: heading, plain text.
        facts: what to state at the top.
        galleries: further pictures, each under its heading in plain text.
    """
    cards = {row.name: {e.name: e for e in row.estimates} for row in rows}
    known = {row.name: getattr(row.estimates, "comparison", None) for row in rows}
    sections = [
        ("side", "Side by side", gallery("families", beside(cards))),
        *_together({name: comparison for name, comparison in known.items() if comparison is not None}),
        *_more(galleries),
        ("table", "All figures", _grid(rows, cards)),
    ]
    every = list({name: e for card in cards.values() for name, e in card.items()}.values())
    sections.append(("meaning", "What each number means", words(every)))
    return page(title, head(title, _LEAD_MANY, dict(facts or {}), sections) + sections_of(sections) + foot(_AGGREGATES))


def _together(comparisons: Mapping[str, Comparison]) -> list[Section]:
    """Pictures of several families, where their data kind has such."""
    kind = next((comparison.kind for comparison in comparisons.values()), "")
    room = ROOMS.get(kind)
    return room.together(comparisons) if room and room.together else []


def _more(galleries: Mapping[str, Gallery] | None) -> list[Section]:
    """Sections of the pictures that whoever asks for the report adds; none for a gallery without panels."""
    drawn = [(heading, pictures) for heading, pictures in (galleries or {}).items() if pictures.panels]
    return [(f"more{i}", escape(heading), gallery(f"more{i}", pictures)) for i, (heading, pictures) in enumerate(drawn)]


def head(title: str, lead: str, facts: Mapping[str, Any], sections: Sequence[Section]) -> str:
    """Top of a page: title, lead and facts in plain text, and links to the sections."""
    items = "".join(f"<div><dt>{escape(str(k))}</dt><dd>{escape(str(v))}</dd></div>" for k, v in facts.items())
    links = "".join(f'<a href="#{key}">{heading}</a>' for key, heading, _ in sections)
    listed = f'<dl class="facts">{items}</dl>' if items else ""
    return f'<header><h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p>{listed}<nav>{links}</nav></header>'


def sections_of(sections: Sequence[Section]) -> str:
    """Sections one under the other."""
    return "".join(f'<section id="{key}"><h2>{heading}</h2>{content}</section>\n' for key, heading, content in sections)


def foot(real: str) -> str:
    """End of a page; `real`, in plain text, says how real patients appear on it."""
    return (
        "<footer>Made by cohortsmith. This file holds everything it shows and asks nothing of the network. "
        f"{escape(real)} <noscript>The plots need JavaScript; the tables do not.</noscript></footer>"
    )


def _size(cohort: Cohort) -> str:
    patients = len(np.unique(cohort.subjects))
    return f"{len(cohort):,} samples" + (f" of {patients:,} patients" if patients != len(cohort) else "")


def _classes(estimates: Sequence[Estimate], comparison: Comparison) -> str:
    """Utility of each class: train on synthetic, train on real, and the classifier of real patients beside them."""
    tables = {e.name: {str(row["class"]): row for row in e.detail.get("by_class", ())} for e in estimates}
    tstr, trts = tables.get("tstr", {}), tables.get("trts", {})
    if not tstr and not trts:
        return ""
    rows = []
    for position, name in enumerate(comparison.classes):
        colour, _, glyph = class_style(position)
        held = int((comparison.holdout.y == position).sum())
        # A share of fewer than five patients would come close to saying who was recognised.
        use = tstr.get(name, {}) if held >= MINIMUM else {}
        shares = (use.get("value"), use.get("reference"), trts.get(name, {}).get("value"))
        counts = (int((getattr(comparison, side).y == position).sum()) for side in ("train", "holdout", "synthetic"))
        cells = "".join(f'<td class="n">{_count(count)}</td>' for count in counts)
        cells += "".join(f'<td class="n">{number(share)}</td>' for share in shares)
        swatch = f'<span class="swatch" style="color: {css_colour(colour)}">{glyph}</span>'
        rows.append(f"<tr><td>{swatch}{escape(name)}</td>{cells}<td>{recall_bar(shares[0], shares[1])}</td></tr>")
    heads = "Train|Holdout|Synthetic|Learnt from<br>synthetic (TSTR)|Learnt from<br>real (TRTR)"
    heads += "|Synthetic patients<br>recognised (TRTS)"
    columns = "".join(f'<th class="n">{head}</th>' for head in heads.split("|"))
    return (
        '<p class="note">Samples of each class, and the share of its holdout patients that a classifier recognises: '
        "one that learnt from synthetic patients, and one that learnt from as many real ones. In the bars, which run "
        f"from 0 to 1, the line is the latter. Not shown for fewer than {MINIMUM} holdout patients.</p>"
        f'<div class="scroll"><table class="narrow"><thead><tr><th>Class</th>{columns}<th></th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _count(samples: int) -> str:
    return f"&lt; {MINIMUM}" if 0 < samples < MINIMUM else f"{samples:,}"


def beside(cards: Mapping[str, Mapping[str, Estimate]]) -> Gallery:
    """Pictures of several families: privacy against utility, and whether they can be told from real patients."""
    attacked, told = [], []
    for name, card in cards.items():
        attacks = [e for e in card.values() if e.group == "privacy" and e.name.endswith("auc") and e.ok]
        use = next((e for key, e in card.items() if key.startswith("tstr") and e.ok), None)
        seen = [e for key, e in card.items() if key.startswith("discriminator") and key.endswith("auc") and e.ok]
        if attacks and use:
            attacked.append((name, max(attacks, key=lambda e: e.value or 0.0), use))
        told += [(name, max(seen, key=lambda e: e.value or 0.0))] if seen else []
    panels = [
        frontier(attacked, "AUC of the strongest membership attack", "accuracy, trained on synthetic (TSTR)"),
        ladder(told, "Can it be told from real patients?", "AUC of a classifier that tries, one half: it cannot."),
    ]
    legend = [(name, class_style(i)[0], class_style(i)[2]) for i, name in enumerate(cards)]
    return Gallery([p for p in panels if p], "Bars are 95 % intervals.", legend)


def _grid(rows: Sequence[Contender], cards: Mapping[str, Mapping[str, Estimate]]) -> str:
    heads = {}
    for position, row in enumerate(rows):
        colour, _, glyph = class_style(position)
        label = f'<span style="color: {css_colour(colour)}">{glyph}</span> {escape(row.name)}'
        heads[row.name] = f'<a href="{escape(row.link)}">{label}</a>' if row.link and _relative(row.link) else label
    note = (
        '<p class="note">Under each value its 95 % interval; the tint is the reading; underlined in each row: '
        "what reaches real data, or else comes nearest. A family's name leads to its own report.</p>"
    )
    return note + side_by_side(cards, heads, {row.name: row.facts for row in rows})


def _relative(link: str) -> bool:
    """Whether a link stays beside the page: no scheme, no host."""
    parts = urlsplit(link)
    return not parts.scheme and not parts.netloc


def write_report(
    report: Report,
    folder: str | Path,
    *,
    history: Sequence[dict[str, float]] | None = None,
    title: str = "Scorecard of a synthetic cohort",
    show_patients: bool = False,
) -> Path:
    """Write `metrics.json` and `report.html` into `folder` (made when missing), each whole or not at all.

    Args:
        report: what `evaluate` gave.
        folder: where to.
        history: training curve of the generator, rows of `Generator.history`, shown on the page.
        title: heading of the page.
        show_patients: show images of single real patients; such a page must stay in the house.

    Returns:
        Path of report.html.

    Raises:
        DataError: the folder cannot be written, or single patients of a data kind that has no images.
    """
    folder = Path(folder)
    page = render(report, report.comparison, history=history, title=title, patients=show_patients)
    figures = json.dumps(report.to_json(), indent=2, allow_nan=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("metrics.json", figures + "\n"), ("report.html", page)):
            with whole_file(folder / name) as working:
                working.write_text(text, encoding="utf-8")
    except (OSError, DataError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot write the report into {folder}: {reason}; give a writable folder") from error
    return folder / "report.html"
