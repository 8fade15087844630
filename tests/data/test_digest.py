"""The digest of a cohort: what it depends on, and that files keep it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.data import read_cohort, simulate, write_cohort

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("suffix", [".csv", ".tsv.gz", ".parquet", ".h5ad"])
def test_the_sign_of_zero_does_not_change_it_whatever_the_file(tmp_path: Path, suffix: str) -> None:
    cohort = simulate("simulated-expression", 20, seed=0, genes=4, classes=2)
    x = cohort.x.copy()
    x[:, 1], x[0, 2] = np.float32(-0.0), np.float32(-0.0)
    negative, positive = replace(cohort, x=x), replace(cohort, x=np.abs(x))
    assert negative.digest() == positive.digest() != cohort.digest()
    write_cohort(negative, tmp_path / f"some{suffix}")
    assert read_cohort(tmp_path / f"some{suffix}", scale=cohort.scale).digest() == negative.digest()
