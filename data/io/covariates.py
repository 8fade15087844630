"""Covariates: which columns are covariates by name, and the types they are stored in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.column_names import plain_name

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING = (
    "",
    "#N/A",
    "N/A",
    "NA",
    "NULL",
    "NaN",
    "None",
    "n/a",
    "nan",
    "null",
)  # texts for a missing value, in any format
# Columns that are covariates by their name (as `plain_name` has it), even when they hold numbers.
COVARIATES = (
    "age", "alive", "alcohol", "batch", "bmi", "center", "centre", "cluster", "cluster_id", "cohort", "date", "day",
    "days", "dead", "death", "diagnosis", "disease", "dose", "doublet_score", "dss", "ecog", "ecog_ps", "er",
    "ethnicity", "event", "follow_up", "followup", "gender", "gleason", "gleason_score", "grade", "group", "height",
    "her2_status", "histology", "karnofsky", "kps", "lane", "leiden", "library_size", "louvain", "lymph_nodes",
    "m_stage", "machine", "menopause", "month", "months", "n_counts", "n_genes", "n_genes_by_counts", "n_stage",
    "ncount_rna", "nfeature_rna", "nodes", "os", "os_event", "os_time", "pack_years", "pct_counts_mt", "percent_mito",
    "percent_mt", "pfi", "pfs", "plate", "progression", "purity", "race", "recurrence", "relapse", "replicate",
    "response", "rfs", "rin", "score", "sex", "site", "size", "smoker", "smoking", "split", "stage", "status",
    "study", "subtype", "survival", "t_stage", "therapy", "time", "timepoint", "time_point", "tissue", "total_counts",
    "treatment", "tumor_purity", "tumor_size", "tumour_size", "visit", "vital_status", "week", "weeks", "weight",
    "year", "years",
)  # fmt: skip
_KNOWN = frozenset(COVARIATES)
_CLINICAL = re.compile(
    r"(days|months|years|weeks|hours|time)_(to|since|from|until)_\w+|(age|date|year|day)_(at|of)_\w+"
    r"|\w+_(age|date|days|months|years|weeks|time|status|stage|grade|event|kg|cm|mm)"
)
OBS_PREFIX = "obs:"  # `obs:dose` is the covariate `dose` whatever its values; the CSV writer adds the prefix
TEXT_PREFIX = "text:"  # `text:zip` is the covariate `zip` and its values are text, though all look like numbers


def is_covariate(name: str) -> bool:
    """Whether a column is a covariate by its name alone."""
    plain = plain_name(name)
    if plain in _KNOWN or name.startswith((OBS_PREFIX, TEXT_PREFIX)):
        return True
    return "_" in plain and _CLINICAL.fullmatch(plain) is not None


def tidy(obs: pd.DataFrame) -> pd.DataFrame:
    """Covariates in four types that every format preserves: float64, int64, bool, and str with NaN for missing."""
    columns = {str(name): _plain(obs.iloc[:, i]) for i, name in enumerate(obs.columns)}
    return pd.DataFrame(columns, index=obs.index)


def _plain(column: pd.Series[Any]) -> pd.Series[Any]:
    missing = column.isna()
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype if not missing.any() else object)
    if pd.api.types.is_bool_dtype(column.dtype) and not missing.any():
        return column.astype(bool)
    if pd.api.types.is_integer_dtype(column.dtype) and not missing.any():
        return column.astype("int64")
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return column.astype("float64")
    if missing.all():
        return pd.Series(np.nan, index=column.index, dtype="float64")
    text = column.astype(object).map(_text, na_action="ignore").astype(object)
    missing |= text.isin(MISSING)
    return text.where(~missing, np.nan) if not missing.all() else pd.Series(np.nan, index=column.index, dtype="float64")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise DataError("a column holds bytes that are no UTF-8 text; write it as text") from None
    return str(value)


def looks_typed(text: str) -> bool:
    """Whether a text table may read a text as something else than text: a number, a date, a time, yes or no."""
    return not text[:1].isalpha() or text.casefold() in ("true", "false", "inf", "infinity", "nan")


def typed(values: Sequence[str | None]) -> Any:
    """Texts as integers, floats or booleans where all of them parse, else unchanged; None is missing."""
    given = [value for value in values if value is not None]
    whole = len(given) == len(values)
    if whole and set(given) <= {"True", "False"}:
        return np.asarray([value == "True" for value in given])
    for kind in (int, float) if whole else (float,):
        try:
            if all(repr(kind(value)) == value for value in given):  # 007 is a name, not a number
                return np.asarray([np.nan if value is None else kind(value) for value in values], dtype=kind)
        except ValueError:
            continue
    return np.asarray(values, dtype=object)


def parsed_values(texts: Sequence[str | None]) -> Any:
    """Texts of other people's tables as numbers where all that are given are numbers and none is a code such as 007.

    Missing ones are None, an empty text, or one of `MISSING`.
    """
    values = [None if text is None or text.strip() in MISSING else text.strip() for text in texts]
    given = [value for value in values if value is not None]
    if any(len(value) > 1 and value[0] == "0" and value.isdecimal() for value in given):
        return np.asarray(values, dtype=object)
    for kind in (int, float) if len(given) == len(values) else (float,):
        try:
            return np.asarray([np.nan if value is None else kind(value) for value in values])
        except (ValueError, OverflowError):
            continue
    return np.asarray(values, dtype=object)
