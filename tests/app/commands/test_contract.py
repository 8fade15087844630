"""The four command lines that users' scripts rely on, to the letter."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.data import read_cohort

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.data import Cohort


def drawn(path: Path, like: Path) -> Cohort:
    return read_cohort(path, scale=read_cohort(like).scale, part=True)


def counts(cohort: Cohort) -> dict[str, int]:
    return dict(Counter(cohort.labels.tolist()))


def test_fit_writes_a_model_folder(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    line = ["fit", patients, "--family", "diffusion", "--label", "label", "--seed", 0, "--device", "cpu"]
    done = cohortsmith(*line, "--set", "steps=20", "--out", tmp_path / "model")
    assert done.code == 0, done.err
    assert done.out == f"{tmp_path / 'model'}\n"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model"]
    assert not list(tmp_path.rglob("*.pkl"))


def test_fit_takes_label_and_subject_columns(tmp_path: Path, cohortsmith: Any) -> None:
    table = ["sample_id,outcome,person,a,b,c"]
    table += [f"s{i},{'high' if i % 2 else 'low'},p{i // 4},{i % 7}.5,{i % 5}.25,{i % 3}.125" for i in range(80)]
    (tmp_path / "table.csv").write_text("\n".join(table) + "\n")
    line = ["fit", tmp_path / "table.csv", "--family", "mvn", "--label", "outcome", "--subject", "person"]
    done = cohortsmith(*line, "--out", tmp_path / "model", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["classes"] == {"high": 40, "low": 40}


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet", "h5ad"])
def test_sample_writes_every_table_format(
    tmp_path: Path, patients: Path, model: Path, cohortsmith: Any, suffix: str
) -> None:
    out = tmp_path / f"virtual.{suffix}"
    done = cohortsmith("sample", model, "--n", 31, "--seed", 0, "--out", out)
    assert done.code == 0, done.err
    cohort = drawn(out, patients)
    assert len(cohort) == 31
    assert cohort.features == read_cohort(patients).features
    assert [entry.name for entry in tmp_path.iterdir()] == [out.name]


def test_sample_gives_exactly_what_is_asked(tmp_path: Path, patients: Path, model: Path, cohortsmith: Any) -> None:
    out = tmp_path / "virtual.csv"
    first, second = (train := read_cohort(patients)).classes
    asked = {
        ("--per-class", "7"): {first: 7, second: 7},
        ("--counts", f"{first}=10,{second}=5"): {first: 10, second: 5},
        ("--counts", f"{second}=3"): {second: 3},
        ("--like-train",): train.class_counts(),
    }
    for options, expected in asked.items():
        assert cohortsmith("sample", model, *options, "--out", out).code == 0
        assert counts(drawn(out, patients)) == expected


def test_balance_tops_the_real_patients_up_to_even_classes(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    lines = patients.read_text().splitlines()
    name = lines[1].split(",")[1]
    few = [line for line in lines[1:] if line.split(",")[1] == name][:20]
    rest = [line for line in lines[1:] if line.split(",")[1] != name]
    (tmp_path / "uneven.csv").write_text("\n".join([lines[0], *few, *rest]) + "\n")
    assert cohortsmith("fit", tmp_path / "uneven.csv", "--family", "mvn", "--out", tmp_path / "m").code == 0
    done = cohortsmith("sample", tmp_path / "m", "--balance", "--out", tmp_path / "more.csv")
    assert done.code == 0, done.err
    real = read_cohort(tmp_path / "uneven.csv").class_counts()
    added = counts(drawn(tmp_path / "more.csv", patients))
    together = {c: real[c] + added.get(c, 0) for c in real}
    assert len(set(together.values())) == 1
    assert added == {name.strip('"'): max(real.values()) - 20}


def test_same_seed_same_file_another_seed_another(tmp_path: Path, model: Path, cohortsmith: Any) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert cohortsmith("sample", model, "--n", 20, "--seed", seed, "--out", tmp_path / f"{name}.csv").code == 0
    a, b, c = ((tmp_path / f"{name}.csv").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_evaluate_writes_report_and_metrics(tmp_path: Path, patients: Path, model: Path, cohortsmith: Any) -> None:
    lines = patients.read_text().splitlines()
    (tmp_path / "train.csv").write_text("\n".join([lines[0], *lines[1:101]]) + "\n")
    (tmp_path / "holdout.csv").write_text("\n".join([lines[0], *lines[101:]]) + "\n")
    assert cohortsmith("sample", model, "--n", 100, "--out", tmp_path / "virtual.csv").code == 0
    files = [word for name in ("train", "holdout") for word in (f"--{name}", tmp_path / f"{name}.csv")]
    line = ["evaluate", *files, "--synthetic", tmp_path / "virtual.csv", "--label", "label", "--only", "wasserstein"]
    done = cohortsmith(*line, "--seed", 0, "--out", tmp_path / "card")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == str(tmp_path / "card" / "report.html")
    assert sorted(entry.name for entry in (tmp_path / "card").iterdir()) == ["metrics.json", "report.html"]
    (metric,) = json.loads((tmp_path / "card" / "metrics.json").read_text())["metrics"]
    assert {"name", "value", "low", "high", "reference", "chance", "direction", "status"} <= set(metric)
    assert metric["name"] == "wasserstein"
    assert metric["status"] == "ok"


def test_label_and_scale_of_train_hold_for_all_three_files(tmp_path: Path, cohortsmith: Any) -> None:
    # The holdout alone looks like small log values and has its genes in another order; train says counts.
    head, other = "sample_id,outcome,a,b,c", "sample_id,outcome,c,a,b"
    rows = [f"s{i},{'high' if i % 2 else 'low'},{i * 37 % 900},{i * 53 % 700},{1 + i % 5}" for i in range(60)]
    small = [f"h{i},{'high' if i % 2 else 'low'},{i % 3 + 1},{i % 7},{i % 4}" for i in range(40)]
    (tmp_path / "train.csv").write_text("\n".join([head, *rows]) + "\n")
    (tmp_path / "rest.csv").write_text("\n".join([other, *small]) + "\n")
    line = ["evaluate", "--train", tmp_path / "train.csv", "--holdout", tmp_path / "rest.csv"]
    line += ["--synthetic", tmp_path / "train.csv", "--label", "outcome", "--only", "wasserstein"]
    done = cohortsmith(*line, "--out", tmp_path / "card")
    assert done.code == 0, done.err


def test_simulate_writes_as_many_patients_as_asked(tmp_path: Path, cohortsmith: Any) -> None:
    for name in ("a", "b"):
        line = [
            "data",
            "simulate",
            "simulated-expression",
            "--n",
            60,
            "--seed",
            5,
            "--out",
            tmp_path / f"{name}.parquet",
        ]
        assert cohortsmith(*line, "--out", tmp_path / f"{name}.parquet").code == 0
    first, second = (read_cohort(tmp_path / f"{name}.parquet") for name in "ab")
    assert len(first) == 60
    assert first.digest() == second.digest()
