"""Page Cohorts: choose or upload patients, describe them, and split off the holdout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from cohortsmith.app.config import DataPart, checked
from cohortsmith.app.ui import (
    choose,
    class_bars,
    cohort_of,
    demo,
    facts,
    forget,
    part,
    seed,
    sides_of,
    tell,
    text_of,
    workspace,
)
from cohortsmith.app.workspace import LARGEST_UPLOAD, width_of
from cohortsmith.data import DataError
from cohortsmith.data.io import SUFFIXES, kind_of_file
from cohortsmith.data.kinds import EXPRESSION, IMAGE, SEQUENCE
from cohortsmith.data.named import named_sets
from cohortsmith.data.splits import SPLIT

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from cohortsmith.data import Cohort

NAMED, UPLOAD, BEFORE = "Named set", "Upload a file", "Earlier upload"
_FORMATS = "h5ad, csv, tsv, parquet; fasta, gb; npz; text also gz"
_TOLD = ("kind", "samples", "patients", "features", "classes", "covariates", "digest")  # shown in places of their own
_WORDS = {
    "exact_duplicates": "Exact duplicates, pairs",
    "near_duplicates": "Near duplicates, pairs",
    "in_train_and_test": "In both train and test of the file",
    "zeros": "Zero values",
}


def source() -> tuple[str, str] | None:
    """Cohort as an experiment names it, and its data kind; None where none was chosen yet."""
    place = workspace()
    earlier = {place.named(str(path)): path for path in place.uploads()}
    known = part().cohort
    ways = [NAMED, UPLOAD, *([BEFORE] if earlier else [])]
    way = st.segmented_control(
        "Source", ways, default=BEFORE if known in earlier else NAMED, key="cohort-way", required=True
    )
    if way == UPLOAD:
        return _uploaded()
    if way == BEFORE:
        names = list(earlier)
        chosen = st.selectbox(
            "File",
            names,
            index=names.index(known) if known in earlier else 0,
            format_func=lambda name: earlier[name].name,
            key="cohort-before",
        )
        if st.button("Delete this file", icon=":material/delete:", key="cohort-delete"):
            place.delete_upload(earlier[chosen])
            forget()
            st.rerun()
        return chosen, kind_of_file(earlier[chosen])
    sets = {found.name: found for found in named_sets()}
    names = list(sets)
    start = names.index(known) if known in sets else names.index(demo())
    name = st.selectbox("Set", names, index=start, key="cohort-named")
    st.caption(f"{text_of(sets[name].description)}. Terms: {text_of(sets[name].licence)}.")
    return name, sets[name].kind


def _uploaded() -> tuple[str, str] | None:
    suffixes = [suffix.rsplit(".", 1)[-1] for group in SUFFIXES.values() for suffix in group]
    file = st.file_uploader(
        f"A file with patients, {LARGEST_UPLOAD} MB at most ({_FORMATS})",
        type=list(dict.fromkeys(suffixes)),
        max_upload_size=LARGEST_UPLOAD,
        key="cohort-upload",
        help="The file stays on this machine, in the folder of runs, under .uploads.",
    )
    if file is None:
        st.info(
            "Tables have one sample per row and a column `label`; sequences have `label=CLASS` in each header. Under "
            "Reading and splitting another column is named, or none where there are no classes."
        )
        return None
    place = workspace()
    path = place.keep_upload(file.name, file.getvalue())
    return place.named(str(path)), kind_of_file(path)


def reading(name: str, kind: str) -> tuple[DataPart, int]:
    """How the file is read, as far as a person states it, and split: with its seed."""
    known = part()
    begin = known if known.cohort == name else DataPart(cohort=name)
    with st.expander("Reading and splitting", icon=":material/tune:"):
        left, middle, right = st.columns(3)
        values: dict[str, Any] = {
            "label": left.text_input("Class", begin.label or "", placeholder="label", help="Its column, or none"),
            "subject": middle.text_input(
                "Patient", begin.subject or "", placeholder="detected by name, else one patient per sample",
                help="Column with the patient: samples of one patient are never split between train and holdout.",
            ),
        }  # fmt: skip
        values |= OPTIONS[kind](begin, right) if kind in OPTIONS else {}
        first, second = st.columns(2)
        values["holdout"] = first.slider(
            "Holdout", 0.1, 0.5, begin.holdout, 0.05, help="Share of the patients that no generator sees."
        )
        split_seed = int(second.number_input("Seed of the split", 0, 10**6, seed()))
    return checked(DataPart, cohort=name, **{key: value for key, value in values.items() if value != ""}), split_seed


def _expression_options(begin: DataPart, right: DeltaGenerator) -> dict[str, Any]:
    scales = ["detected", "counts", "linear", "log"]
    scale = right.selectbox("Scale", scales, index=scales.index(begin.scale or "detected"))
    columns = st.text_input("Numeric columns that are not genes", ", ".join(begin.covariates), placeholder="age, size")
    return {
        "scale": None if scale == "detected" else scale,
        "covariates": [word.strip() for word in columns.split(",") if word.strip()],
        "impute": st.checkbox("Fill missing values with the gene's median", begin.impute),
    }


def _sequence_options(begin: DataPart, right: DeltaGenerator) -> dict[str, Any]:
    reference = right.text_input("Reference", begin.reference or "", placeholder="none")
    pattern = st.text_input(
        "Pattern of the class in the header", begin.label_pattern or "", placeholder=r"\|(MUT|WT)\|"
    )
    return {"reference": reference, "label_pattern": pattern}


def _image_options(begin: DataPart, right: DeltaGenerator) -> dict[str, Any]:
    return {"resize": 28 if right.checkbox("Resize to 28 x 28", begin.resize == 28) else None}


OPTIONS = {EXPRESSION: _expression_options, SEQUENCE: _sequence_options, IMAGE: _image_options}
"""What a person states of a file of each data kind, with its widgets."""


def show_cohort(cohort: Cohort, chosen: DataPart, split_seed: int) -> None:
    """Sizes, classes in train and holdout, and everything that `cohortsmith data describe` reports."""
    width = width_of(cohort)
    figures = {
        "Kind": cohort.kind,
        "Patients": f"{len(set(cohort.subjects.tolist())):,}",
        "Samples": f"{len(cohort):,}",
        cohort.about.features.capitalize(): f"{width:,}" if isinstance(width, int) else width,
        "Classes": str(sum(count > 0 for count in cohort.class_counts().values())),
    }
    for column, (name, value) in zip(st.columns(len(figures)), figures.items(), strict=True):
        column.metric(name, value)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("Classes in train and holdout")
        try:
            sides = sides_of(chosen, split_seed)
        except DataError as error:
            tell(error)
        else:
            fitted, held = (side.class_counts() for side in sides)
            class_bars(cohort.classes, ("train", fitted), ("holdout", held), "classes")
            own = " The file's own split is kept." if cohort.about.own_split and SPLIT in cohort.obs else ""
            st.caption(
                f"Train: {len(sides.train):,} samples. Holdout: {len(sides.holdout):,} samples that no generator sees, "
                f"against which every metric is read.{own}"
            )
    with right:
        st.subheader("Description")
        found = facts(chosen)
        rows = {key: value for key, value in found.items() if key not in (*_TOLD, "warnings")}
        table = [(_WORDS.get(k, k.replace("_", " ").capitalize()), text_of(_value(v))) for k, v in rows.items()]
        st.table(pd.DataFrame(table), hide_index=True, hide_header=True)
        for line in found.get("warnings", ()):
            st.warning(text_of(line), icon=":material/warning:")
        pairs = int(found.get("exact_duplicates", 0)) + int(found.get("near_duplicates", 0))
        if pairs:
            st.warning(
                f"{pairs:,} pairs of samples are exact or near duplicates: a duplicate on both sides of the split "
                "looks "
                "like a leak of the generator.",
                icon=":material/content_copy:",
            )
    if len(cohort.obs.columns):
        st.subheader("Covariates")
        about = [
            (str(name), _type(values), int(values.nunique()), int(values.isna().sum()))
            for name, values in cohort.obs.items()
        ]
        st.dataframe(pd.DataFrame(about, columns=["covariate", "type", "distinct values", "missing"]), hide_index=True)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)


def _type(values: pd.Series[Any]) -> str:
    return "number" if pd.api.types.is_numeric_dtype(values) else "text"


def show() -> None:
    """The page."""
    st.title("Cohorts")
    st.caption("Real patients to fit a generator on. They stay on this machine.")
    try:
        found = source()
        if found is None:
            return
        chosen, split_seed = reading(*found)
        cohort = cohort_of(chosen)
    except (DataError, OSError) as error:
        tell(error)
        return
    choose(chosen, split_seed)
    show_cohort(cohort, chosen, split_seed)
    st.divider()
    if st.button("Fit a generator on this cohort", type="primary", icon=":material/model_training:", key="to-generate"):
        st.switch_page("generate.py")


show()
