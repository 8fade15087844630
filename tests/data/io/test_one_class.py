"""Cohorts of one class, or of none: most cohorts of one disease have no classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata
import numpy as np
import pytest

from cohortsmith.data import DataError, read_cohort

if TYPE_CHECKING:
    from pathlib import Path

GENES = ",".join(f"G{gene}" for gene in range(6))


def table(path: Path, n: int, label: str = "", more: str = "", seed: int = 0) -> Path:
    """A CSV of n patients with a label column of one value, or none, and another column."""
    rng = np.random.default_rng(seed)
    head = ",".join(["sample_id", *(["label"] if label else []), *(["site"] if more else []), GENES])
    rows = [
        ",".join([f"{path.stem}{row}", *([label] if label else []), *([more[row % 2]] if more else []), *values])
        for row, values in enumerate(np.round(rng.normal(8, 2, (n, 6)), 3).astype(str))
    ]
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


@pytest.mark.parametrize(("label", "name"), [("", "all"), ("case", "case")])
def test_one_class_is_read_and_told(tmp_path: Path, label: str, name: str) -> None:
    with pytest.warns(UserWarning, match=f"all samples are of one class, '{name}'"):
        cohort = read_cohort(table(tmp_path / "a.csv", 30, label))
    assert cohort.classes == (name,)
    assert set(cohort.y) == {0}


def test_where_a_column_could_be_the_label_it_is_asked_for(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", 30, more="xy")
    with pytest.raises(DataError, match=r"possible columns: site.*--label none"):
        read_cohort(path)
    assert read_cohort(path, label="site").classes == ("x", "y")
    with pytest.warns(UserWarning, match="one class, 'all'"):
        cohort = read_cohort(path, label="none")
    assert cohort.classes == ("all",)
    assert list(cohort.obs["site"][:2]) == ["x", "y"]


def test_ages_are_no_classes_and_codes_may_be(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    file = anndata.AnnData(rng.normal(8, 2, (60, 6)).astype(np.float32))
    file.obs["age"] = rng.integers(30, 60, 60)
    with pytest.warns(UserWarning, match="one class, 'all'"):
        cohort = read_cohort(file)
    assert "age" in cohort.obs
    file.obs["arm"] = rng.integers(0, 2, 60)
    with pytest.raises(DataError, match="possible columns: arm;"):
        read_cohort(file)


def test_sequences_without_classes(tmp_path: Path) -> None:
    path = tmp_path / "a.fasta"
    path.write_text("".join(f">s{row}\nACGTACGT{'AC'[row % 2]}T\n" for row in range(30)))
    with pytest.raises(DataError, match="no label"):
        read_cohort(path)
    with pytest.warns(UserWarning, match="one class, 'all'"):
        assert read_cohort(path, label="none").classes == ("all",)
