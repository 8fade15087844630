"""Covariates: which columns are covariates by name, and the types they are stored in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

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
# Columns that are covariates by their name (any letter case), even when they hold numbers.
COVARIATES = (
    "age", "batch", "cohort", "er", "event", "gender", "grade", "machine", "race", "sex", "site", "size", "split",
    "stage", "status", "study", "subtype", "time", "tissue",
)  # fmt: skip
OBS_PREFIX = "obs:"  # `obs:dose` is the covariate `dose` whatever its values; the CSV writer adds the prefix


def is_covariate(name: str) -> bool:
    """Whether a column is a covariate by its name alone."""
    return name.startswith(OBS_PREFIX) or name.casefold() in COVARIATES


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
    text = column.astype(object).map(str, na_action="ignore").astype(object)
    missing |= text.isin(MISSING)
    return text.where(~missing, np.nan) if not missing.all() else pd.Series(np.nan, index=column.index, dtype="float64")


def typed(values: list[str | None]) -> Any:
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
