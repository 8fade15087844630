"""Formats that people have: GEO series matrices, GCT, STAR counts, genes in rows, tables of labels, in memory."""

from __future__ import annotations

import gzip
import warnings
from typing import TYPE_CHECKING

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cohortsmith.data import DataError, ReadWarning, read_cohort, simulate, write_cohort

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.data import Cohort

IDS = [f"GSM{i}" for i in range(8)]
VALUES = np.round(np.random.default_rng(0).normal(8, 2, (5, 8)), 3)  # genes in rows
ROWS = [f"probe{g}\t" + "\t".join(map(str, VALUES[g])) for g in range(5)]


def check(cohort: Cohort) -> None:
    np.testing.assert_allclose(cohort.x, VALUES.T.astype(np.float32))
    assert cohort.features == tuple(f"probe{g}" for g in range(5))
    assert cohort.ids.tolist() == IDS


def test_geo_series_matrix(tmp_path: Path) -> None:
    quoted = [f'"{name}"' for name in IDS]
    ages = [f'"age: {50 + i}"' if i != 3 else '""' for i in range(8)]
    lines = [
        '!Series_title\t"tumours"',
        "",
        "!Sample_title\t" + "\t".join(f'"tumour, {i}"' for i in range(8)),
        "!Sample_geo_accession\t" + "\t".join(quoted),
        "!Sample_characteristics_ch1\t" + "\t".join(f'"er status: {"np"[i % 2]}"' for i in range(8)),
        "!Sample_characteristics_ch1\t" + "\t".join(ages),
        "!series_matrix_table_begin",
        '"ID_REF"\t' + "\t".join(quoted),
        *[f'"{row.split(chr(9), 1)[0]}"\t{row.split(chr(9), 1)[1]}' for row in ROWS],
        "!series_matrix_table_end",
    ]
    path = tmp_path / "GSE1_series_matrix.txt.gz"
    with gzip.open(path, "wt") as file:
        file.write("\n".join(lines) + "\n")
    cohort = read_cohort(path, label="er status")
    check(cohort)
    assert cohort.class_counts() == {"n": 4, "p": 4}
    assert cohort.obs["age"].tolist()[:3] == [50, 51, 52]
    assert np.isnan(cohort.obs["age"].iloc[3])
    with pytest.raises(DataError, match="no label column 'label'.*er status"):
        read_cohort(path)
    with gzip.open(path, "wt") as file:
        file.write("\n".join([*lines[:7], "!series_matrix_table_end"]) + "\n")
    with pytest.raises(DataError, match="supplementary file"):
        read_cohort(path, label="er status")


def test_gct(tmp_path: Path) -> None:
    labels = tmp_path / "labels.tsv"
    labels.write_text("".join(f"{name}\t{'ab'[i % 2]}\n" for i, name in enumerate(IDS)))
    rows = [row.replace("\t", "\tsome gene\t", 1) for row in ROWS]
    plain = ["#1.2", "5\t8", "NAME\tDescription\t" + "\t".join(IDS), *rows]
    (tmp_path / "a.gct").write_text("\n".join(plain) + "\n")
    with pytest.warns(ReadWarning, match="'Description'"):
        cohort = read_cohort(tmp_path / "a.gct", labels=labels)
    check(cohort)
    assert cohort.class_counts() == {"a": 4, "b": 4}
    meta = "label\tna\t" + "\t".join("xy"[i % 2] for i in range(8))
    rich = ["#1.3", "5\t8\t1\t1", "id\tDescription\t" + "\t".join(IDS), meta, *rows]
    (tmp_path / "b.gct").write_text("\n".join(rich) + "\n")
    with pytest.warns(ReadWarning):
        cohort = read_cohort(tmp_path / "b.gct")
    check(cohort)
    assert cohort.class_counts() == {"x": 4, "y": 4}
    (tmp_path / "b.gct").write_text("\n".join(rich[:-1]) + "\n")
    with pytest.raises(DataError, match="not of 5 genes and 8 samples"):
        read_cohort(tmp_path / "b.gct")


def test_star_counts_in_folders_of_classes(tmp_path: Path) -> None:
    totals = [f"N_{name}\t9\t9\t9" for name in ("unmapped", "multimapping", "noFeature", "ambiguous")]
    for i in range(6):
        folder = tmp_path / "counts" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        genes = [f"ENSG{g}\t{100 * g + i}\t1\t2" for g in range(4)]
        (folder / f"s{i}.ReadsPerGene.out.tab").write_text("\n".join([*totals, *genes]) + "\n")
    with pytest.warns(ReadWarning, match=r"unstranded reads.*4 row\(s\) of totals"):
        cohort = read_cohort(tmp_path / "counts")
    assert cohort.features == ("ENSG0", "ENSG1", "ENSG2", "ENSG3")
    assert cohort.scale == "counts"
    assert dict(zip(cohort.ids, cohort.labels.tolist(), strict=True))["s3"] == "b"
    assert cohort.x[cohort.ids.get_loc("s3")].tolist() == [3, 103, 203, 303]


def test_genes_in_rows_are_offered_to_be_turned(tmp_path: Path) -> None:
    label = "label\t" + "\t".join("ab"[i % 2] for i in range(8))
    (tmp_path / "a.tsv").write_text("\n".join(["gene\t" + "\t".join(IDS), label, *ROWS]) + "\n")
    with pytest.raises(DataError, match="genes seem to be in rows.*--transpose"):
        read_cohort(tmp_path / "a.tsv")
    cohort = read_cohort(tmp_path / "a.tsv", transpose=True)
    check(cohort)
    assert cohort.class_counts() == {"a": 4, "b": 4}
    (tmp_path / "b.tsv").write_text("\n".join(["gene_id\t" + "\t".join(IDS), *ROWS]) + "\n")
    rows = "".join(f"{n},{i},{'ab'[i % 2]}\n" for i, n in enumerate(IDS))
    (tmp_path / "labels.csv").write_text(f"sample,age,kind\n{rows}")
    with pytest.raises(DataError, match="--transpose.*--labels"):
        read_cohort(tmp_path / "b.tsv")
    cohort = read_cohort(tmp_path / "b.tsv", transpose=True, labels=tmp_path / "labels.csv", label="kind")
    check(cohort)
    assert cohort.obs["age"].tolist() == list(range(8))
    (tmp_path / "few.tsv").write_text("".join(f"{name}\ta\n" for name in IDS[1:]))
    with pytest.raises(DataError, match="1 of 8 samples have no row in few.tsv"):
        read_cohort(tmp_path / "b.tsv", transpose=True, labels=tmp_path / "few.tsv")


# --- In memory ---


def test_a_data_frame_is_read_and_given_back(paired: Cohort) -> None:
    back = read_cohort(paired.to_frame())
    assert back.digest() == paired.digest()
    assert back.subjects.tolist() == paired.subjects.tolist()
    assert back.scale == paired.scale
    assert list(back.obs.columns) == list(paired.obs.columns)
    plain = pd.DataFrame({"label": list("aabb"), "g1": [1.5, 2, 3, 4], "g2": [0.5, 1, 1, 2]}, index=list("wxyz"))
    cohort = read_cohort(plain)
    assert cohort.ids.tolist() == list("wxyz")
    assert cohort.features == ("g1", "g2")


def test_anndata_is_read_and_given_back(paired: Cohort) -> None:
    made = paired.to_anndata()
    assert made.X.dtype == np.float32
    made.X[:] = 0  # as scanpy does, in place: the cohort is not changed
    assert paired.x.any()
    assert read_cohort(paired.to_anndata()).digest() == paired.digest()
    logged = simulate("simulated-expression", 30, 0, scale="log").to_anndata()
    assert logged.uns["log1p"]["base"] == 2
    with pytest.raises(DataError, match="AnnData is written of expression cohorts"):
        simulate("tp53-founding", 40, 0).to_anndata()
    with pytest.raises(DataError, match="got list"):
        read_cohort([1, 2])


def test_layers_are_read_by_name_and_told_when_passed_over(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).poisson(50, (12, 4))
    obs = pd.DataFrame({"label": list("ab") * 6}, index=[f"c{i}" for i in range(12)])
    logged = np.log1p(counts / counts.sum(1, keepdims=True) * 1e4)
    file = anndata.AnnData(logged.astype(np.float32), obs=obs, layers={"counts": sparse.csr_matrix(counts)})
    file.write_h5ad(tmp_path / "a.h5ad")
    for source in (file, tmp_path / "a.h5ad"):
        with pytest.warns(ReadWarning, match="X is read, counts passed over"):
            assert read_cohort(source).scale == "log"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cohort = read_cohort(source, layer="counts")
        assert cohort.scale == "counts"
        np.testing.assert_array_equal(cohort.x, counts)
    with pytest.raises(DataError, match="no layer 'count'; did you mean 'counts'"):
        read_cohort(tmp_path / "a.h5ad", layer="count")
    write_cohort(cohort, tmp_path / "a.csv")
    with pytest.raises(DataError, match="--layer .* does not apply to .csv"):
        read_cohort(tmp_path / "a.csv", layer="counts")
