"""Patients, not sequences, are counted; columns that only a single patient needs are not learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data import Cohort
from cohortsmith.generators import load, make_generator
from cohortsmith.generators.sequences.carriers import carrier_counts, without_rare_insertions
from cohortsmith.generators.sequences.sites import Sites

if TYPE_CHECKING:
    from pathlib import Path


def cohort(having: int, sequences: int = 1) -> Cohort:
    """Forty sequences of thirty bases, with an inserted base in the first `having` of them, `sequences` a patient."""
    x = np.tile(np.array([0, 1, 2, 3, 0, 4, 1, 2, 3, 0] * 3, np.uint8), (40, 1))
    x[:, [15, 25]] = 0
    x[:having, 5] = 3
    x[:having, 8] = 1
    columns = (*(str(p) for p in range(1, 6)), "5+1", *(str(p) for p in range(6, 30)))
    names = np.array([f"s{row}" for row in range(40)])
    subjects = np.array([f"p{row // sequences}" for row in range(40)])
    y = (np.arange(40) % 2).astype(np.int64)
    about = {"reference": "", "label": "label"}
    return Cohort("sequence", x, y, ("a", "b"), columns, subjects, pd.DataFrame(index=pd.Index(names)), about)


def test_a_patient_counts_once() -> None:
    assert carrier_counts(cohort(6).x, cohort(6).subjects)[3, 5] == 6
    twice = cohort(6, sequences=2)
    assert carrier_counts(twice.x, twice.subjects)[3, 5] == 3
    odd = cohort(5, sequences=2)
    assert carrier_counts(odd.x, odd.subjects)[3, 5] == 3


def test_six_sequences_of_two_patients_tell_no_place() -> None:
    assert len(Sites.fit(cohort(6), 3).common) == 2
    assert len(Sites.fit(cohort(6, sequences=3), 3).common) == 0
    assert np.exp(Sites.fit(cohort(6, sequences=3), 3).log_rates[:, 1, 8]).max() < 0.05


@pytest.mark.parametrize(("having", "kept"), [(2, False), (3, True)])
def test_an_inserted_column_of_too_few_patients_goes(having: int, kept: bool) -> None:
    assert ("5+1" in without_rare_insertions(cohort(having), 3).features) is kept
    assert "5+1" not in without_rare_insertions(cohort(9, sequences=9), 3).features


@pytest.mark.parametrize("family", ["gan", "wgan", "vae", "diffusion", "random-edits"])
def test_no_saved_name_tells_of_one_patients_insertion(family: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {} if family == "random-edits" else {"steps": 3, "width": 16, "depth": 1}
    model = make_generator(family, **settings).fit(cohort(2), seed=0)
    model.save(tmp_path / "model")
    assert "5+1" not in (tmp_path / "model/model.json").read_text()
    sample = load(tmp_path / "model").sample(8)
    assert sample.features == tuple(str(p) for p in range(1, 30))
    assert sample.x.shape == (8, 29)
