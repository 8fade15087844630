"""What a finished grid says: gains in words, pictures of pairs of views, the page, and a table for the terminal."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.app.grid.results import WEIGHTED
from cohortsmith.data import DataError
from cohortsmith.data.io import whole_file
from cohortsmith.evaluation.study import ARM, POINTS, TASK, VIRTUAL, best_on_validation, gains, gains_over

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from numpy.typing import NDArray
    from rich.console import Group

    from cohortsmith.app.grid.jobs import GridStudy
    from cohortsmith.app.grid.plan import Planned

_PAIRS = 60  # patients of whom two views are drawn


def verdicts_of(rows: pd.DataFrame, metric: str) -> list[dict[str, Any]]:
    """Every gain: over the same classifier on real patients alone, and over the strongest one without a pretext.

    Those of single classes are beside the strongest by `metric`. Each has `against` ("real only" or "strongest"),
    `metric`, and the columns of `cohortsmith.evaluation.study.paired_gains.gains`; what is not a number is None.
    """
    ways: dict[str, Callable[..., pd.DataFrame]] = {"real only": gains, "strongest": gains_over}
    found: list[dict[str, Any]] = []
    for name in POINTS:
        for against, judge in ways.items():
            for by_class in (False, True) if name == metric else (False,):
                try:
                    table = judge(rows, metric=name, by_class=by_class)
                except DataError:
                    continue  # no classifier without a pretext to compare with
                found += [
                    {"against": against, "metric": name, **{str(key): _plain(value) for key, value in row.items()}}
                    for row in table.to_dict("records")
                ]
    return found


def write_report(study: GridStudy, plan: Planned, rows: pd.DataFrame, more: Mapping[str, Any]) -> None:
    """Write `verdicts.json` and `report.html` into the folder of a grid; `more` are facts for the page."""
    from cohortsmith.evaluation.html.study import utility_page

    facts = {
        "title": study.grid.name,
        "classifiers": study.grid.classifiers,
        "metric": study.grid.metric,
        "fusions": [f"{name}{suffix}" for name in study.grid.fusions for suffix in ("", WEIGHTED)],
        "pairs": _pairs(study, plan),
    }
    page = utility_page(rows, facts | dict(more))
    verdicts = json.dumps(verdicts_of(rows, study.grid.metric), indent=1, allow_nan=False)
    for name, text in (("verdicts.json", verdicts), ("report.html", page)):
        with whole_file(study.folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def table_of(rows: pd.DataFrame, metric: str) -> Group:
    """Test figures of each classifier on real patients alone, and with the virtual ones that validation chooses."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    kept = best_on_validation(rows, VIRTUAL, metric) if (rows["family"] != "").any() else rows
    whole = kept[(kept["part"] == "test") & (kept["label"] == "")]
    by_arm = {tuple(row[name] for name in ARM): row for row in gains(kept, metric).to_dict("records")}
    tables = []
    for (data, labelled), task in whole.groupby(TASK, sort=False):
        n = task["n_labelled"].median()
        table = Table(
            "classifier", "virtual", "accuracy", "by class", f"gain in {POINTS[metric]}, points", "verdict",
            title=escape(f"{data}, {labelled} ({n:.0f} labelled)"), title_justify="left",
        )  # fmt: skip
        for key, arm in sorted(task.groupby(ARM, sort=False), key=lambda item: _place(task, item[0])):
            family, learn_from, ratio, role, classifier = key[2:]
            pseudo = ", pseudo-labelled" if learn_from == "pseudo-labelled" else ""
            gain = by_arm.get(key)
            table.add_row(
                escape(str(classifier)),
                escape(f"{family} {ratio}, {role}{pseudo}") if family else "",
                *(f"{100 * arm[name].mean():.2f}" for name in POINTS),
                _interval(gain) if gain else "",
                str(gain["verdict"]) if gain else "",
            )
        tables.append(table)
    return Group(*tables)


def _place(task: pd.DataFrame, key: tuple[Any, ...]) -> tuple[int, bool]:
    """By classifier, real patients alone first."""
    return list(task["classifier"].unique()).index(key[-1]), key[2] != ""


def _interval(gain: Mapping[Any, Any]) -> str:
    low, high = gain["low"], gain["high"]
    within = "" if math.isnan(low) else f" ({100 * low:+.2f} to {100 * high:+.2f})"
    return "" if math.isnan(gain["gain"]) else f"{100 * gain['gain']:+.2f}{within}"


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _pairs(study: GridStudy, plan: Planned) -> dict[str, list[dict[str, Any]]]:
    """Two views of test patients as points, by classifier: of the first data set and seed, real patients alone."""
    from cohortsmith.ssl_models.loading import load

    found: dict[str, list[dict[str, Any]]] = {}
    for arm, pretext in plan.arms.items():
        if pretext is None or arm.family or arm.classifier in found or not study.pretext(pretext).exists():
            continue
        test = study.parts(arm.data, arm.seed).test
        rows = np.random.default_rng(arm.seed).permutation(len(test))[:_PAIRS]
        patients = test.take(np.sort(rows))
        try:
            one, other = load(study.pretext(pretext)).pairs(patients, arm.seed)
        except DataError:
            continue  # a pretext without views
        points = _flattened(np.concatenate([one, other])).round(3).tolist()
        found[arm.classifier] = [
            {"x1": a[0], "y1": a[1], "x2": b[0], "y2": b[1], "label": label}
            for a, b, label in zip(points[: len(one)], points[len(one) :], patients.labels.tolist(), strict=True)
        ]
    return found


def _flattened(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Features (n, width) in the plane of their first two principal components, (n, 2)."""
    centred = features.astype(np.float64) - features.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(features), 2))
    plane[:, : min(2, len(s))] = (u * s)[:, :2]
    return plane
