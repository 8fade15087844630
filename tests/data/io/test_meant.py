"""What is read is what was meant: ids, covariates, labels and scales of files as people have them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cohortsmith.data import Cohort, DataError, ReadWarning, read_cohort, simulate, write_cohort
from cohortsmith.data.patients import keys_of, shared_patients

if TYPE_CHECKING:
    from pathlib import Path

GENES = [f"G{i}" for i in range(1, 7)]


@pytest.fixture
def frame() -> pd.DataFrame:
    """24 samples of 6 genes on the log scale, classes A and B."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(np.round(rng.normal(8, 2, (24, 6)), 4), columns=GENES)
    table.insert(0, "label", np.array(["A", "B"])[np.arange(24) % 2])
    table.insert(0, "sample_id", [f"S{i:03d}" for i in range(24)])
    return table


def told(path: Any, **options: Any) -> tuple[Cohort, list[str]]:
    """The cohort, and the warnings of reading it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cohort = read_cohort(path, **options)
    lines = [str(one.message) for one in caught if issubclass(one.category, ReadWarning)]
    assert tuple(lines) == cohort.provenance.get("warnings", ())
    return cohort, lines


# --- Ids and covariates ---


@pytest.mark.parametrize(
    "name", ["mrn", "X", "V1", "case_id", "barcode", "Sample_ID", "Sample ID", "", "Unnamed: 0", "hospital_no", "zz"]
)
def test_a_column_of_different_whole_numbers_in_front_is_the_id(tmp_path: Path, frame: pd.DataFrame, name: str) -> None:
    numbers = np.random.default_rng(1).choice(np.arange(4_000_000, 9_000_000), 24, replace=False)
    frame.rename(columns={"sample_id": name}).assign(**{name: numbers}).to_csv(tmp_path / "a.csv", index=False)
    cohort = read_cohort(tmp_path / "a.csv")
    assert cohort.features == tuple(GENES)
    assert cohort.ids.tolist() == [str(number) for number in numbers]
    assert cohort.scale == "log"


def test_a_count_in_front_that_may_be_an_id_is_told(tmp_path: Path, frame: pd.DataFrame) -> None:
    counts = frame[GENES].mul(100).round().astype(int)
    counts.insert(0, "ACTB", np.random.default_rng(1).choice(9000, 24, replace=False))
    counts.assign(label=frame["label"]).to_csv(tmp_path / "a.csv", index=False)
    cohort, lines = told(tmp_path / "a.csv")
    assert cohort.features == ("ACTB", *GENES)
    assert any("'ACTB'" in line and "rename it to sample_id" in line for line in lines)


def test_an_index_that_was_written_is_dropped_or_the_id(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(tmp_path / "default.csv")
    cohort, lines = told(tmp_path / "default.csv")
    assert cohort.ids.tolist() == frame["sample_id"].tolist()
    assert cohort.features == tuple(GENES)
    assert any("left out" in line for line in lines)
    frame.drop(columns="sample_id").to_csv(tmp_path / "t.csv")
    pd.read_csv(tmp_path / "t.csv").to_csv(tmp_path / "twice.csv")
    assert read_cohort(tmp_path / "twice.csv").features == tuple(GENES)


@pytest.mark.parametrize("name", ["barcode", "whatever", None])
def test_an_index_of_a_data_frame_is_the_id(tmp_path: Path, frame: pd.DataFrame, name: str | None) -> None:
    frame.rename(columns={"sample_id": name}).set_index(name).to_parquet(tmp_path / "a.parquet")
    assert read_cohort(tmp_path / "a.parquet").ids.tolist() == frame["sample_id"].tolist()
    assert read_cohort(tmp_path / "a.parquet").features == tuple(GENES)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary()])
def test_texts_of_any_type_are_ids_and_classes(tmp_path: Path, frame: pd.DataFrame, kind: pa.DataType) -> None:
    table = pa.Table.from_pandas(frame.rename(columns={"sample_id": "barcode"}), preserve_index=False)
    for at, name in enumerate(("barcode", "label")):
        column = table[name].combine_chunks()
        column = column.dictionary_encode() if pa.types.is_dictionary(kind) else column.cast(kind)
        table = table.set_column(at, name, column)
    pq.write_table(table, tmp_path / "a.parquet")
    cohort = read_cohort(tmp_path / "a.parquet")
    assert cohort.ids.tolist() == frame["sample_id"].tolist()
    assert cohort.class_counts() == {"A": 12, "B": 12}


def test_clinical_columns_are_covariates_and_leave_the_scale(tmp_path: Path, frame: pd.DataFrame) -> None:
    numbers = np.arange(24) * 100
    clinical: dict[str, Any] = {
        "bmi": 25.5,
        "days_to_death": numbers,
        "Age at diagnosis": numbers,
        "os_months": numbers,
        "ECOG": 1,
    }
    frame.assign(**clinical).to_csv(tmp_path / "a.csv", index=False)
    cohort = read_cohort(tmp_path / "a.csv")
    assert cohort.features == tuple(GENES)
    assert list(cohort.obs.columns) == list(clinical)
    assert cohort.scale == "log"


def test_few_columns_that_decide_the_scale_are_named(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.assign(creatinine=np.arange(24) * 10.5).to_csv(tmp_path / "a.csv", index=False)
    cohort, lines = told(tmp_path / "a.csv")
    assert cohort.scale == "linear"
    assert any("linear because of 1 of 7 columns ('creatinine')" in line and "like log" in line for line in lines)


def test_a_patients_number_that_repeats_is_the_patient(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.assign(mrn=np.arange(24) // 4 + 5_000_000).to_csv(tmp_path / "a.csv", index=False)
    cohort = read_cohort(tmp_path / "a.csv")
    assert len(set(cohort.subjects.tolist())) == 6
    assert cohort.provenance["subject"] == "mrn"


def test_decimal_commas_are_refused(tmp_path: Path, frame: pd.DataFrame) -> None:
    text = frame.assign(**{g: frame[g].map(lambda v: f"{v:.4f}".replace(".", ",")) for g in GENES}, G7=1.5)
    text.to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    with pytest.raises(DataError, match=r"'G1' holds numbers with commas .* decimal points"):
        read_cohort(tmp_path / "a.tsv")


def test_rows_of_totals_are_told_and_dropped(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.assign(N_unmapped=1000, __no_feature=7).to_csv(tmp_path / "a.csv", index=False)
    cohort, lines = told(tmp_path / "a.csv")
    assert cohort.features == tuple(GENES)
    assert any("'N_unmapped', '__no_feature'" in line for line in lines)


def test_what_a_spreadsheet_did_is_told(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame["label"] = [["A", "a ", "B"][i % 3] for i in range(24)]
    frame.rename(columns={"G1": "1-Mar", "G2": "2-Sep"}).to_csv(tmp_path / "a.csv", index=False)
    cohort, lines = told(tmp_path / "a.csv")
    assert len(cohort.classes) == 3
    assert any("2 gene name(s)" in line and "'1-Mar'" in line for line in lines)
    assert any("'A', 'a '" in line and "letter case or blanks" in line for line in lines)


# --- Scales ---


def test_a_stated_scale_that_the_values_contradict_is_refused(tmp_path: Path) -> None:
    write_cohort(simulate("simulated-expression", 30, 0, scale="log"), tmp_path / "log.csv")
    write_cohort(simulate("simulated-expression", 30, 0, scale="counts"), tmp_path / "counts.csv")
    with pytest.raises(DataError, match=r"stated as counts, but .* have fractions.*look like log"):
        read_cohort(tmp_path / "log.csv", scale="counts")
    with pytest.raises(DataError, match=r"stated as log, but .* beyond 40.*look like counts"):
        read_cohort(tmp_path / "counts.csv", scale="log")


@pytest.mark.parametrize("suffix", [".h5ad", ".parquet"])
def test_a_recorded_scale_that_is_no_longer_true_is_told(tmp_path: Path, suffix: str) -> None:
    cohort = simulate("simulated-expression", 30, 0, scale="log")
    stale = Cohort(**{**vars(cohort), "provenance": {**cohort.provenance, "scale": "counts"}})
    write_cohort(stale, tmp_path / f"a{suffix}")
    back, lines = told(tmp_path / f"a{suffix}")
    assert (back.scale, back.provenance["scale_from"]) == ("log", "values")
    assert any("records the scale counts" in line and "read as log" in line for line in lines)


# --- Patients ---


def test_patients_are_compared_by_who_they_are() -> None:
    train = ["1001", "P07", "a b", "é"]
    assert shared_patients(train, ["1001.0", "p07 ", "ab", "é"]).tolist() == sorted(keys_of(train).tolist())
    assert len(shared_patients(train, ["001001"])) == 1
    assert len(shared_patients(train, ["1002", "P7", "1001.5"])) == 0


def test_a_missing_patient_does_not_rename_the_others(tmp_path: Path, frame: pd.DataFrame) -> None:
    numbers = np.arange(24) // 2 + 1000.0
    whole = frame.assign(patient=numbers.astype(int))
    numbers[0] = np.nan
    for name, table in (("whole", whole), ("float", frame.assign(patient=numbers))):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        table.to_parquet(tmp_path / f"{name}.parquet", index=False)
    expected = read_cohort(tmp_path / "whole.csv").subjects.tolist()
    for name in ("whole.parquet", "float.csv", "float.parquet"):
        assert read_cohort(tmp_path / name).subjects.tolist()[1:] == expected[1:]


# --- Values survive ---


def test_texts_that_look_like_numbers_survive_every_format(tmp_path: Path, frame: pd.DataFrame) -> None:
    obs = {
        "zip": [f"{i * 37:05d}" for i in range(24)],
        "answer": ["TRUE", "FALSE"] * 12,
        "dose": ["1.50", "2.50"] * 12,
        "at": ["10:30", "11:45"] * 12,
        "day": ["2020-01-01", "2020-01-02"] * 12,
        "code": ["12", "13"] * 12,
        "stage": ["1", "2"] * 12,
        "yes": [True, False] * 12,
        "size": [1.0, 2.0] * 12,
        "count": list(range(24)),
    }
    cohort = read_cohort(frame)
    cohort = Cohort(**{**vars(cohort), "obs": pd.DataFrame(obs, index=cohort.obs.index)})
    for suffix in (".csv", ".tsv.gz", ".parquet", ".h5ad"):
        write_cohort(cohort, tmp_path / f"a{suffix}")
        back = read_cohort(tmp_path / f"a{suffix}")
        for name, values in obs.items():
            assert back.obs[name].tolist() == values, (suffix, name)
            assert type(back.obs[name].tolist()[0]) is type(values[0])


def test_codes_of_other_peoples_tables_keep_their_zeros(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.assign(ward=[f"{i % 3:03d}" for i in range(24)]).to_csv(tmp_path / "a.csv", index=False)
    assert read_cohort(tmp_path / "a.csv").obs["ward"].tolist()[:3] == ["000", "001", "002"]


def test_a_parquet_file_with_a_changed_byte_is_refused(tmp_path: Path) -> None:
    write_cohort(simulate("simulated-expression", 60, 0), tmp_path / "a.parquet")
    whole = bytearray((tmp_path / "a.parquet").read_bytes())
    read_anyway = 0
    for at in range(2000, len(whole) // 2, 997):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        (tmp_path / "b.parquet").write_bytes(damaged)
        try:
            again = read_cohort(tmp_path / "b.parquet")
        except DataError:
            continue
        read_anyway += again.digest() != read_cohort(tmp_path / "a.parquet").digest()
    assert read_anyway == 0
