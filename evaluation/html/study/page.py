"""The page of a grid of classifiers: what helps, what hurts and what there is no evidence for, and the figures."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any

from cohortsmith.evaluation.html import foot, gallery, head, page, sections_of
from cohortsmith.evaluation.html.study import tables
from cohortsmith.evaluation.html.study.verdicts import cards
from cohortsmith.evaluation.plots import Gallery
from cohortsmith.evaluation.plots import augmentation as figures
from cohortsmith.evaluation.plots import classifier_curves as curves
from cohortsmith.evaluation.study import POINTS, Results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from cohortsmith.evaluation.html import Section
    from cohortsmith.evaluation.study import Task

_LEAD = (
    "What virtual patients and self-supervision are worth to classifiers of real patients: arms are chosen on "
    "validation patients, every figure is of test patients that no generator, pretext or classifier saw."
)
_REASONS = 3  # for what could not be done, told on the page
_REAL = "Of real patients it shows shares and means"
_POINTS = ", and unnamed points of features in the pictures of pairs, from which no value can be read back"


def utility_page(rows: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    """Report of a grid as a single HTML file without any reference to the network; sections without data are left out.

    Args:
        rows: tidy rows of the grid, one an arm, seed, part and class (see `cohortsmith.evaluation.study.gains`).
        facts: what else is known, all of it optional: `title`; `about`, what to state at the top; `classifiers`, the
            arguments of each by name; `metric`, of `POINTS`, that arms are chosen and judged by; `fusions`, names of
            those that are products of others; `pairs`, by classifier dicts `x1`, `y1`, `x2`, `y2`, `label` of two views
            of a patient; `published`, figures of others to set beside ours (see `utility_tables.published_table`);
            `failed`, dicts with the `reason` why a job was not done.

    Raises:
        DataError: rows that lack a column, or name an arm twice.
    """
    results = Results.of(rows, facts.get("fusions", ()), facts.get("metric", "accuracy"))
    sections: list[Section] = [
        ("verdicts", "Gains", tables.overview_table(results) + tables.verdict_table(results)),
        ("published", "Beside the published figures", _published(results, facts)),
        ("learning", "Learning curves", _drawn("learning", curves.learning_curves(results))),
        (
            "ratios",
            "Gain by number of virtual patients",
            _each("ratios", results, results.tasks, figures.gain_by_ratio),
        ),
        (
            "settings",
            "Settings of the pretext",
            _drawn("settings", curves.sweeps(results, facts.get("classifiers", {}))),
        ),
        ("classes", "Gain by class", _by_class(results)),
        ("confusion", "Who is taken for whom", _confusion(results)),
        ("pairs", "Two views of a patient", _drawn("pairs", curves.pair_pictures(facts.get("pairs", {})))),
        ("arms", "All figures", tables.arms_table(results)),
        ("training", "Training", tables.training_table(results)),
    ]
    sections = [section for section in sections if section[2]]
    title = str(facts.get("title", "What virtual patients are worth"))
    real = f"{_REAL}{_POINTS if facts.get('pairs') else ''}."
    top = head(title, _LEAD, {**_about(results), **facts.get("about", {})}, sections)
    told = cards(results) + _failed(facts.get("failed", ()))
    return page(title, top + told + sections_of(sections) + foot(real))


def _failed(jobs: Sequence[Mapping[str, Any]]) -> str:
    """What is missing from the page and why, most frequent reason first."""
    counts = Counter(str(job["reason"]) for job in jobs)
    if not counts:
        return ""
    reasons = "; ".join(f"{reason} ({count})" for reason, count in counts.most_common(_REASONS))
    more = f"; {len(counts) - _REASONS} other reasons, see failed.json" if len(counts) > _REASONS else ""
    many = f"{len(jobs):,} job{'' if len(jobs) == 1 else 's'}"
    return f'<p class="callout">{many} could not be done, and what needs them is missing: {escape(reasons)}{more}.</p>'


def _about(results: Results) -> dict[str, Any]:
    sets = list(dict.fromkeys(task.data for task in results.tasks))
    labelled = list(dict.fromkeys(task.labelled for task in results.tasks))
    known = {"Data": ", ".join(sets), "Labelled": ", ".join(labelled), "Classifiers": len(results.classifiers)}
    if results.families:
        known["Virtual patients"] = ", ".join(results.families)
    seeds = results.rows["seed"].unique()
    known |= {"Seeds": len(seeds), "Arms": f"{len(results.means):,}"}
    return known | {"Judged by": POINTS[results.metric]}


def _published(results: Results, facts: Mapping[str, Any]) -> str:
    published = facts.get("published")
    return tables.published_table(results, published) if published else ""


def _drawn(name: str, pictures: Gallery) -> str:
    return gallery(name, pictures) if pictures.panels else ""


def _each(name: str, results: Results, tasks: Sequence[Task], draw: Callable[[Results, Task], Gallery]) -> str:
    """A gallery a task, each under a heading where there are several."""
    drawn = [(task, pictures) for task in tasks if (pictures := draw(results, task)).panels]
    parts = [
        (f"<h3>{escape(str(task))}</h3>" if len(tasks) > 1 else "") + gallery(f"{name}{i}", pictures)
        for i, (task, pictures) in enumerate(drawn)
    ]
    return "".join(parts)


def _by_class(results: Results) -> str:
    drawn = _each("classes", results, results.ends, figures.gain_by_class)
    note = (
        "Gain in the share of each class's test patients that is recognised, with its 95 % interval over seeds, of the "
        "arms that are best on validation patients; in brackets the class's test patients. The more classes, the more "
        "intervals leave out zero by chance."
    ) + _thinned(results)
    return drawn and f'<p class="note">{note}</p>{drawn}'


def _confusion(results: Results) -> str:
    panels = []
    for task in results.ends:
        reference = results.strongest.get(task) or results.real_arms(task)[0]
        panels += figures.confusions(results, [reference, *results.judged[task][:1]])
    note = (
        "The strongest supervised reference and the arm that is best on validation patients; counts summed over seeds, "
        "shares in the cells."
    ) + _thinned(results)
    return _drawn("confusion", Gallery(panels, note))


def _thinned(results: Results) -> str:
    return " Of each data set the fewest and the most labels." if len(results.ends) < len(results.tasks) else ""
