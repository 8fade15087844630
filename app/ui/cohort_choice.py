"""The cohort that the pages Cohorts and Generate speak of: chosen on the one, fitted on the other."""

from __future__ import annotations

from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from cohortsmith.app.config import DataPart, checked
from cohortsmith.app.ui.session import chosen as chosen_results
from cohortsmith.app.ui.session import workspace
from cohortsmith.app.workspace import facts_of, read
from cohortsmith.data import DataError, split
from cohortsmith.data.named import find_set, named_sets

if TYPE_CHECKING:
    from cohortsmith.data import Cohort
    from cohortsmith.data.splits import Split

PART, SEED = "cohort-part", "cohort-seed"
_COHORTS = 3  # held in memory, over all sessions


def part() -> DataPart:
    """Which cohort, and how it is read and split: as chosen on the page Cohorts, else that of the chosen results.

    Where there are none, or their cohort is a file that was not uploaded here: the demo cohort.
    """
    chosen = st.session_state.get(PART)
    return checked(DataPart, **chosen) if chosen else _of_results() or DataPart(cohort=demo())


def choose(chosen: DataPart, seed: int) -> None:
    """Keep the choice for the other pages of this session."""
    st.session_state[PART] = asdict(chosen)
    st.session_state[SEED] = seed


def forget() -> None:
    """Forget the choice, and what was read of it: its file was deleted."""
    for key in (PART, SEED, "cohort-before"):
        st.session_state.pop(key, None)
    _read.clear()
    _facts.clear()


def seed() -> int:
    """Seed of the split."""
    if SEED in st.session_state:
        return int(st.session_state[SEED])
    entry = chosen_results()
    return int(entry.facts["seed"]) if entry is not None and _of_results() and "seed" in entry.facts else 0


def _of_results() -> DataPart | None:
    entry = chosen_results()
    if entry is None or entry.kind not in ("run", "comparison"):
        return None
    try:
        found = checked(DataPart, **entry.facts["data"])
    except (DataError, KeyError, TypeError):
        return None
    place = workspace()
    known = {place.named(str(path)) for path in place.uploads()} | {one.name for one in named_sets()}
    return found if found.cohort in known else None


def demo() -> str:
    """The cohort to begin with: real patients where they are installed, else simulated ones."""
    return "gse7390" if find_spec("sksurv") and find_set("gse7390") else "simulated-expression"


def cohort_of(chosen: DataPart) -> Cohort:
    """The patients, read once.

    Raises:
        DataError: as `data.read_cohort`.
    """
    here = workspace().part_here(chosen)
    return _read(asdict(replace(here, holdout=0.3)), _stamp(here.cohort))


def sides_of(chosen: DataPart, seed: int) -> Split:
    """Train and holdout.

    Raises:
        DataError: as `cohort_of` and `data.split`.
    """
    return split(cohort_of(chosen), seed=seed, holdout=chosen.holdout)


def facts(chosen: DataPart) -> dict[str, Any]:
    """Figures of the cohort, as `cohortsmith data describe` gives them."""
    here = workspace().part_here(chosen)
    return _facts(asdict(replace(here, holdout=0.3)), _stamp(here.cohort))


# A cohort is an immutable value: sessions share it.
@st.cache_resource(show_spinner="Reading the cohort", max_entries=_COHORTS)
def _read(values: dict[str, Any], stamp: str) -> Cohort:
    return read(checked(DataPart, **values))


@st.cache_data(show_spinner="Looking for duplicates", max_entries=50)
def _facts(values: dict[str, Any], stamp: str) -> dict[str, Any]:
    return facts_of(_read(values, stamp))


def _stamp(name: str) -> str:
    """Changes when the file does; of a named set or a folder its name has to do."""
    path = Path(name)
    found = path.stat() if path.is_file() else None
    return f"{found.st_size} {found.st_mtime_ns}" if found else name
