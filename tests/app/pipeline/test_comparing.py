"""Several families on one split, beside what real data score."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.app.pipeline.comparing import settings_by_family
from cohortsmith.app.terminal.tables import KEY_METRICS
from cohortsmith.data import DataError
from cohortsmith.evaluation import METRICS

if TYPE_CHECKING:
    from pathlib import Path

TWO = ("--only", "wasserstein", "--only", "js_divergence")


def test_compare_writes_one_table_and_a_folder_a_family(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    out = tmp_path / "side"
    line = ["compare", patients, "--families", "diffusion,mvn,bootstrap", "--set", "diffusion.steps=20"]
    done = cohortsmith(*line, "--device", "cpu", *TWO, "--out", out)
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == str(out / "report.html")
    for word in ("real vs real", "diffusion", "mvn", "bootstrap", "chance"):
        assert word in done.out
    # What was found across the split is told before the first family is fitted.
    said = done.err.splitlines()
    assert next(i for i, text in enumerate(said) if "duplicates" in text) < next(
        i for i, text in enumerate(said) if "fitted in" in text
    )
    facts = json.loads((out / "comparison.json").read_text())
    assert [entry["family"] for entry in facts["families"]] == ["diffusion", "mvn", "bootstrap"]
    assert facts["sizes"]["train"] + facts["sizes"]["holdout"] == 150
    for family in ("diffusion", "mvn", "bootstrap"):
        assert {"config.json", "metrics.json", "report.html", "synthetic.csv", "train.jsonl"} <= {
            entry.name for entry in (out / family).iterdir()
        }
        assert f"{family}/report.html" in (out / "report.html").read_text()
    assert [entry.name for entry in tmp_path.iterdir()] == ["side"]
    (row,) = json.loads(cohortsmith("runs", "list", "--runs", tmp_path, "--json").out)
    assert row["kind"] == "comparison"
    assert cohortsmith("runs", "show", "side", "--runs", tmp_path).code == 0


def test_real_reference_does_not_depend_on_the_family(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    done = cohortsmith("compare", patients, "--families", "mvn,bootstrap", *TWO, "--out", tmp_path / "s", "--json")
    families = json.loads(done.out)["families"]
    references = [{m["name"]: m["reference"] for m in entry["metrics"]} for entry in families]
    assert references[0] == references[1]


def test_key_metrics_are_metrics_of_their_kind() -> None:
    kinds = {metric.name: metric.kinds for metric in METRICS}
    assert [name for kind, columns in KEY_METRICS.items() for name, _ in columns if kind not in kinds[name]] == []


def test_settings_reach_the_families_that_have_them() -> None:
    plans = settings_by_family(["diffusion", "mvn"], {"steps": 7}, "expression")
    assert plans == {"diffusion": {"steps": 7}, "mvn": {}}
    assert settings_by_family(["diffusion", "mvn"], {"diffusion.steps": 8}, "expression")["diffusion"] == {"steps": 8}


@pytest.mark.parametrize(
    ("families", "settings", "words"),
    [
        (["mvn"], {"steps": 7}, "steps"),
        (["mvn"], {"diffusion.steps": 7}, "diffusion"),
        (["mvn", "mvn"], {}, "more than once"),
        ([], {}, "--families"),
        (["mvm"], {}, "mvn"),
    ],
)
def test_wrong_families_and_settings_are_refused(families: list[str], settings: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        settings_by_family(families, settings, "expression")


@pytest.mark.parametrize("name", ["rank", "vae.rank"])
def test_setting_of_another_data_kind_is_refused_before_any_work(name: str) -> None:
    assert settings_by_family(["vae"], {name: 5}, "expression") == {"vae": {"rank": 5}}
    with pytest.raises(DataError, match="rank"):
        settings_by_family(["vae"], {name: 5}, "sequence")


def test_family_that_cannot_learn_is_left_out_and_told(
    tmp_path: Path, patients: Path, cohortsmith: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cohortsmith.app.pipeline import fitting
    from cohortsmith.generators import make_generator

    def refuse(family: str, **settings: Any) -> Any:
        generator = make_generator(family, **settings)
        if family == "bootstrap":
            monkeypatch.setattr(type(generator), "fit", refused)
        return generator

    def refused(*arguments: Any, **options: Any) -> None:
        raise DataError("too few patients")

    monkeypatch.setattr(fitting, "make_generator", refuse)
    line = ["compare", patients, "--families", "bootstrap,mvn", *TWO, "--out", tmp_path / "side"]
    done = cohortsmith(*line, "--json")
    assert done.code == 0, done.err
    facts = json.loads(done.out)
    assert facts["failed"] == [{"family": "bootstrap", "reason": "too few patients"}]
    assert [entry["family"] for entry in facts["families"]] == ["mvn"]
