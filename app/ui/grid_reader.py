"""Results of a grid of classifiers, read once for the pages that show them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from cohortsmith.app.workspace import fingerprint

if TYPE_CHECKING:
    from cohortsmith.evaluation.study import Results

RESULTS = "results.parquet"


def results_of(folder: Path) -> Results:
    """Results in the folder of a grid.

    Raises:
        DataError: grid.json cannot be read, or the table is not one of a grid.
        OSError, ValueError, KeyError: the table cannot be read.
    """
    return _results(str(folder), fingerprint(folder))


# Results are a value with cached properties, so sessions share them.
@st.cache_resource(show_spinner="Reading the grid", max_entries=4)
def _results(folder: str, _key: str) -> Results:
    import pandas as pd

    from cohortsmith.app.grid import WEIGHTED
    from cohortsmith.app.workspace import read_json
    from cohortsmith.evaluation.study import Results

    rows = pd.read_parquet(Path(folder) / RESULTS)
    grid = read_json(Path(folder) / "grid.json")
    fusions = [f"{name}{suffix}" for name in grid.get("fusions") or {} for suffix in ("", WEIGHTED)]
    return Results.of(rows, fusions, grid.get("metric", "accuracy"))
