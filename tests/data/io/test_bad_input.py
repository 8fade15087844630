"""Whatever is wrong with a file, one line says what, where, and what to do, and quotes no patient's value."""

from __future__ import annotations

import gzip
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data import DataError, read_cohort, write_cohort

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.data import Cohort

GOOD = [
    "sample_id,label,er,TP53,MYC",
    "s1,luminal,pos,1.5,2.5",
    "s2,luminal,neg,2.25,3.5",
    "s3,basal,pos,3.125,4.5",
    "s4,basal,neg,7.0625,5.5",
]


def changed(row: int, line: str) -> str:
    lines = list(GOOD)
    lines[row] = line
    return "\n".join(lines) + "\n"


def message(path: Path, **arguments: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_cohort(path, **arguments)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 400
    return text


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        (changed(2, "s2,luminal,neg,,3.5"), {}, ["missing value", "row 3", "'TP53'", "--impute"]),
        (changed(3, "s3,basal,pos,3.125,inf"), {}, ["infinite value", "row 4", "'MYC'"]),
        (changed(3, "s3,basal,pos,1e300,4.5"), {}, ["infinite value", "row 4", "'TP53'"]),
        (changed(4, "s4,basal,neg,high,5.5"), {}, ["text in row 5", "'TP53'", "--covariate"]),
        (changed(0, "sample_id,label,er,MYC,MYC"), {}, ["gene name(s)", "'MYC'", "unique"]),
        (changed(2, "s1,luminal,neg,2.25,3.5"), {}, ["sample name", "row 2", "row 3", "unique"]),
        (changed(2, "s2,luminal,neg,-2,3"), {"scale": "counts"}, ["negative count", "row 3", "'TP53'"]),
        (changed(2, "s2,,neg,2.25,3.5"), {}, ["label 'label' is missing for 1 of 4", "row 3"]),
        (changed(2, "s2,luminal,neg,2.25"), {}, ["row 3 has 4 columns", "header has 5"]),
        (changed(0, "label,er,TP53,MYC"), {}, ["row 2 has 5 columns", "header has 4", "R's write.table"]),
        (changed(0, "sample_id,lable,er,TP53,MYC"), {}, ["no label column 'label'", "lable"]),
        ("\n".join(GOOD), {"label": "ER"}, ["no label column 'ER'", "possible columns: er"]),
        ("\n".join(GOOD), {"subject": "patiant"}, ["no subject column 'patiant'"]),
        ("\n".join(GOOD), {"subject": "label"}, ["as both label and subject"]),
        ("\n".join(GOOD), {"label": "TP53"}, ["'TP53' has 4 different values in 4 samples", "not a class"]),
        ("\n".join(GOOD), {"scale": "cpm"}, ["counts, linear, log", "'cpm'"]),
        ("\n".join(GOOD), {"covariates": ["TP35"]}, ["no covariate column 'TP35'", "TP53"]),
        ("\n".join(GOOD[:4]), {}, ["have one patient", "one patient"]),
        (GOOD[0] + "\n", {}, ["header but no samples"]),
        ("", {}, ["empty"]),
        ("\n".join(line.replace(",", ";") for line in GOOD), {}, ["single column", "';'"]),
        ("sample_id,label\ns1,a\ns2,b\n", {}, ["no numeric gene column"]),
    ],
)
def test_table(tmp_path: Path, text: str, arguments: dict[str, Any], expected: list[str]) -> None:
    path = tmp_path / "cohort.csv"
    path.write_text(text)
    told = message(path, **arguments)
    for part in ["" if "scale" in arguments and arguments["scale"] == "cpm" else "cohort.csv", *expected]:
        assert part in told
    for value in ("2.25", "3.125", "7.0625", "high", "s1", "s2", "s3", "s4"):
        assert value not in told


def test_good_table_is_good(tmp_path: Path) -> None:
    (tmp_path / "cohort.csv").write_text("\n".join(GOOD))
    cohort = read_cohort(tmp_path / "cohort.csv")
    assert cohort.class_counts() == {"basal": 2, "luminal": 2}
    assert cohort.features == ("TP53", "MYC")
    assert list(cohort.obs.columns) == ["er"]


def test_a_part_of_a_cohort_may_hold_one_class(tmp_path: Path) -> None:
    (tmp_path / "cohort.csv").write_text("\n".join(GOOD[:2]))
    assert read_cohort(tmp_path / "cohort.csv", part=True).class_counts() == {"luminal": 1}


def test_two_samples_of_one_patient_are_one_patient_of_a_class(tmp_path: Path) -> None:
    lines = [line.replace("er", "patient", 1) for line in GOOD]
    lines[4] = lines[4].replace("neg", "pos")
    (tmp_path / "cohort.csv").write_text("\n".join(lines))
    assert "of label 'label' have one patient" in message(tmp_path / "cohort.csv")


def test_column_without_any_value_cannot_be_imputed(tmp_path: Path) -> None:
    lines = [GOOD[0], *(line.rsplit(",", 1)[0] + "," for line in GOOD[1:])]
    (tmp_path / "cohort.csv").write_text("\n".join(lines))
    assert "'MYC' has no value in any sample" in message(tmp_path / "cohort.csv", impute=True)


def test_unknown_file_names_what_lies_beside_it(tmp_path: Path, simulated: Cohort) -> None:
    write_cohort(simulated, tmp_path / "patients.parquet")
    assert "'patients.parquet'" in message(tmp_path / "patient.parquet")
    assert "'gse7390'" in message(tmp_path / "gse7930")
    assert "simulated-expression" in message(tmp_path / "nothing-like-it.csv")
    assert "does not exist" in message(tmp_path / "no" / "such.csv")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cohort.xlsx", [".h5ad", ".csv.gz", ".parquet", ".fasta"]),
        ("cohort", [".h5ad"]),
        ("cohort.png", ["a single image", "folder of PNG for each class"]),
    ],
)
def test_wrong_extension_lists_the_right_ones(
    tmp_path: Path, simulated: Cohort, name: str, expected: list[str]
) -> None:
    (tmp_path / name).write_text("x")
    told = message(tmp_path / name)
    with pytest.raises(DataError) as caught:
        write_cohort(simulated, tmp_path / name)
    assert str(caught.value) == told
    for part in expected:
        assert part in told
    assert (tmp_path / name).read_text() == "x"


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_truncated_gzip(tmp_path: Path, simulated: Cohort, share: float) -> None:
    path = tmp_path / "a.csv.gz"
    write_cohort(simulated, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "truncated" in message(path)


@pytest.mark.parametrize("suffix", [".h5ad", ".parquet"])
def test_broken_binary_file(tmp_path: Path, simulated: Cohort, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_cohort(simulated, path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"not what the name says", whole[:4] + bytes(64) + whole[68:]):
        path.write_bytes(content)
        assert "not a complete" in message(path)


def test_text_that_is_not_what_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_text("\n".join(GOOD))
    assert "not gzip-compressed" in message(tmp_path / "a.csv.gz")
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"sample_id,label,g\n"))
    assert "not UTF-8 text" in message(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("\n".join(GOOD), encoding="utf-16")
    assert "not UTF-8 text" in message(tmp_path / "b.csv")


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    assert "folder" in message(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("x", "genes", "ids", "expected"),
    [
        ([[1.0, np.nan]], ["g1", "g2"], None, "missing value in row 1, column 'g2'"),
        ([[1.0, -np.inf]], ["g1", "g2"], None, "infinite value in row 1, column 'g2'"),
        ([[1.0, 2.0]], ["g1", "g1"], None, "'g1'"),
        ([[1.0, 2.0]], ["g1", "g2"], ["a", "b", "b", "d"], "row 2 appears again in row 3"),
    ],
)
def test_h5ad(tmp_path: Path, x: list[list[float]], genes: list[str], ids: list[str] | None, expected: str) -> None:
    import anndata

    values = np.concatenate([np.asarray(x), np.arange(6.0).reshape(3, 2)])
    obs = pd.DataFrame({"label": ["a", "a", "b", "b"]}, index=pd.Index(ids or list("pqrs"), dtype=object))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # AnnData warns of names that are not unique
        file = anndata.AnnData(X=values, obs=obs, var=pd.DataFrame(index=pd.Index(genes, dtype=object)))
    file.write_h5ad(tmp_path / "a.h5ad")
    assert expected in message(tmp_path / "a.h5ad")


def test_h5ad_without_labels_names_the_candidates(tmp_path: Path) -> None:
    import anndata

    obs = pd.DataFrame(
        {"cell_type": ["a", "a", "b", "b"], "n": [1.0, 2, 3, 4]}, index=pd.Index(list("pqrs"), dtype=object)
    )
    genes = pd.DataFrame(index=pd.Index(list("abcd"), dtype=object))
    anndata.AnnData(X=np.eye(4), obs=obs, var=genes).write_h5ad(tmp_path / "a.h5ad")
    told = message(tmp_path / "a.h5ad")
    assert "possible columns: cell_type;" in told


def test_numbers_as_text_are_not_taken_silently(tmp_path: Path) -> None:
    frame = pd.DataFrame({"label": ["a", "a", "b", "b"], "g1": [1.0, 2, 3, 4], "g2": ["1", "2", "3", "4"]})
    frame.to_parquet(tmp_path / "a.parquet")
    assert "numbers as text in column 'g2', first in row 1" in message(tmp_path / "a.parquet")
