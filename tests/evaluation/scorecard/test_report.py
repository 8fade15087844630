from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation import METRICS, evaluate
from cohortsmith.evaluation.html.report import write_report
from tests.evaluation.cohorts import patients

if TYPE_CHECKING:
    from pathlib import Path

from cohortsmith.evaluation import Report

KEYS = {"name", "value", "low", "high", "reference", "chance", "direction", "status"}


@pytest.fixture(scope="module")
def report() -> Report:
    return evaluate(patients(150, 1), patients(90, 2), patients(150, 3))


def test_all_metrics_in_order(report: Report) -> None:
    assert [e.name for e in report] == [m.name for m in METRICS if "expression" in m.kinds]
    assert report["tstr"].group == "utility"


def test_only_takes_names_and_helps_with_near_misses() -> None:
    sides = patients(150, 1), patients(90, 2), patients(150, 3)
    assert [e.name for e in evaluate(*sides, only="tstr")] == ["tstr"]
    assert [e.name for e in evaluate(*sides, only=["tstr", "wasserstein"])] == ["wasserstein", "tstr"]
    with pytest.raises(DataError, match="unknown metric 'tsrt': did you mean tstr"):
        evaluate(*sides, only="tsrt")
    with pytest.raises(DataError, match="seed must be 0 or more"):
        evaluate(*sides, seed=-1)


def test_one_metric_alone_gives_what_it_gives_among_all(report: Report) -> None:
    alone = evaluate(patients(150, 1), patients(90, 2), patients(150, 3), only="coverage")["coverage"]
    assert alone.to_json() == report["coverage"].to_json()


def test_json_has_the_contract_and_no_nan(report: Report, tmp_path: Path) -> None:
    write_report(report, tmp_path / "new" / "folder")
    text = (tmp_path / "new" / "folder" / "metrics.json").read_text()
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in metrics.json"))
    assert all(set(row) >= KEYS for row in found["metrics"])
    assert found["sizes"] == {"train": 150, "holdout": 90, "synthetic": 150, "genes": 12}
    assert found["seed"] == 0
    assert found["digests"]["train"] == report.comparison.train.digest()
    assert (tmp_path / "new" / "folder" / "report.html").stat().st_size > 1000
    tpr = next(row for row in found["metrics"] if row["name"] == "domias_tpr")
    assert tpr["value"] is None
    assert tpr["status"].startswith("not evaluable: ")


def test_nothing_half_written_when_a_file_cannot_be_replaced(report: Report, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").mkdir()
    with pytest.raises(DataError, match="cannot write the report"):
        write_report(report, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]


def test_the_table_shows_each_figure_beside_real_and_chance(report: Report) -> None:
    table = str(report)
    lines = {line.split()[0]: line for line in table.splitlines() if line.strip()}
    assert "train 150, holdout 90, synthetic 150" in table
    assert f"{report['tstr'].value:.3f}" in lines["tstr"]
    assert f"{report['tstr'].reference:.3f}" in lines["tstr"]
    assert "not evaluable" in lines["gan_leaks_tpr"]
    assert all(name in lines for name in ("fidelity", "utility", "privacy"))


def test_a_missing_class_is_noted() -> None:
    made = patients(150, 3)
    report = evaluate(patients(150, 1), patients(90, 2), made.take(made.y != 1), only="tstr")
    assert "no samples of b" in report.notes[0]
    assert "no samples of b" in str(report)
