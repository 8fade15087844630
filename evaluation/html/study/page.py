"""The page of a grid of classifiers: what helps, what hurts and what there is no evidence for, and the figures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from cohortsmith.evaluation.html import Section, fill, gallery, page
from cohortsmith.evaluation.html.study import tables
from cohortsmith.evaluation.html.study.verdicts import cards
from cohortsmith.evaluation.plots import (
    Gallery,
    confusions,
    gain_by_class,
    gain_by_ratio,
    learning_curves,
    pair_pictures,
    sweeps,
)
from cohortsmith.evaluation.study import POINTS, Results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from cohortsmith.evaluation.study import StudyTask

_LEAD = (
    "What virtual patients and self-supervised pretraining gain for classifiers of real patients. Arms are chosen on "
    "validation patients; every metric is of test patients that no generator, pretext or classifier saw."
)
_REASONS = 3  # for what could not be done, named on the page
_REAL = "Of real patients it shows shares and means"
_POINTS = ", and unnamed points of features in the pictures of pairs, from which no value can be read back"
_TERMS = ("auc", "infonce", "masked-prediction", "vime", "simclr", "moco", "mae", "aim", "mixmatch")
_TEMPLATE = "study.html"


def utility_page(rows: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    """Report of a grid as a single HTML file without any reference to the network; sections without data are left out.

    Args:
        rows: tidy rows of the grid, one per arm, seed, part and class (see `cohortsmith.evaluation.study.gains`).
        facts: what else is known, all of it optional: `title`; `about`, what to state at the top; `classifiers`, the
            arguments of each by name; `metric`, of `POINTS`, that arms are chosen and judged by; `fusions`, names of
            those that are products of others; `pairs`, by classifier dicts `x1`, `y1`, `x2`, `y2`, `label` of two views
            of a patient; `published`, figures of others to set beside ours (see `tables.published_table`);
            `failed`, dicts with the `reason` why a job was not done.

    Raises:
        DataError: rows that lack a column, or name an arm twice.
    """
    results = Results.of(rows, facts.get("fusions", ()), facts.get("metric", "accuracy"))
    sections: list[Section] = [
        ("verdicts", "Gains", tables.overview_table(results) + tables.verdict_table(results)),
        ("published", "Published results for comparison", _published(results, facts)),
        ("learning", "Learning curves", _drawn("learning", learning_curves(results))),
        ("ratios", "Gain by number of virtual patients", _each("ratios", results, results.tasks, gain_by_ratio)),
        ("settings", "Settings of the pretext", _drawn("settings", sweeps(results, facts.get("classifiers", {})))),
        ("classes", "Gain by class", _by_class(results)),
        ("confusion", "Confusion matrix", _confusion(results)),
        ("pairs", "Two views of a patient", _drawn("pairs", pair_pictures(facts.get("pairs", {})))),
        ("arms", "All metrics", tables.arms_table(results)),
        ("training", "Training", tables.training_table(results)),
    ]
    sections = [section for section in sections if section[2]]
    title = str(facts.get("title", "Utility of virtual patients"))
    real = f"{_REAL}{_POINTS if facts.get('pairs') else ''}."
    about = {**_about(results), **facts.get("about", {})}
    return page(title, _LEAD, about, _opening(results, facts), sections, real=real, terms=_TERMS)


def _opening(results: Results, facts: Mapping[str, Any]) -> Markup:
    """The verdicts, then what is missing from the page and why, most frequent reason first."""
    jobs = facts.get("failed", ())
    counts = Counter(str(job["reason"]) for job in jobs)
    reasons = "; ".join(f"{reason} ({count})" for reason, count in counts.most_common(_REASONS))
    reasons += f"; {len(counts) - _REASONS} other reasons, see failed.json" if len(counts) > _REASONS else ""
    return fill(_TEMPLATE, "opening", cards(results), len(jobs), reasons)


def _about(results: Results) -> dict[str, Any]:
    sets = list(dict.fromkeys(task.data for task in results.tasks))
    labelled = list(dict.fromkeys(task.labelled for task in results.tasks))
    known = {"Data": ", ".join(sets), "Labelled": ", ".join(labelled), "Classifiers": len(results.classifiers)}
    if results.families:
        known["Generators"] = ", ".join(results.families)
    seeds = results.rows["seed"].unique()
    known |= {"Seeds": len(seeds), "Arms": f"{len(results.means):,}"}
    return known | {"Judged by": POINTS[results.metric]}


def _published(results: Results, facts: Mapping[str, Any]) -> Markup:
    published = facts.get("published")
    return tables.published_table(results, published) if published else Markup()


def _drawn(name: str, pictures: Gallery) -> Markup:
    return gallery(name, pictures) if pictures.panels else Markup()


def _each(
    name: str,
    results: Results,
    tasks: Sequence[StudyTask],
    draw: Callable[[Results, StudyTask], Gallery],
    note: str = "",
) -> Markup:
    """A gallery a task, each under a heading where there are several."""
    drawn = [(task, pictures) for task in tasks if (pictures := draw(results, task)).panels]
    parts = [
        (str(task) if len(tasks) > 1 else "", gallery(f"{name}{i}", pictures))
        for i, (task, pictures) in enumerate(drawn)
    ]
    return fill(_TEMPLATE, "galleries", note, parts) if parts else Markup()


def _by_class(results: Results) -> Markup:
    note = (
        "Gain in the recall of each class on test patients, with its 95 % interval over seeds, of the arms that are "
        "best on validation patients; in brackets the number of test patients. With many classes some intervals "
        "exclude zero by chance."
    ) + _thinned(results)
    return _each("classes", results, results.ends, gain_by_class, note)


def _confusion(results: Results) -> Markup:
    panels = []
    for task in results.ends:
        reference = results.strongest.get(task) or results.real_arms(task)[0]
        panels += confusions(results, [reference, *results.judged[task][:1]])
    note = (
        "The strongest supervised reference and the arm that is best on validation patients; counts summed over seeds, "
        "cells are shares of the true class."
    ) + _thinned(results)
    return _drawn("confusion", Gallery(panels, note))


def _thinned(results: Results) -> str:
    return " For each data set the fewest and the most labels." if len(results.ends) < len(results.tasks) else ""
