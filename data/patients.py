"""Names of patients: one spelling for one patient, and the patients that two cohorts share."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_DECIMAL = re.compile(r"([+-]?\d+)\.0*")


def spelled(values: pd.Series[Any]) -> NDArray[np.str_]:
    """Names of patients as text (n,): whole numbers without a decimal point, text without outer blanks.

    One column holds 1001 where all patients are named and 1001.0 where one is not; both are the patient 1001.
    """
    if pd.api.types.is_float_dtype(values.dtype):
        numbers = values.to_numpy(dtype=np.float64)
        whole = np.isfinite(numbers) & (numbers == np.rint(numbers))
        texts = [f"{v:.0f}" if is_whole else repr(float(v)) for v, is_whole in zip(numbers, whole, strict=True)]
        return np.asarray(texts, dtype=np.str_)
    return np.asarray([_plain(str(value)) for value in values], dtype=np.str_)


def keys_of(names: Iterable[Any]) -> NDArray[np.str_]:
    """What names of patients are compared by across files (n,).

    Letter case, blanks, forms of one letter, leading zeros of a number and a decimal point of a whole number are the
    doings of programs that wrote a file: they tell no two people apart.
    """
    return np.asarray([_key(str(name)) for name in names], dtype=np.str_)


def shared_patients(one: Iterable[Any], other: Iterable[Any]) -> NDArray[np.str_]:
    """Keys of the patients whose names stand in both."""
    return np.intersect1d(keys_of(one), keys_of(other))


def _plain(name: str) -> str:
    name = name.strip()
    decimal = _DECIMAL.fullmatch(name)
    return decimal[1] if decimal else name


def _key(name: str) -> str:
    name = "".join(_plain(unicodedata.normalize("NFKC", name)).split()).casefold()
    return name.lstrip("0") or "0" if name.isdecimal() else name
