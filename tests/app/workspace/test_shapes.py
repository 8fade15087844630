"""JSON of odd shapes: every reader says so in one line, and a list of results goes on without the odd one."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.app.background import fit_jobs
from cohortsmith.app.background.audit_jobs import DECISIONS, find, name_of
from cohortsmith.app.release.audit_case import case_of_run
from cohortsmith.app.workspace.folders import read_json, write_json
from cohortsmith.app.workspace.progress import checkpointed, rows_so_far, standing_of
from cohortsmith.app.workspace.workspace import Workspace, digests, read_synthetic_of
from cohortsmith.data import DataError
from cohortsmith.evaluation.privacy.audit_json import read_audit
from cohortsmith.generators import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ODD = ["[]", "3", "null", '"text"', "{", "", "NaN", '{"a": NaN}', "\ud800", "[" * 5000]
# A key of config.json or metrics.json, and what it may not be.
WRONG: dict[str, list[tuple[str, Any]]] = {
    "config.json": [
        ("generator", []),
        ("generator", {"family": 3}),
        ("data", [1]),
        ("data", {"cohort": {}}),
        ("seed", "three"),
        ("seed", 1.5),
    ],
    "metrics.json": [
        ("metrics", {}),
        ("metrics", [3]),
        ("metrics", [{"name": "auc"}]),
        ("metrics", [{"name": "auc", "status": "ok", "value": "high"}]),
        ("digests", []),
    ],
}
CASES = [(name, key, value) for name, cases in WRONG.items() for key, value in cases]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, patients: Path, cohortsmith: Callable[..., Any]) -> Path:
    """A folder with one whole run."""
    folder = tmp_path_factory.mktemp("shapes")
    text = f'name = "whole"\n[data]\ncohort = {json.dumps(str(patients))}\n[generator]\nfamily = "mvn"\n'
    (folder / "plan.toml").write_text(text + '[evaluation]\nonly = ["wasserstein"]\n')
    assert cohortsmith("run", folder / "plan.toml", "--runs", folder / "runs").code == 0
    return folder / "runs"


@pytest.fixture
def odd(runs: Path, tmp_path: Path) -> Path:
    """A copy of the whole run beside it, to be spoilt."""
    (whole,) = runs.iterdir()
    shutil.copytree(runs, tmp_path / "runs")
    shutil.copytree(whole, tmp_path / "runs" / "odd")
    return tmp_path / "runs" / "odd"


def spoil(path: Path, key: str, value: Any) -> None:
    write_json(path, json.loads(path.read_text(encoding="utf-8")) | {key: value})


def write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))


def one_line(error: DataError, name: str, key: str = "") -> None:
    assert "\n" not in str(error)
    assert name in str(error)
    assert key in str(error)


@pytest.mark.parametrize(("name", "key", "value"), CASES)
def test_an_odd_run_is_named_and_the_others_are_listed(
    odd: Path, cohortsmith: Callable[..., Any], name: str, key: str, value: Any
) -> None:
    spoil(odd / name, key, value)
    done = cohortsmith("runs", "list", "--runs", odd.parent, "--json")
    assert done.code == 0, done.err
    states = {row["run"]: row["state"] for row in json.loads(done.out)}
    assert states.pop("odd").startswith(f"corrupt: {name}: {key}")
    assert list(states.values()) == ["finished"]
    assert cohortsmith("runs", "list", "--runs", odd.parent).code == 0
    shown = cohortsmith("runs", "show", "odd", "--runs", odd.parent)
    assert shown.code == 2
    assert f"odd is corrupt: {name}: {key}" in shown.err
    audited = cohortsmith("audit", odd, "--out", odd.parent.parent / "audited")
    assert audited.code == 2
    assert audited.err.splitlines()[-1].startswith(f"error: {odd / name}: {key}")


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("name", ["config.json", "metrics.json"])
def test_a_run_with_an_odd_file_is_named(odd: Path, name: str, text: str) -> None:
    write(odd / name, text)
    entries = {entry.name: entry for entry in Workspace(odd.parent).entries()}
    assert entries.pop("odd").reason.startswith(name)
    assert [entry.state for entry in entries.values()] == ["finished"]
    with pytest.raises(DataError) as refusal:
        case_of_run(str(odd))
    one_line(refusal.value, name)


@pytest.mark.parametrize("key", ["data", "generator", "seed"])
def test_a_run_that_does_not_say_what_it_was_made_with_is_refused(odd: Path, key: str) -> None:
    facts = json.loads((odd / "config.json").read_text())
    del facts[key]
    write_json(odd / "config.json", facts)
    place = Workspace(odd.parent)
    whole = place.real(next(entry.folder for entry in place.entries() if entry.name != "odd"))
    for read in (
        place.real,
        lambda folder: read_synthetic_of(folder, whole.train),
        lambda folder: case_of_run(str(folder)),
    ):
        with pytest.raises(DataError) as refusal:
            read(odd)
        one_line(refusal.value, "config.json", f"{key} is missing")


def test_keys_of_other_versions_are_left_aside(odd: Path) -> None:
    facts = json.loads((odd / "config.json").read_text())
    facts["data"]["later"] = {"more": 1}
    write_json(odd / "config.json", facts | {"later": [1]})
    assert len(Workspace(odd.parent).real(odd).train) == 105
    assert digests(odd)


@pytest.mark.parametrize(
    ("marker", "facts", "key"),
    [
        ("comparison.json", {"families": {}}, "families"),
        ("comparison.json", {"families": [{"family": "mvn"}]}, "families.0.metrics is missing"),
        ("study.json", {"families": [{"family": ["mvn"], "metrics": []}]}, "families.0.family"),
        ("study.json", {"sentences": "one"}, "sentences"),
        ("grid.json", {"data": ["sim"]}, "data"),
        ("grid.json", {"fusions": {"both": "a"}}, "fusions.both"),
        ("audit.json", {"decision": "perhaps"}, "decision"),
        ("audit.json", {"decision": "pass", "digests": [1]}, "digests"),
    ],
)
def test_other_results_of_an_odd_shape_are_named(tmp_path: Path, marker: str, facts: dict[str, Any], key: str) -> None:
    (tmp_path / "odd").mkdir()
    write_json(tmp_path / "odd" / marker, facts)
    (entry,) = Workspace(tmp_path).entries()
    assert entry.state == "corrupt"
    assert entry.reason.startswith(f"{marker}: {key}")
    assert entry.row()["families"] == []


@pytest.mark.parametrize(
    "told", [*ODD, "{}", '{"pid": "1", "born": 1.0, "started": "x"}', '{"pid": 1, "born": [], "started": "x"}']
)
def test_odd_jobs_are_no_jobs(tmp_path: Path, told: str) -> None:
    fit = tmp_path / fit_jobs.JOBS / "fit"
    fit.mkdir(parents=True)
    (fit / "experiment.toml").write_text("[data]\ncohort = 'x'\n[generator]\nfamily = 'mvn'\n")
    write(fit / "job.json", told)
    assert fit_jobs.jobs(tmp_path) == []
    audit = tmp_path / DECISIONS / name_of("audit", tmp_path / "run", tmp_path)
    audit.mkdir(parents=True)
    write(audit / "job.json", told)
    assert find("audit", tmp_path / "run", tmp_path) is None


@pytest.mark.parametrize("text", [*ODD, '{"stage": "resting"}', '{"stage": "training", "done": "1"}'])
def test_odd_progress_is_no_progress(tmp_path: Path, text: str) -> None:
    (tmp_path / "checkpoint").mkdir()
    write(tmp_path / "checkpoint" / "checkpoint.json", text)
    write(tmp_path / "progress.json", text)
    write(tmp_path / "train.jsonl", f'{text}\n{{"step": 1, "loss": 0.5}}\n{{"step": "2"}}\n')
    assert standing_of(tmp_path) is None
    assert checkpointed(tmp_path / "checkpoint") is None
    assert rows_so_far(tmp_path)[-1:] == [{"step": 1, "loss": 0.5}]


AUDIT: dict[str, Any] = {
    "policy": {"name": "house", "criteria": {"inference": {"limit": 0.09}}},
    "criteria": [],
    "attacks": [],
    "risks": {},
    "notes": [],
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"policy": []}, "policy: a JSON object was expected; got a list"),
        ({"policy": {"name": "x", "criteria": {"inference": {}}}}, "policy.criteria.inference.limit is missing"),
        (
            {"policy": {"name": "x", "criteria": {"worst_attack_auc": {"limit": 0.5}}}},
            "worst_attack_auc.block is missing",
        ),
        ({"criteria": [{"name": "inference"}]}, "criteria.0"),
        ({"attacks": [3]}, "attacks.0: a JSON object was expected; got a number"),
        ({"risks": []}, "risks: a JSON object"),
        ({"notes": [1]}, "notes.0: text was expected; got a number"),
    ],
)
def test_an_odd_audit_is_one_line(changes: dict[str, Any], words: str) -> None:
    assert read_audit(AUDIT).judged().judgements == ()
    with pytest.raises(DataError) as refusal:
        read_audit(AUDIT | changes)
    one_line(refusal.value, "audit.json", words)


@pytest.mark.parametrize("text", ODD)
def test_an_odd_card_of_a_model_is_one_line(model: Path, tmp_path: Path, text: str) -> None:
    shutil.copytree(model, tmp_path / "model")
    write(tmp_path / "model" / "model.json", text)
    with pytest.raises(DataError) as refusal:
        load(tmp_path / "model")
    one_line(refusal.value, "model.json")


@pytest.mark.parametrize(("key", "value"), [("history", {}), ("summary", []), ("settings", 3), ("schema", {"kind": 1})])
def test_a_card_with_an_odd_part_names_it(model: Path, tmp_path: Path, key: str, value: Any) -> None:
    shutil.copytree(model, tmp_path / "model")
    spoil(tmp_path / "model" / "model.json", key, value)
    with pytest.raises(DataError) as refusal:
        load(tmp_path / "model")
    one_line(refusal.value, "model.json", key)


@pytest.mark.parametrize("text", ODD)
def test_an_odd_object_is_one_line(tmp_path: Path, text: str) -> None:
    write(tmp_path / "any.json", text)
    with pytest.raises(DataError) as refusal:
        read_json(tmp_path / "any.json")
    one_line(refusal.value, "any.json")
