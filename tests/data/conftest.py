from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data import Cohort, encode, simulate
from cohortsmith.data.nucleotides import GAP, MASKED
from cohortsmith.data.sequences.columns import numbered
from cohortsmith.data.sequences.reference import TP53

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@pytest.fixture
def simulated() -> Cohort:
    return simulate("simulated-expression", 60, seed=0, genes=20)


@pytest.fixture
def windows() -> Cohort:
    """60 windows of the TP53 reference with substitutions, on two inserted columns beside the positions."""
    rng = np.random.default_rng(0)
    window = encode(TP53.span(97, 1375))
    x = np.repeat(np.insert(window, 204, [GAP, GAP])[None], 60, axis=0)
    at = rng.integers(0, 1281, (60, 2))
    x[np.arange(60)[:, None], at] = rng.integers(0, 4, (60, 2))
    x[5, 204:206] = encode("TA")
    x[6, 300:304] = GAP
    x[7, 20] = MASKED
    ids = pd.Index([f"P{i:03d}" for i in range(60)], dtype=object, name="sample_id")
    obs = pd.DataFrame(index=ids)
    obs["site"] = np.where(at[:, 0] % 2, "lung", "colon and rectum")
    obs["site"] = obs["site"].astype(object)
    obs["age"], obs["smoker"] = 40.5 + np.arange(60), at[:, 0] > 9
    obs["stage"] = pd.Series(["007", np.nan] * 30, index=ids, dtype=object)
    return Cohort(
        kind="sequence", x=x, y=np.arange(60) % 2, classes=("mutated", "wild type"),
        features=(*numbered(204, 97), "300+1", "300+2", *numbered(1075, 301)),
        subjects=np.asarray([f"patient {i // 2}" for i in range(60)]), obs=obs,
        provenance={"label": "label", "subject": "subject", "reference": TP53.name, "masked": 1},
    )  # fmt: skip


@pytest.fixture(name="fasta")
def fasta_fixture() -> Callable[..., Path]:
    return write_fasta


def write_fasta(path: Path, records: dict[str, str] | list[tuple[str, str]]) -> Path:
    pairs = records.items() if isinstance(records, dict) else records
    text = "".join(f">{header}\n{letters}\n" for header, letters in pairs).encode()
    path.write_bytes(gzip.compress(text) if path.name.endswith(".gz") else text)
    return path


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
