from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from data import Cohort, simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@pytest.fixture
def simulated() -> Cohort:
    return simulate("simulated-expression", 60, seed=0, genes=20)


@pytest.fixture
def real_folder() -> Path:
    """The expression files of COHORTSMITH_DATA."""
    folder = os.environ.get("COHORTSMITH_DATA")
    if not folder or not (Path(folder) / "expression").is_dir():
        pytest.skip("skipped: no data")
    return Path(folder) / "expression"


@pytest.fixture
def paired() -> Cohort:
    """80 patients, tumour and normal tissue of each: every patient has samples of two classes."""
    rng = np.random.default_rng(0)
    return make_cohort(
        rng.normal(size=(160, 5)).astype(np.float32),
        ["BRCA tumour", "BRCA normal"] * 60 + ["OV tumour", "OV normal"] * 20,
        subjects=[f"patient{i // 2}" for i in range(160)],
    )


def make_cohort(x: NDArray[np.float32], labels: list[str], subjects: list[str] | None = None) -> Cohort:
    classes, y = np.unique(np.asarray(labels), return_inverse=True)
    ids = pd.Index([f"s{i}" for i in range(len(x))], name="sample_id", dtype=object)
    return Cohort(
        kind="expression",
        x=x,
        y=y.astype(np.int64),
        classes=tuple(classes.tolist()),
        features=tuple(f"g{i}" for i in range(x.shape[1])),
        subjects=np.asarray(ids if subjects is None else subjects, dtype=np.str_),
        obs=pd.DataFrame(index=ids),
        provenance={"scale": "log", "label": "label", "subject": None if subjects is None else "patient"},
    )


@pytest.fixture(name="make_cohort")
def make_cohort_fixture() -> Callable[..., Cohort]:
    return make_cohort
