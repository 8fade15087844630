"""Page Generate: family and profile, classes and counts, and the fit, which runs in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from cohortsmith.app.config import Experiment, GeneratorPart, SamplePart, parse_settings, require_name
from cohortsmith.app.pipeline import balancing_counts
from cohortsmith.app.ui import SHOWN, class_bars, fits, tell, text_of, workspace
from cohortsmith.app.ui import cohort_choice as choice
from cohortsmith.app.workspace import safe_name
from cohortsmith.data import DataError
from cohortsmith.data.io import stem_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.data import Cohort

FULL, QUICK = "default", "quick test"
QUICK_STEPS = 300
_PROFILES = {FULL: "auto", "for a CPU": "cpu", "for a GPU": "gpu"}  # of a data kind that has two
ABOUT = {
    "gan": "Generator against discriminator; the discriminator's scores and the Jensen-Shannon divergence are shown.",
    "wgan": "A critic estimates the Wasserstein distance, with a gradient penalty.",
    "vae": "Latent codes from which patients are reconstructed, with a prior fitted to them; fast and stable.",
    "diffusion": "Noise is removed step by step; the highest fidelity of the deep families, and the slowest to sample.",
    "mvn": "One Gaussian per class: no training, and hard to beat on expression data.",
    "bootstrap": "Resampled patients: must fail privacy. For comparison only.",
    "marginals": "Independent genes: must fail fidelity. For comparison only.",
    "vlmc": "Symbols given the longest stretch before them that patients share: keeps the linkage of haplotypes.",
    "pwm": "Position weight matrix: independent positions per class.",
    "random-edits": "The wild type with substitutions at random: must fail fidelity. For comparison only.",
    "good-turing": "Observed edits, and new ones at the rate of the Good-Turing estimate.",
}
COUNTS, EDITED = "counts", "counts-edited"


def family_of(kind: str) -> tuple[str, dict[str, Any]]:
    """The family chosen, and its settings as far as a person states them."""
    with st.spinner("Loading the generators"):
        from cohortsmith.app.pipeline import DEFAULT_FAMILIES
        from cohortsmith.generators import FAMILIES
    names = [name for name in DEFAULT_FAMILIES[kind] if name in FAMILIES]
    left, right = st.columns(2)
    family = left.selectbox("Family", names, index=names.index("diffusion"), key=f"family-{kind}")
    left.caption(text_of(ABOUT.get(family, "")))
    known = FAMILIES[family].setting_names(kind)
    settings: dict[str, Any] = {}
    profiles = [*(_PROFILES if "profile" in known else [FULL]), *([QUICK] if "steps" in known else [])]
    profile = right.selectbox("Profile", profiles, key=f"profile-{family}", disabled=len(profiles) == 1)
    if profile == QUICK:
        settings["steps"] = QUICK_STEPS
        right.caption(f"{QUICK_STEPS} steps: to check that everything works, not for results.")
    elif "profile" in known and profile != FULL:
        settings["profile"] = _PROFILES[profile]
    with st.expander("Further settings", icon=":material/tune:"):
        text = st.text_area(
            "One per line: setting = value", key=f"settings-{family}", placeholder="steps = 2000", height=100
        )
        st.caption("Settings of this family: " + text_of(", ".join(known) or "none") + ".")
    settings |= parse_settings([line.strip() for line in text.splitlines() if line.strip()])
    return family, settings


def counts_of(train: Cohort) -> dict[str, int]:
    """Virtual patients of each class, edited in a table, with the classes before and after beside it."""
    real = {name: count for name, count in train.class_counts().items() if count}
    mine = (train.digest(), tuple(real.items()))
    if st.session_state.get(COUNTS, (None,))[0] != mine:
        st.session_state[COUNTS] = (mine, dict(real), 0)
    _, counts, version = st.session_state[COUNTS]
    st.subheader("Patients per class")
    first, second, third, _ = st.columns([1, 1, 1, 2])
    hundred = dict.fromkeys(real, 100)
    first.button("Same as real", key="as-real", width="stretch", on_click=_set, args=(mine, dict(real)))
    second.button(
        "Balance",
        key="balance",
        icon=":material/balance:",
        width="stretch",
        help="Adds virtual patients until every class is as large as the largest one.",
        on_click=_balance,
        args=(mine, real),
    )
    third.button("100 per class", key="hundred", width="stretch", on_click=_set, args=(mine, hundred))
    table = pd.DataFrame({"class": list(real), "real": list(real.values()), "virtual": [counts[c] for c in real]})
    left, middle, right = st.columns([4, 4, 4], gap="medium")
    with left:
        edited = st.data_editor(
            table,
            hide_index=True,
            disabled=["class", "real"],
            column_config={"virtual": st.column_config.NumberColumn("virtual", min_value=0, step=1, required=True)},
            key=f"{EDITED}-{version}",
            height=min(420, 35 * (len(real) + 1) + 3),
        )
    asked = {str(name): int(count) for name, count in zip(edited["class"], edited["virtual"].fillna(0), strict=True)}
    longest = max(real[c] + asked.get(c, 0) for c in real)
    classes = list(train.classes)
    with middle:
        st.markdown("**Before:** real patients in train")
        class_bars(classes, ("real", real), ("virtual", {}), "before", longest=longest, named=False)
    with right:
        st.markdown("**After:** with virtual patients, striped")
        class_bars(classes, ("real", real), ("virtual", asked), "after", longest=longest, named=False)
    return asked


def _set(mine: Any, counts: Mapping[str, int]) -> None:
    """Take over counts; the table is a new one, for an old one keeps what was typed into it."""
    st.session_state[COUNTS] = (mine, dict(counts), st.session_state[COUNTS][2] + 1)


def _balance(mine: Any, real: Mapping[str, int]) -> None:
    try:
        _set(mine, dict.fromkeys(real, 0) | balancing_counts(real))
    except DataError:
        st.toast("The classes are already balanced: nothing to add.", icon=":material/balance:")


def start_button(family: str, settings: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """Name, and the start of the fit."""
    from cohortsmith.app.background import start_fit
    from cohortsmith.app.pipeline import check

    part, seed = choice.part(), choice.seed()
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    name = left.text_input("Name", f"{_stem(part.cohort)}-{family}", key=f"name-{part.cohort}-{family}")
    if not right.button("Start", type="primary", icon=":material/play_arrow:", key="start", width="stretch"):
        return
    try:
        require_name(name, "Name")
        if not any(counts.values()):
            raise DataError("no virtual patient is asked for; write a number into the table")
        wanted = {label: count for label, count in counts.items() if count}
        experiment = Experiment(
            data=part,
            generator=GeneratorPart(family, dict(settings)),
            name=name,
            seed=seed,
            sample=SamplePart(counts=wanted),
        )
        check(experiment)
        job = start_fit(experiment, workspace().runs)
    except (DataError, OSError) as error:
        tell(error)
        return
    st.session_state[SHOWN] = job.name
    st.rerun()


def _stem(cohort: str) -> str:
    name = cohort.replace("\\", "/").rsplit("/", 1)[-1]
    try:
        return safe_name(stem_of(name))
    except DataError:
        return safe_name(name)


def show() -> None:
    """The page."""
    st.title("Generate")
    part = choice.part()
    try:
        cohort = choice.cohort_of(part)
        sides = choice.sides_of(part, choice.seed())
    except (DataError, OSError) as error:
        tell(error)
        st.caption("Choose another cohort, or how it is read, on the page Cohorts.")
    else:
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.markdown(
            f"Cohort **{text_of(_stem(part.cohort))}**: train {len(sides.train):,} samples, "
            f"holdout {len(sides.holdout):,}."
        )
        if right.button("Change cohort", icon=":material/groups:", key="to-cohorts", width="stretch"):
            st.switch_page("cohorts.py")
        try:
            family, settings = family_of(cohort.kind)
        except DataError as error:
            tell(error)
        else:
            start_button(family, settings, counts_of(sides.train))
    st.divider()
    st.subheader("Fits")
    fits()


show()
