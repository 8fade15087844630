"""An audit or a release of a run, started from the page Privacy: a button, how long it has run, how it ended."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from cohortsmith.app.background import audit_jobs as decisions
from cohortsmith.app.pipeline import duration
from cohortsmith.app.ui.session import tell, text_of, workspace
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.app.background import Command, Decision

_EVERY = 1.0  # seconds between two looks at one that goes on
_WORDS = {"audit": ("Audit", ":material/policy:"), "release": ("Release", ":material/outbox:")}


def deciding(command: Command, run: Path) -> None:
    """Start it, or watch it; the whole page is drawn anew once it ends."""
    runs = workspace().runs
    known = decisions.find(command, run, runs)
    if known is not None and known.running:
        st.fragment(run_every=_EVERY)(_running)(command, run)
        return
    if known is not None and known.state == "failed":
        st.error(text_of(known.error), icon=":material/error:")
    elif known is not None and known.state == "stopped":
        st.warning("Stopped unexpectedly: it was killed, or the machine went down.", icon=":material/power_off:")
    words, icon = _WORDS[command]
    st.button(words, icon=icon, type="primary", key=command, on_click=_start, args=(command, run))
    place = runs / decisions.name_of(command, run, runs)
    st.caption("The same on the command line:")
    st.code(f"cohortsmith {command} {_path(run, runs)} --out {_path(place, runs)}", "bash")


def _start(command: Command, run: Path) -> None:
    try:
        decisions.start(command, run, workspace().runs)
    except (DataError, OSError) as error:
        tell(error)


def _running(command: Command, run: Path) -> None:
    known: Decision | None = decisions.find(command, run, workspace().runs)
    if known is None or not known.running:
        st.rerun()
    seconds = (datetime.now(UTC) - datetime.strptime(known.started, "%Y%m%dT%H%M%S%z")).total_seconds()
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.markdown(f":material/hourglass_top: Running the attacks: {duration(seconds)} so far.")
    right.button("Cancel", icon=":material/cancel:", key=f"cancel-{command}", width="stretch", on_click=known.cancel)


def _path(folder: Path, runs: Path) -> str:
    return shlex.quote(f"{runs.name}/{folder.relative_to(runs).as_posix()}")
