"""What the views of samples share: the cohorts of chosen classes, and how a view is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from cohortsmith.app.ui import comparison
from cohortsmith.evaluation import Comparison

if TYPE_CHECKING:
    from cohortsmith.data import Cohort

# Draws the comparison of a folder's run, as its fingerprint knows it, of these classes.
View = Callable[[Comparison, Path, str, tuple[str, ...]], None]


@st.cache_resource(show_spinner=False, max_entries=4)
def subset(folder: str, _key: str, shown: tuple[str, ...]) -> Comparison:
    """Real and virtual patients of some classes."""
    whole = comparison(Path(folder))
    present = {name for side in (whole.train, whole.synthetic) for name, n in side.class_counts().items() if n}
    if present <= set(shown):
        return whole
    wanted = [whole.classes.index(name) for name in shown if name in whole.classes]

    def some(cohort: Cohort) -> Cohort:
        return cohort.take(np.flatnonzero(np.isin(cohort.y, wanted)))

    return Comparison(some(whole.train), some(whole.holdout), some(whole.synthetic), image_models=whole.image_models)
