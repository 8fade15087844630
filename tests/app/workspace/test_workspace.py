"""What the app finds in the folder of runs: states, names that lead nowhere else, uploads."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.app.workspace.folders import write_json
from cohortsmith.app.workspace.workspace import LARGEST_UPLOAD, Workspace, fingerprint, read_synthetic_of, safe_name
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, patients: Path, cohortsmith: Callable[..., object]) -> Path:
    runs = tmp_path_factory.mktemp("workspace")
    plan = runs / "plan.toml"
    plan.write_text(
        f'name = "small"\n[data]\ncohort = {json.dumps(str(patients))}\n[generator]\nfamily = "mvn"\n'
        '[evaluation]\nonly = ["wasserstein"]\n'
    )
    cohortsmith("run", plan, "--runs", runs)
    (folder,) = (entry for entry in runs.iterdir() if entry.is_dir())
    return folder


@pytest.fixture
def place(tmp_path: Path, run_folder: Path) -> Workspace:
    shutil.copytree(run_folder, tmp_path / "runs" / run_folder.name)
    return Workspace(tmp_path / "runs")


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert Workspace(tmp_path / "none").entries() == []


def test_each_kind_of_folder_has_its_kind_and_state(place: Workspace, cohortsmith: Callable[..., Any]) -> None:
    markers = {"grid": ("grid.json", {}), "study": ("study.json", {}), "seen": ("audit.json", {"decision": "pass"})}
    for name, (marker, facts) in markers.items():
        (place.runs / name).mkdir()
        write_json(place.runs / name / marker, facts)
    (place.runs / "half").mkdir()
    write_json(place.runs / "half" / "config.json", {})
    (place.runs / "cut").mkdir()
    (place.runs / "cut" / "comparison.json").write_text('{"families": [')
    (place.runs / "other").mkdir()
    found = {entry.name: (entry.kind, entry.state) for entry in place.entries()}
    (whole,) = set(found) - {"grid", "study", "seen", "half", "cut"}
    assert found[whole] == ("run", "finished")
    assert found["grid"] == ("grid", "finished")
    assert found["study"] == ("study", "finished")
    assert found["seen"] == ("audit", "finished")
    assert found["half"] == ("run", "corrupt")
    assert found["cut"] == ("comparison", "corrupt")
    reasons = {entry.name: entry.reason for entry in place.entries()}
    assert "metrics.json is missing" in reasons["half"]
    assert "comparison.json is not readable" in reasons["cut"]
    listed = {row["run"]: row for row in json.loads(cohortsmith("runs", "list", "--runs", place.runs, "--json").out)}
    assert {name: (row["kind"], row["state"].split(":")[0]) for name, row in listed.items()} == found
    assert (listed[whole]["families"], listed["grid"]["families"]) == (["mvn"], [])
    for name, reason in (("half", "metrics.json is missing"), ("cut", "comparison.json is not readable")):
        refused = cohortsmith("runs", "show", name, "--runs", place.runs)
        assert refused.code == 2
        assert f"{name} is corrupt: {reason}" in refused.err


def test_a_part_of_a_name_finds_what_no_other_has(place: Workspace) -> None:
    for name in ("first-grid", "second-grid"):
        (place.runs / name).mkdir()
        write_json(place.runs / name / "grid.json", {"data": {"blood": {}}})
    assert place.find("first").name == "first-grid"
    assert place.find("first").row()["cohort"] == "blood"
    with pytest.raises(DataError, match="several names: first-grid, second-grid"):
        place.find("grid")


def test_a_list_of_results_tells_what_audits_decided(place: Workspace, cohortsmith: Callable[..., Any]) -> None:
    (place.runs / "asked").mkdir()
    write_json(place.runs / "asked" / "audit.json", {"decision": "not evaluable"})
    listed = {row["run"]: row for row in json.loads(cohortsmith("runs", "list", "--runs", place.runs, "--json").out)}
    assert listed["asked"]["decision"] == "not evaluable"
    assert {row["decision"] for name, row in listed.items() if name != "asked"} == {None}
    assert "not evaluable" in " ".join(cohortsmith("runs", "list", "--runs", place.runs).out.split())


@pytest.mark.parametrize("name", ["..", "../runs", "/", "a/b", "link", ".jobs", "", "C:\\runs"])
def test_a_name_leads_nowhere_else(place: Workspace, tmp_path: Path, run_folder: Path, name: str) -> None:
    (place.runs / "link").symlink_to(run_folder)
    (place.runs / ".jobs").mkdir()
    with pytest.raises(DataError, match="no results named"):
        place.find(name)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("/abs/olute.csv", "olute.csv"),
        ("..\\..\\x.csv", "x.csv"),
        (".hidden.csv", "hidden.csv"),
        ("<img src=x>.csv", "img_src_x_.csv"),
        ("ä ö\n.csv", "csv"),
    ],
)
def test_an_upload_stays_in_its_folder(name: str, kept: str) -> None:
    assert safe_name(name) == kept


def test_an_upload_is_kept_once_and_limited(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.keep_upload("../a.csv", b"sample_id,label\n")
    assert path.is_relative_to(place.runs / ".uploads")
    assert place.keep_upload("a.csv", b"sample_id,label\n") == path
    assert place.uploads() == [path]
    assert place.named(str(path)) == path.relative_to(place.runs).as_posix()
    with pytest.raises(DataError, match="unknown file type"):
        place.keep_upload("a.exe", b"x")
    with pytest.raises(DataError, match="is empty"):
        place.keep_upload("a.csv", b"")
    monkeypatch.setattr("cohortsmith.app.workspace.workspace.LARGEST_UPLOAD", 1)
    with pytest.raises(DataError, match="1 MB at most"):
        place.keep_upload("a.csv", bytes(1_000_001))
    assert LARGEST_UPLOAD >= 100


def test_an_upload_does_not_follow_a_link(place: Workspace, tmp_path: Path) -> None:
    path = place.keep_upload("a.csv", b"sample_id,label\n")
    outside = tmp_path / "outside.csv"
    outside.write_bytes(b"another one here")
    path.unlink()
    path.symlink_to(outside)
    place.keep_upload("a.csv", b"sample_id,label\n")
    assert outside.read_bytes() == b"another one here"
    assert path.read_bytes() == b"sample_id,label\n"


def test_the_real_patients_of_a_run_are_found_and_checked(place: Workspace) -> None:
    (entry,) = place.entries()
    sides = place.real(entry.folder)
    assert (len(sides.train), len(sides.holdout)) == (105, 45)
    virtual = read_synthetic_of(entry.folder, sides.train)
    assert virtual.features == sides.train.features
    figures = json.loads((entry.folder / "metrics.json").read_text())
    figures["digests"]["train"] = "0" * 16
    write_json(entry.folder / "metrics.json", figures)
    with pytest.raises(DataError, match="has changed since this run"):
        place.real(entry.folder)


def test_a_fingerprint_changes_with_any_file(place: Workspace) -> None:
    (entry,) = place.entries()
    before = fingerprint(entry.folder)
    assert fingerprint(entry.folder) == before
    (entry.folder / "model" / "more.txt").write_text("x")
    assert fingerprint(entry.folder) != before
