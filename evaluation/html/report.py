"""The report as one self-contained HTML file: verdict, scorecard, pictures, and what each number means."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from markupsafe import Markup

from cohortsmith.data.errors import DataError
from cohortsmith.data.io import whole_file
from cohortsmith.evaluation.core import MINIMUM, term_of
from cohortsmith.evaluation.html import expression as expression_page
from cohortsmith.evaluation.html import images as image_page
from cohortsmith.evaluation.html import sequences as sequence_page
from cohortsmith.evaluation.html.environment import fill
from cohortsmith.evaluation.html.layout import INTERNAL, gallery, page
from cohortsmith.evaluation.html.scorecard_table import scorecard, side_by_side, verdicts, words
from cohortsmith.evaluation.metrics import ATTACK_AUCS
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
    "A synthetic cohort, compared with the real patients that its generator learned from (train) and with real "
    "patients "
    "that it never saw (holdout)."
)
_LEAD_MANY = (
    "Synthetic cohorts from generators of several families, trained on the same real patients and each compared with "
    "real patients that no generator saw."
)
_AGGREGATES = "Real patients appear in it only as aggregates over at least five of them."


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
        patients: show single real patients too; the page then says that it is for internal use only.

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
    sections: list[Section] = [("scorecard", "Scorecard", scorecard(estimates))]
    sections += draw(estimates, comparison) if draw else []
    if table := _classes(estimates, comparison):
        sections.append(("classes", "Classes", table))
    sections += _more(galleries)
    if history and (learning := curves.training(history)).panels:
        sections.append(("training", "Training", gallery("training", learning)))
    sections.append(("meaning", "What each metric means", words(estimates)))
    opening = fill("report.html", "opening", patients, verdicts(estimates), getattr(report, "notes", ()))
    return page(title, _LEAD, sizes | dict(facts or {}), opening, sections, real=INTERNAL if patients else _AGGREGATES)


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
    links = {row.name: row.link for row in rows if row.link and _relative(row.link)}
    sections = [
        ("side", "Side by side", gallery("families", beside(cards))),
        *_together({name: comparison for name, comparison in known.items() if comparison is not None}),
        *_more(galleries),
        ("table", "All metrics", side_by_side(cards, {row.name: row.facts for row in rows}, links)),
    ]
    every = list({name: e for card in cards.values() for name, e in card.items()}.values())
    sections.append(("meaning", "What each metric means", words(every)))
    terms = [key for e in every if (key := term_of(e.name))]
    return page(title, _LEAD_MANY, dict(facts or {}), Markup(), sections, real=_AGGREGATES, terms=terms)


def _together(comparisons: Mapping[str, Comparison]) -> list[Section]:
    """Pictures of several families, where their data kind has such."""
    kind = next((comparison.kind for comparison in comparisons.values()), "")
    room = ROOMS.get(kind)
    return room.together(comparisons) if room and room.together else []


def _more(galleries: Mapping[str, Gallery] | None) -> list[Section]:
    """Sections of the pictures that whoever asks for the report adds; none for a gallery without panels."""
    drawn = [(heading, pictures) for heading, pictures in (galleries or {}).items() if pictures.panels]
    return [(f"more{i}", heading, gallery(f"more{i}", pictures)) for i, (heading, pictures) in enumerate(drawn)]


def _size(cohort: Cohort) -> str:
    patients = len(np.unique(cohort.subjects))
    return f"{len(cohort):,} samples" + (f" of {patients:,} patients" if patients != len(cohort) else "")


def _classes(estimates: Sequence[Estimate], comparison: Comparison) -> Markup | None:
    """Recall of each class: trained on synthetic, trained on real, and on the synthetic cohort; None without any."""
    tables = {e.name: {str(row["class"]): row for row in e.detail.get("by_class", ())} for e in estimates}
    tstr, trts = tables.get("tstr", {}), tables.get("trts", {})
    if not tstr and not trts:
        return None
    rows = []
    for position, name in enumerate(comparison.classes):
        counts = [int((getattr(comparison, side).y == position).sum()) for side in ("train", "holdout", "synthetic")]
        # A share of fewer than five patients would come close to saying who was recognised.
        use = tstr.get(name, {}) if counts[1] >= MINIMUM else {}
        shares = (use.get("value"), use.get("reference"), trts.get(name, {}).get("value"))
        rows.append({"name": name, "counts": counts, "shares": shares})
    return fill("scorecard.html", "classes", rows)


def beside(cards: Mapping[str, Mapping[str, Estimate]]) -> Gallery:
    """Pictures of several families: privacy against utility, and the discriminator."""
    attacked, discriminated = [], []
    for name, card in cards.items():
        attacks = [e for e in card.values() if e.name in ATTACK_AUCS and e.ok]
        use = next((e for key, e in card.items() if key.startswith("tstr") and e.ok), None)
        seen = [e for key, e in card.items() if key.startswith("discriminator") and key.endswith("auc") and e.ok]
        if attacks and use:
            attacked.append((name, max(attacks, key=lambda e: e.value or 0.0), use))
        discriminated += [(name, max(seen, key=lambda e: e.value or 0.0))] if seen else []
    panels = [
        frontier(attacked, "AUC of the strongest membership attack", "accuracy, trained on synthetic (TSTR)"),
        ladder(
            discriminated,
            "Discriminator AUC",
            "AUC of a classifier of real against synthetic; 0.5: it cannot tell them apart.",
        ),
    ]
    legend = [(name, class_style(i)[0], class_style(i)[2]) for i, name in enumerate(cards)]
    return Gallery([p for p in panels if p], "Bars are 95 % confidence intervals.", legend)


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
        show_patients: show images of single real patients; such a page is for internal use only.

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
