from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data import read_cohort, write_cohort
from cohortsmith.data.io.covariates import tidy
from cohortsmith.data.io.read import WRITTEN

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.data import Cohort


def assert_same(a: Cohort, b: Cohort) -> None:
    assert a.digest() == b.digest()  # values, labels, classes, genes, scale
    assert a.ids.tolist() == b.ids.tolist()
    assert a.subjects.tolist() == b.subjects.tolist()
    assert a.provenance["label"] == b.provenance["label"]
    assert a.provenance.get("subject") == b.provenance.get("subject")
    pd.testing.assert_frame_equal(a.obs, b.obs)


@pytest.mark.parametrize("suffix", WRITTEN["expression"])
def test_cohort_comes_back_as_it_was(simulated: Cohort, tmp_path: Path, suffix: str) -> None:
    write_cohort(simulated, tmp_path / f"a{suffix}")
    assert_same(simulated, read_cohort(tmp_path / f"a{suffix}"))


@pytest.mark.parametrize("suffix", WRITTEN["expression"])
def test_patients_covariates_and_float_bits_come_back(paired: Cohort, tmp_path: Path, suffix: str) -> None:
    n = len(paired)
    obs = pd.DataFrame(
        {
            "age": np.where(np.arange(n) % 7 == 0, np.nan, 60.0),
            "dose": np.arange(n),  # a number that no name list knows: must not become a gene
            "smoker": np.arange(n) % 2 == 0,
            "centre": pd.Series(['Kiel, "north"', "Ulm", np.nan, "München"] * (n // 4), dtype=object).to_numpy(),
        },
        index=paired.ids,
    )
    tiny = paired.x * np.float32(1e-30)
    tiny[0] = np.float32(1) / np.float32(3)
    cohort = replace(
        paired, x=tiny, obs=tidy(obs), provenance={"scale": "log", "label": "tissue type", "subject": "patient"}
    )
    write_cohort(cohort, tmp_path / f"a{suffix}")
    assert_same(cohort, read_cohort(tmp_path / f"a{suffix}", label="tissue type"))


@pytest.mark.parametrize("suffix", [".h5ad", ".parquet"])
def test_these_formats_record_label_and_scale_themselves(simulated: Cohort, tmp_path: Path, suffix: str) -> None:
    cohort = replace(simulated, x=simulated.x % 5, provenance={"scale": "counts", "label": "arm"})
    write_cohort(cohort, tmp_path / f"a{suffix}")
    back = read_cohort(tmp_path / f"a{suffix}")
    assert (back.scale, back.provenance["label"]) == ("counts", "arm")
    assert read_cohort(tmp_path / f"a{suffix}", scale="linear").scale == "linear"  # what is stated wins


def test_same_cohort_gives_the_same_bytes(simulated: Cohort, tmp_path: Path) -> None:
    for name in ("a.csv.gz", "b.csv.gz"):
        write_cohort(simulated, tmp_path / name)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


def test_text_table_is_laid_out_for_people(simulated: Cohort, tmp_path: Path) -> None:
    write_cohort(simulated, tmp_path / "a.tsv.gz")
    with gzip.open(tmp_path / "a.tsv.gz", "rt") as lines:
        header = next(lines).rstrip("\n").split("\t")
    assert header[:5] == ["sample_id", "label", "age", "sex", "gene00000"]


def table(tmp_path: Path, text: str, name: str = "a.csv") -> Path:
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_roles_of_columns_in_a_foreign_table(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "Patient,label,Age,site,dose,TP53,MYC\np1,a,61,07,1,1.5,2\np1,a,61,07,2,1.25,3\np2,b,,08,1,0,4\np3,b,50,08,1,3,5\n"
        "p4,a,50,08,1,3,5\n",
    )
    cohort = read_cohort(path, covariates=["dose"])
    assert cohort.features == ("TP53", "MYC")
    assert cohort.subjects.tolist() == ["p1", "p1", "p2", "p3", "p4"]
    assert cohort.provenance["subject"] == "Patient"
    assert list(cohort.obs.columns) == ["Age", "site", "dose"]
    assert cohort.ids.is_unique


def test_every_sample_is_a_patient_of_its_own_when_none_is_named(tmp_path: Path) -> None:
    cohort = read_cohort(table(tmp_path, "id,label,g1,g2\n001,a,1,2\n002,a,2,2\n003,b,1,3\n004,b,1,2\n"))
    assert cohort.subjects.tolist() == ["001", "002", "003", "004"]
    assert cohort.provenance["subject"] is None


def test_numbers_as_labels_are_names(tmp_path: Path) -> None:
    text = "sample_id,outcome,g1,g2\na,0,1.5,2\nb,1,2,3\nc,0,2,4\nd,1,2,5\n"
    assert read_cohort(table(tmp_path, text), label="outcome").classes == ("0", "1")


def test_record_that_stands_twice_is_kept_as_one_patient(tmp_path: Path) -> None:
    text = "sample_id,label,g1,g2\na,x,1.5,2\nb,x,2,3\nc,y,2,4\na,x,1.5,2\nd,y,2,5\n"
    cohort = read_cohort(table(tmp_path, text))
    assert cohort.ids.tolist() == ["a", "b", "c", "a#2", "d"]
    assert cohort.subjects.tolist() == ["a", "b", "c", "a", "d"]
    assert cohort.provenance["repeated_samples"] == 1
    write_cohort(cohort, tmp_path / "again.csv")
    assert read_cohort(tmp_path / "again.csv").subjects.tolist() == ["a", "b", "c", "a", "d"]


def test_zero_variance_genes_are_kept_and_counted(tmp_path: Path) -> None:
    cohort = read_cohort(table(tmp_path, "sample_id,label,g1,g2\na,x,1,2\nb,x,1,3\nc,y,1,4\nd,y,1,5\n"))
    assert cohort.features == ("g1", "g2")
    assert cohort.provenance["constant_genes"] == 1


def test_missing_values_are_imputed_only_on_request_and_counted(tmp_path: Path) -> None:
    text = "sample_id,label,g1,g2\na,x,1,2\nb,x,,3\nc,y,3,NA\nd,y,8,5\n"
    cohort = read_cohort(table(tmp_path, text), impute=True)
    assert cohort.provenance["imputed"] == 2
    np.testing.assert_array_equal(cohort.x[:, 0], [1, 3, 3, 8])  # median of 1, 3, 8
    np.testing.assert_array_equal(cohort.x[:, 1], [2, 3, 3, 5])


def test_sparse_h5ad_of_a_single_cell_kind_is_read(tmp_path: Path) -> None:
    import anndata
    from scipy import sparse

    x = np.array([[0, 90], [3, 0], [0, 0], [1, 1]])
    obs = pd.DataFrame(
        {
            "label": pd.Categorical(["a", "a", "b", "b"]),
            "patient_id": [1, 2, 3, 4],
            "race": pd.Categorical(["A", "B", "nan", ""]),
        },
        index=pd.Index(list("wxyz"), dtype=object),
    )
    file = anndata.AnnData(
        X=sparse.csr_matrix(x), obs=obs, var=pd.DataFrame(index=pd.Index(["g1", "g2"], dtype=object))
    )
    file.write_h5ad(tmp_path / "a.h5ad")
    cohort = read_cohort(tmp_path / "a.h5ad")
    np.testing.assert_array_equal(cohort.x, x)
    assert cohort.scale == "counts"
    assert cohort.subjects.tolist() == ["1", "2", "3", "4"]
    assert cohort.obs["race"].isna().tolist() == [False, False, True, True]  # words for no value are none
