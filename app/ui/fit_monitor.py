"""Running and finished fits, on the page Generate: progress, training curves, cancel, resume, view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from cohortsmith.app.background import find_job, jobs
from cohortsmith.app.ui.plots import draw
from cohortsmith.app.ui.session import CHOSEN, history, tell, text_of, workspace
from cohortsmith.data import DataError
from cohortsmith.evaluation.plots import training as curves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.app.background import Job
    from cohortsmith.app.workspace import Standing

SHOWN = "fit-shown"
_EVERY = 2.0  # seconds between two looks at a fit that goes on
_ENDED = {
    "finished": ":material/check_circle:",
    "failed": ":material/error:",
    "cancelled": ":material/cancel:",
    "stopped": ":material/power_off:",
}


def fits() -> None:
    """Every fit of the folder of runs, and the chosen one: a fit started by another browser, or before, is here too."""
    known = jobs(workspace().runs)
    if not known:
        st.caption("No fit has been started yet. A fit continues when the browser or the app is closed.")
        return
    names = [job.name for job in known]
    shown = st.session_state.get(SHOWN)
    at = names.index(shown) if shown in names else 0
    # A choice among these fits, not a choice for good: what a browser still sends for the list of before is left alone.
    key = f"fits-{len(names)}-{names[0]}"
    st.session_state[SHOWN] = name = st.selectbox("Fit", names, index=at, key=key, format_func=_short)
    job = next(job for job in known if job.name == name)
    if job.state == "running":
        st.fragment(run_every=_EVERY)(_running)(job.name)
    else:
        _over(job)


def _short(name: str) -> str:
    time, _, rest = name.partition("-")
    return f"{rest.rpartition('-')[0]} ({time[9:11]}:{time[11:13]} UTC)"


def _running(name: str) -> None:
    """Where it stands, again and again; the whole page is drawn anew once it ends."""
    try:
        job = find_job(workspace().runs, name)
    except DataError:
        st.rerun()  # another browser removed it
    if job.state != "running":
        st.rerun()
    share, words = where(job.standing)
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    left.progress(share, text=text_of(words))
    if right.button("Cancel", icon=":material/cancel:", key="cancel", width="stretch"):
        job.cancel()
        st.rerun()
    _curves(job.history)


def where(standing: Standing | None) -> tuple[float, str]:
    """Share done of the stage, from 0 to 1, and a line about it."""
    if standing is None:
        return 0.0, "Reading the cohort"
    share = min(1.0, standing.done / standing.total) if standing.total else 0.0
    if standing.stage == "training":
        from cohortsmith.app.pipeline import duration

        left = "" if standing.seconds_left is None else f", {duration(standing.seconds_left)} left"
        return share, f"Training: step {standing.done:,} of {standing.total:,}{left}"
    if standing.stage == "sampling":
        return 1.0, f"Sampling {standing.total:,} virtual patients"
    what = standing.what.replace("_", " ")
    return share, f"Evaluating: {what}, {standing.done + 1} of {standing.total}"


def _curves(rows: Sequence[dict[str, float]]) -> None:
    pictures = curves.training(rows)
    if pictures.panels:
        draw(pictures, "fit-curves")


def _over(job: Job) -> None:
    """How it ended, and what can be done next."""
    state, icon = job.state, _ENDED[job.state]
    if state == "finished":
        st.success(f"Finished: {text_of(job.result)}", icon=icon)
        first, second, third = st.columns(3)
        for column, words, page in (
            (first, "View the samples", "samples.py"),
            (second, "View the scorecard", "scorecard.py"),
        ):
            if column.button(words, key=page, on_click=_choose, args=(job.result,), type="primary", width="stretch"):
                st.switch_page(page)
        _remove(third, job)
        folder = workspace().runs / job.result
        if folder.is_dir():
            _curves(history(folder))
        else:
            st.caption("Its folder has been removed.")
        return
    if state == "failed":
        st.error(text_of(job.error), icon=icon)
    elif state == "cancelled":
        st.warning("Cancelled.", icon=icon)
    else:
        st.warning("Stopped unexpectedly: it was killed, or the machine went down.", icon=icon)
    first, second, _ = st.columns(3)
    words = "Resume" if job.resumable else "Start again"
    if first.button(words, icon=":material/replay:", key="go-on", width="stretch"):
        try:
            job.go_on()
        except DataError as error:
            tell(error)
        else:
            st.rerun()
    _remove(second, job)
    with st.expander("Log"):
        st.code(job.log[-5000:] or "The log is empty.", language=None)
    _curves(job.history)


def _remove(place: st.delta_generator.DeltaGenerator, job: Job) -> None:
    """Results of a finished fit stay: only its line here goes."""
    if place.button("Remove from this list", icon=":material/delete:", key="forget", width="stretch"):
        job.forget()
        st.rerun()


def _choose(name: str) -> None:
    st.session_state[CHOSEN] = name
