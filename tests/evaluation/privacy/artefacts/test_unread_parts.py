"""What a file holds beside the cohort that is read of it is named, and fails the scan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cohortsmith.data import Cohort, simulate, write_cohort
from cohortsmith.evaluation.privacy.artefacts.scanner import scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def expression(n: int, seed: int) -> Cohort:
    return simulate("simulated-expression", n, seed=seed, genes=12, classes=2)


def virtual(cohort: Cohort) -> Cohort:
    """The cohort under ids that are nobody's."""
    ids = [f"virtual-{row}" for row in range(len(cohort))]
    return replace(cohort, subjects=np.asarray(ids), obs=pd.DataFrame(index=pd.Index(ids)))


def failures(path: Path, train: Cohort) -> list[str]:
    return [f"{one.where}: {one.what}" for one in scan(path, train) if one.severity == "fail"]


def in_layers(file: Any) -> None:
    file.layers["private"] = file.X * 2


def in_raw(file: Any) -> None:
    file.raw = file.copy()


def in_obsm(file: Any) -> None:
    file.obsm["X_pca"] = np.zeros((len(file), 2))


def in_uns(file: Any) -> None:
    file.uns["patients"] = np.arange(3)


def in_var(file: Any) -> None:
    file.var["mean"] = 0.5


@pytest.mark.parametrize(
    ("put", "named"),
    [
        (in_layers, "layers/private"),
        (in_raw, "raw"),
        (in_obsm, "obsm/X_pca"),
        (in_uns, "uns/patients"),
        (in_var, "var/mean"),
    ],
)
def test_what_an_h5ad_holds_beside_the_cohort_is_named(put: Callable[[Any], None], named: str, tmp_path: Path) -> None:
    import anndata

    train, path = expression(80, 0), tmp_path / "synthetic.h5ad"
    write_cohort(virtual(expression(60, 1)), path)
    assert failures(path, train) == []
    file = anndata.read_h5ad(path)
    put(file)
    file.write_h5ad(path)
    (found,) = failures(path, train)
    assert found == f"synthetic.h5ad: part '{named}' that is not read as part of the cohort"


def test_an_array_of_an_npz_that_is_not_read_is_named(tmp_path: Path) -> None:
    train, path = simulate("simulated-cells", 60, seed=0), tmp_path / "synthetic.npz"
    write_cohort(virtual(simulate("simulated-cells", 40, seed=1)), path)
    assert failures(path, train) == []
    with np.load(path) as file:
        arrays = dict(file)
    np.savez_compressed(path, **arrays, originals=train.x)
    (found,) = failures(path, train)
    assert "array 'originals' that is not read" in found


def test_metadata_of_parquet_that_is_not_read_is_named(tmp_path: Path) -> None:
    train, path = expression(80, 0), tmp_path / "synthetic.parquet"
    write_cohort(virtual(expression(60, 1)), path)
    assert failures(path, train) == []
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"remark": b"ward 3"}), path)
    (found,) = failures(path, train)
    assert "entry of its metadata 'remark'" in found
    assert "ward 3" not in found


def test_a_column_of_measurements_that_train_lacks_is_named(tmp_path: Path) -> None:
    train, made = expression(80, 0), virtual(expression(60, 1))
    wider = replace(made, x=np.hstack([made.x, made.x[:, :1]]), features=(*made.features, "weight"))
    write_cohort(wider, tmp_path / "synthetic.parquet")
    assert "column 'weight' that is not read" in failures(tmp_path / "synthetic.parquet", train)[0]


@pytest.mark.parametrize(
    ("names", "fails"),
    [
        ([f"row-{n}" for n in range(1, 41)], False),  # a running numbering says nothing of anybody
        ([f"{n}" for n in range(40)], False),
        ([f"row-{n}" for n in range(40, 0, -1)], True),
        ([f"row-{n}" for n in range(1, 80, 2)], True),
        ([f"made-{n}" for n in range(1, 80, 2)], False),
    ],
)
def test_numbers_of_training_patients_are_no_ids_of_samples(names: list[str], fails: bool, tmp_path: Path) -> None:
    train, made = expression(80, 0), expression(40, 1)
    ids = [f"row-{n}" for n in range(1, 81)]
    train = replace(train, subjects=np.asarray(ids), obs=pd.DataFrame(index=pd.Index(ids)))
    made = replace(made, subjects=np.asarray(names), obs=pd.DataFrame(index=pd.Index(names)))
    write_cohort(made, tmp_path / "synthetic.parquet")
    found = failures(tmp_path / "synthetic.parquet", train)
    assert bool(found) == fails
    assert all("number them anew" in one for one in found)
