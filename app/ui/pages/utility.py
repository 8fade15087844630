"""Page Utility: what virtual patients gain for classifiers of real ones, from the folder of a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from cohortsmith.app.ui import RESULTS, chosen, corrupt, draw, empty, report_part, results_of, tell, text_of, workspace
from cohortsmith.data import DataError
from cohortsmith.data.validation import from_json
from cohortsmith.evaluation.plots import Gallery
from cohortsmith.evaluation.study import POINTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from cohortsmith.app.workspace import Entry
    from cohortsmith.evaluation.study import Results, StudyTask

VIEWS = ("Verdict", "Gain by ratio", "Learning curves", "Gain by class", "Confusion matrix", "All metrics")


def page() -> None:
    """Draw the page."""
    st.title("Utility")
    entry = _grid()
    if not (entry.folder / RESULTS).is_file():
        _under_way(entry)
        return
    try:
        results = results_of(entry.folder)
    except (DataError, OSError, ValueError, KeyError):
        corrupt(entry, f"{RESULTS} is no table of a grid")
    if results.whole.empty:
        empty("No job of this grid succeeded.", "Its failed.json gives the reasons.")
    sets, labels = (list(dict.fromkeys(part)) for part in zip(*results.tasks, strict=True))
    seeds = results.rows["seed"].nunique()
    facts = f"{', '.join(sets)}; labelled: {', '.join(labels)}; {len(results.means):,} arms, {seeds} seeds."
    rule = f"Arms chosen by {POINTS[results.metric]} on validation patients, evaluated on test patients."
    st.caption(text_of(f"{entry.name}: {facts} {rule}"))
    _failures(entry)
    view = st.segmented_control("Show", VIEWS, default=VIEWS[0], key="utility-view", required=True)
    show: dict[str, Callable[[Results, Entry], None]] = {
        VIEWS[1]: _ratios,
        VIEWS[2]: _learning,
        VIEWS[3]: _classes,
        VIEWS[4]: _confusion,
        VIEWS[5]: _figures,
    }
    try:
        show.get(str(view), _verdict)(results, entry)
    except DataError as error:
        tell(error)


def _grid() -> Entry:
    """The grid the sidebar chose, or one that is chosen here."""
    entry = chosen()
    if entry is not None and entry.kind == "grid":
        found = entry
    else:
        grids = [entry for entry in workspace().entries() if entry.kind == "grid"]
        if not grids:
            empty(
                "No grid of classifiers yet.",
                "cohortsmith utility grid.toml --out runs/NAME runs one; the README explains the format of a grid.",
            )
        names = [entry.name for entry in grids]
        found = grids[names.index(str(st.selectbox("Grid", names, key="grid")))]
    if found.state == "corrupt":
        corrupt(found)
    return found


def _under_way(entry: Entry) -> None:
    """A grid whose table is not there yet: it runs, or was stopped."""
    done = len(list((entry.folder / "rows").glob("*.parquet")))
    st.info(
        f"**This grid is not finished: {done:,} arms are done.** After an interruption the same command resumes it: "
        f"`cohortsmith utility GRID.toml --out` {text_of(entry.folder.name)}",
        icon=":material/hourglass_top:",
    )
    st.button("Refresh", icon=":material/refresh:")


def _failures(entry: Entry) -> None:
    try:
        place = entry.folder / "failed.json"
        failed = from_json(list[dict[str, Any]], place.read_bytes(), where=place.name)
    except (OSError, DataError):
        return
    if failed:
        reasons = pd.Series([str(job.get("reason", "")) for job in failed]).value_counts()
        causes = "; ".join(f"{reason} ({count})" for reason, count in reasons.head(3).items())
        st.warning(text_of(f"{len(failed):,} jobs failed, and whatever depends on them is missing: {causes}."))


def _verdict(results: Results, entry: Entry) -> None:
    from cohortsmith.evaluation.html.study import cards, overview_table, verdict_table

    report_part(cards(results), "Verdicts in words")
    report_part(overview_table(results) + verdict_table(results), "Gains with their intervals")


def _task(results: Results, tasks: list[StudyTask]) -> StudyTask:
    """A data set with so many labels, chosen where there are several."""
    if len(tasks) == 1:
        return tasks[0]
    words = {str(task): task for task in tasks}
    return words[str(st.selectbox("Data set and labels", list(words), key="utility-task"))]


def _ratios(results: Results, entry: Entry) -> None:
    from cohortsmith.evaluation.plots import gain_by_ratio

    task = _task(results, results.tasks)
    pictures = gain_by_ratio(results, task)
    families = results.families
    if not pictures.panels:
        st.info("At most one number of virtual patients: there is no curve to draw. See the verdict for the gains.")
        return
    kept = st.multiselect("Families", families, placeholder="all families", key="utility-families")
    draw(_only(pictures, kept) if kept else pictures, f"ratio-{task}")


def _only(pictures: Gallery, families: list[str]) -> Gallery:
    """The same panels with the lines of these families."""
    from dataclasses import replace

    panels = [
        replace(panel, data=[t for t in panel.data if t.get("legendgroup", families[0]) in families])
        for panel in pictures.panels
    ]
    return replace(pictures, panels=panels, legend=[entry for entry in pictures.legend if entry[0] in families])


def _learning(results: Results, entry: Entry) -> None:
    from cohortsmith.evaluation.plots import learning_curves, sweeps

    pictures = learning_curves(results)
    settings = sweeps(results, entry.facts.get("classifiers") or {})
    if not pictures.panels and not settings.panels:
        st.info("One number of labels: there is no curve to draw. List several under `labelled` in the grid.")
    for name, drawn in (("learning", pictures), ("settings", settings)):
        if drawn.panels:
            draw(drawn, name)


def _classes(results: Results, entry: Entry) -> None:
    from cohortsmith.evaluation.plots import gain_by_class

    task = _task(results, results.ends)
    pictures = gain_by_class(results, task)
    if not pictures.panels:
        st.info("No arm with virtual patients or a pretext here, or classes of fewer than five test patients.")
        return
    st.caption(
        "Gain in the recall of each class on test patients, with its 95 % interval over seeds, of the arms that are "
        "best "
        "on validation patients. With many classes some intervals exclude zero by chance."
    )
    draw(pictures, f"classes-{task}")


def _confusion(results: Results, entry: Entry) -> None:
    from cohortsmith.evaluation.plots import confusions

    task = _task(results, results.tasks)
    arms = {f"{arm.classifier}, {arm.patients()}": arm for arm in results.means if arm.task == task}
    reference = results.strongest.get(task) or results.real_arms(task)[0]
    wanted = [reference, *results.judged[task][:1]]
    default = [name for name, arm in arms.items() if arm in wanted]
    chosen_arms = st.multiselect("Arms", list(arms), default=default, max_selections=4, key=f"confusion-{task}")
    panels = confusions(results, [arms[name] for name in chosen_arms])
    draw(
        Gallery(panels, "Counts summed over seeds; cells are shares of the true class."),
        f"confusion-{task}-{len(panels)}",
    )


def _figures(results: Results, entry: Entry) -> None:
    from cohortsmith.evaluation.html.study import arms_table, training_table

    report_part(arms_table(results) + training_table(results), "Every metric of every arm")
    table: Any = results.whole.drop(columns=["confusion", "part", "label"], errors="ignore")
    st.download_button(
        "Download the test metrics (CSV)",
        lambda: table.to_csv(index=False),
        file_name=f"{entry.name}-test.csv",
        mime="text/csv",
        icon=":material/download:",
    )


page()
