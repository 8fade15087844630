"""What the pages share: the chosen run, its files read once, page states, and escaping; for plots see `plots`.

A page calls `finished("run", "comparison")` first: it returns what the sidebar chose, or draws what to do and stops.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import streamlit as st

from cohortsmith.app.terminal import explain
from cohortsmith.app.workspace import (
    ROWS,
    Entry,
    Workspace,
    digests,
    fingerprint,
    json_lines,
    read_synthetic_of,
    workspace_of_environment,
)
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from cohortsmith.app.workspace import Kind
    from cohortsmith.data import Cohort
    from cohortsmith.data.splits import Split
    from cohortsmith.evaluation import Comparison, Estimate

CHOSEN = "chosen-run"
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&\"'=^@])")
_COHORTS = 3  # real and virtual cohorts held in memory, over all sessions


def workspace() -> Workspace:
    """The folder of runs that this app shows."""
    return workspace_of_environment()


def text_of(name: object) -> str:
    """Text that came with the data, for a place where Markdown is read: every mark of it is escaped."""
    return _MARKUP.sub(r"\\\1", " ".join(str(name).split()))


# --- The chosen run ---


def choose_run() -> None:
    """Selector of the results all pages show, in the sidebar; `main` draws it once."""
    entries = workspace().entries()
    names = [entry.name for entry in entries]
    if not names:
        st.sidebar.caption("No results yet: fit a generator on the page Generate.")
        return
    asked = st.query_params.get("run")
    if st.session_state.get(CHOSEN) not in names:
        finished_ones = [entry.name for entry in entries if entry.state == "finished"]
        st.session_state[CHOSEN] = asked if asked in names else (finished_ones or names)[0]
    words = {entry.name: _label(entry) for entry in entries}
    st.sidebar.selectbox("Results", names, key=CHOSEN, format_func=lambda name: words.get(name, name))


def _label(entry: Entry) -> str:
    """A name without its time and hash, what it is, and its time."""
    name = entry.name
    if found := re.fullmatch(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ-(.+)-[0-9a-f]{8}", name):
        year, month, day, hour, minute, name = found.groups()
        name = f"{name} ({year}-{month}-{day} {hour}:{minute})"
    what = "" if entry.kind == "run" else f", {entry.kind}"
    return f"{name}{what}{'' if entry.state == 'finished' else ', ' + entry.state}"


def chosen() -> Entry | None:
    """What the sidebar chose (else the newest finished results); None where there is nothing yet."""
    place = workspace()
    name = st.session_state.get(CHOSEN)
    if name:
        try:
            return place.find(str(name))
        except DataError:
            pass  # it was removed since
    entries = place.entries()
    return next((entry for entry in entries if entry.state == "finished"), entries[0] if entries else None)


def finished(*kinds: Kind, what: str = "This page") -> Entry:
    """The chosen results, when they are whole and of one of these kinds; else the page says what to do and stops.

    Args:
        kinds: of results this page shows; every kind where none is named.
        what: what the page shows, for the sentence.
    """
    entry = chosen()
    if entry is None:
        empty("No results yet.", "Choose a cohort on the page Cohorts, then fit a generator on the page Generate.")
    if entry.state == "corrupt":
        corrupt(entry)
    if kinds and entry.kind not in kinds:
        wanted = " or a ".join(kinds)
        empty(f"{what} shows a {wanted}; {entry.name} is a {entry.kind}.", "Choose another one in the sidebar.")
    return entry


def member(entry: Entry) -> tuple[str, Path]:
    """Family and folder to be looked at: of a run its own, of a comparison the one a selector of the page chose."""
    members = entry.members
    if not members:
        corrupt(entry, "no family's folder is in it")
    names = list(members)
    if len(names) == 1:
        return names[0], members[names[0]]
    name = st.segmented_control("Family", names, default=names[0], key=f"family-{entry.name}", required=True)
    return (name, members[name]) if name in members else (names[0], members[names[0]])


# --- States of a page ---


def empty(what: str, then: str) -> NoReturn:
    """Say that there is nothing to show and what to do, and stop the page."""
    st.info(f"**{text_of(what)}** {text_of(then)}", icon=":material/info:")
    st.stop()


def corrupt(entry: Entry, reason: str = "") -> NoReturn:
    """Say that a folder cannot be read, why, and what to do, and stop the page."""
    st.error(f"**{text_of(entry.name)} cannot be shown:** {text_of(reason or entry.reason)}", icon=":material/error:")
    st.caption(
        "Run it again (page Generate, or `cohortsmith run`), or remove the folder; the other results are intact."
    )
    st.stop()


def tell(error: BaseException) -> None:
    """One line for an error that a person can do something about; another is raised again."""
    line = explain(error)
    if line is None:
        raise error
    st.error(text_of(line), icon=":material/error:")


# --- Files of a run, read once ---


def estimates(folder: Path) -> list[Estimate]:
    """Scorecard of a run, as it was measured.

    Raises:
        DataError: metrics.json is missing or damaged.
    """
    return _estimates(str(folder), fingerprint(folder))


@st.cache_data(show_spinner=False, max_entries=200)
def _estimates(folder: str, _key: str) -> list[Estimate]:
    from cohortsmith.app.workspace import read_json
    from cohortsmith.evaluation import METRICS, Estimate

    bounds = {metric.name: metric.bounds for metric in METRICS}
    try:
        rows = read_json(Path(folder) / "metrics.json")["metrics"]
        return [Estimate(**row, bounds=bounds.get(row["name"], (None, None))) for row in rows]
    except (KeyError, TypeError) as error:
        raise DataError("metrics.json: the figures of a scorecard were expected") from error


def history(folder: Path) -> list[dict[str, float]]:
    """Training curve of a run: rows of train.jsonl; none where there are none or the file is damaged."""
    return _history(str(folder), fingerprint(folder))


@st.cache_data(show_spinner=False, max_entries=50)
def _history(folder: str, _key: str) -> list[dict[str, float]]:
    return json_lines(Path(folder) / ROWS)


def real(folder: Path) -> Split:
    """Real patients of a run, train and holdout.

    Raises:
        DataError: the cohort is not to be found from here, or has changed.
    """
    return _real(str(workspace().runs), str(folder), fingerprint(folder))


# Cohorts are immutable values, so sessions share them; cache_data would copy them at every access.
@st.cache_resource(show_spinner="Reading the real patients", max_entries=_COHORTS)
def _real(runs: str, folder: str, _key: str) -> Split:
    return Workspace(Path(runs)).real(Path(folder))


def synthetic(folder: Path) -> Cohort:
    """Virtual patients of a run.

    Raises:
        DataError: they are missing or damaged.
    """
    return _synthetic(str(folder), fingerprint(folder))


@st.cache_resource(show_spinner="Reading the virtual patients", max_entries=2 * _COHORTS)
def _synthetic(folder: str, _key: str) -> Cohort:
    try:
        like = real(Path(folder)).train
    except (DataError, OSError):
        like = None
    return read_synthetic_of(Path(folder), like)


def comparison(folder: Path) -> Comparison:
    """Real and virtual patients of a run side by side, as the metrics and the report see them.

    Raises:
        DataError: as `real` and `synthetic`, or cohorts that do not go together.
    """
    return _comparison(str(folder), fingerprint(folder))


@st.cache_resource(show_spinner="Comparing the cohorts", max_entries=_COHORTS)
def _comparison(folder: str, _key: str) -> Comparison:
    from cohortsmith.evaluation import Comparison

    sides = real(Path(folder))
    return Comparison(sides.train, sides.holdout, synthetic(Path(folder)))


def same_patients(first: Path, second: Path) -> bool:
    """Whether two runs were judged on the same holdout: only then are their figures comparable."""
    ours, theirs = digests(first).get("holdout"), digests(second).get("holdout")
    return ours is not None and ours == theirs
