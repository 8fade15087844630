"""The eight public expression files, and simulated twins for where they are absent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from cohortsmith.data import duplicates, read_cohort, simulate, split, write_cohort

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    # name: (samples, genes, classes, scale, subject)
    "tcga_12class_50genes.csv.gz": (5859, 50, 12, "linear", "subject"),
    "tcga_mirna_34class_680.h5ad": (10893, 680, 33, "counts", "patient"),
    "tcga_tumour_normal_3341genes.h5ad": (1204, 3341, 22, "log", "patient"),
    "tcga_brca_260genes.csv.gz": (887, 260, 2, "log", None),
    "prostate_singh_12600probes.csv.gz": (102, 12600, 2, "linear", None),
    "lung_gordon_12533probes.csv.gz": (181, 12533, 2, "linear", None),
    "breast_colon_chowdary_22283probes.csv.gz": (104, 22283, 2, "linear", None),
    "leukemia_golub_7129probes.csv.gz": (72, 7129, 2, "linear", None),
}


@pytest.mark.parametrize("name", FILES)
def test_public_files_load_as_their_notes_say(real_folder: Path, name: str) -> None:
    samples, genes, classes, scale, subject = FILES[name]
    started = time.perf_counter()
    cohort = read_cohort(real_folder / name)
    assert time.perf_counter() - started < 20  # 1.5 s on an idle machine
    assert cohort.x.shape == (samples, genes)
    assert len(cohort.classes) == classes
    assert cohort.scale == scale
    assert cohort.provenance["subject"] == subject
    train, holdout = split(cohort, seed=0)
    assert not set(train.subjects) & set(holdout.subjects)
    assert len(holdout) == pytest.approx(0.3 * samples, abs=2)
    assert min(holdout.class_counts().values()) >= 1


def test_repeated_records_of_tcga_are_kept_as_one_patient(real_folder: Path) -> None:
    cohort = read_cohort(real_folder / "tcga_12class_50genes.csv.gz")
    assert cohort.provenance["repeated_samples"] == 21
    assert len(duplicates(cohort).exact) == 21
    assert len(duplicates(*split(cohort, seed=0)).exact) == 0


@pytest.mark.parametrize("name", ["tcga_brca_260genes.csv.gz", "leukemia_golub_7129probes.csv.gz"])
def test_no_two_patients_of_a_study_look_like_one(real_folder: Path, name: str) -> None:
    found = duplicates(read_cohort(real_folder / name))
    assert str(found) == "0 exact and 0 near duplicates"


def test_covariates_of_tcga_are_no_genes(real_folder: Path) -> None:
    cohort = read_cohort(real_folder / "tcga_mirna_34class_680.h5ad")
    assert {"age", "gender", "race", "machine", "subtype"} <= set(cohort.obs.columns)
    assert cohort.obs["age"].dtype == float
    assert cohort.obs["race"].isna().any()  # "nan" in the file
    assert cohort.provenance["constant_genes"] == 16


@pytest.mark.parametrize("scale", ["counts", "linear", "log"])
def test_simulated_twin_of_a_wide_study(tmp_path: Path, scale: str) -> None:
    cohort = simulate("simulated-expression", 60, 0, genes=8000, classes=2, scale=scale)
    write_cohort(cohort, tmp_path / "wide.csv.gz")
    started = time.perf_counter()
    back = read_cohort(tmp_path / "wide.csv.gz")
    assert time.perf_counter() - started < 10
    assert back.digest() == cohort.digest()
    assert back.scale == scale
    assert str(duplicates(*split(back, seed=0))) == "0 exact and 0 near duplicates"
