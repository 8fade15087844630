"""What leaves is what was audited: the copy, only files of the cohort, and a folder that agrees with itself."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from cohortsmith.app.release.audit_case import case_of_run
from cohortsmith.app.release.ledger import patients_digest
from cohortsmith.app.release.samples import copied, files_of
from cohortsmith.app.release.verification import stamp
from cohortsmith.data import DataError
from cohortsmith.evaluation import privacy

if TYPE_CHECKING:
    from collections.abc import Callable


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def exchanging(monkeypatch: pytest.MonkeyPatch, file: Callable[[], Path], content: bytes) -> None:
    """Have the audit write other content into a file while it attacks."""
    attack = privacy.audit

    def audit(*cohorts: Any, **options: Any) -> Any:
        file().write_bytes(content)
        return attack(*cohorts, **options)

    monkeypatch.setattr(privacy, "audit", audit)


def test_a_file_exchanged_during_the_audit_never_leaves(
    work: Path, tmp_path: Path, cohortsmith: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(work / "run-mvn", tmp_path / "runs" / "mine")
    audited = sha256(run / "synthetic.csv")
    other = (work / "run-bootstrap" / "synthetic.csv").read_bytes()
    exchanging(monkeypatch, lambda: run / "synthetic.csv", other)
    done = cohortsmith("release", run, "--policy", work / "easy.toml", "--out", tmp_path / "out")
    assert done.code == 0, (done.out, done.err)
    assert sha256(run / "synthetic.csv") != audited
    assert sha256(tmp_path / "out" / "synthetic.csv") == audited
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["stamp"]["sha256"]["samples"] == {
        "synthetic.csv": audited
    }
    assert cohortsmith("verify", tmp_path / "out").code == 0


def test_a_copy_exchanged_during_the_audit_is_refused(
    work: Path, tmp_path: Path, cohortsmith: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(work / "run-mvn", tmp_path / "runs" / "mine")
    other = (work / "run-bootstrap" / "synthetic.csv").read_bytes()
    exchanging(monkeypatch, lambda: next(tmp_path.glob(".out*")) / "synthetic.csv", other)
    done = cohortsmith("release", run, "--policy", work / "easy.toml", "--out", tmp_path / "out")
    assert done.code == 2
    assert "synthetic.csv changed while it was audited" in done.err
    assert not (tmp_path / "out").exists()
    assert not (run.parent / "releases.jsonl").exists()


def pictures(folder: Path) -> Path:
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
        Image.fromarray(np.zeros((28, 28, 3), np.uint8)).save(folder / label / "1.png")
    return folder


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("notes.txt", "synthetic/notes.txt is not read"),
        ("a/list.csv", "synthetic/a/list.csv is not read"),
        (".hidden.png", "synthetic/.hidden.png is hidden"),
        (".cache/1.png", "synthetic/.cache is hidden"),
        ("a/b/c/d/1.png", "synthetic/a/b/c/d/1.png is not read"),
    ],
)
def test_only_files_of_the_cohort_are_copied(tmp_path: Path, name: str, words: str) -> None:
    samples = pictures(tmp_path / "synthetic")
    (tmp_path / "out").mkdir()
    copied(samples, tmp_path / "out")
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert names == ["synthetic/a/1.png", "synthetic/b/1.png"]
    (samples / name).parent.mkdir(parents=True, exist_ok=True)
    (samples / name).touch()
    with pytest.raises(DataError, match=words):
        files_of(samples)


def test_links_are_refused_by_name(work: Path, tmp_path: Path, cohortsmith: Any) -> None:
    samples = pictures(tmp_path / "synthetic")
    (samples / "a" / "2.png").symlink_to(samples / "a" / "1.png")
    with pytest.raises(DataError, match=r"synthetic/a/2\.png is a symbolic link"):
        files_of(samples)
    (samples / "a" / "2.png").unlink()
    (samples / "c").symlink_to(samples / "a")
    with pytest.raises(DataError, match="synthetic/c is a symbolic link"):
        files_of(samples)
    run = shutil.copytree(work / "run-mvn", tmp_path / "runs" / "mine")
    (run / "synthetic.csv").rename(tmp_path / "elsewhere.csv")
    (run / "synthetic.csv").symlink_to(tmp_path / "elsewhere.csv")
    for command in ("audit", "release"):
        done = cohortsmith(command, run, "--out", tmp_path / "out")
        assert done.code == 2
        assert "synthetic.csv is a symbolic link" in done.err


def edit(path: Path, change: Callable[[Any], object]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value, indent=2) + "\n")


def restamped(released: Path, tmp_path: Path, name: str, change: Callable[[Any], object]) -> Path:
    """A copy of a release with one JSON file edited and all checksums made anew."""
    copy = shutil.copytree(released, tmp_path / "copy", dirs_exist_ok=True)
    edit(copy / name, change)
    stamp(copy)
    return copy


EDITS: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "decision": ("audit.json", lambda v: v.update(decision="fail"), "the decision is 'fail'"),
    "outcome": ("audit.json", lambda v: v["criteria"][0].update(outcome="fail"), "decision"),
    "figure": ("audit.json", lambda v: v["criteria"][0].update(value=0.9), "is not what its own figure"),
    "limit": ("audit.json", lambda v: v["policy"]["criteria"]["inference"].update(limit=0.01), "limits of its policy"),
    "samples": (
        "audit.json",
        lambda v: v["stamp"]["sha256"]["samples"].update({"synthetic.csv": "0" * 64}),
        "samples it audited are not those",
    ),
    "card": ("data_card.json", lambda v: v["audit"].update(policy="mine"), "its audit is not that of audit.json"),
    "text": ("model_card.json", lambda v: v.update(family="vae"), "model_card.md does not say"),
    "warning": ("data_card.json", lambda v: v.update(warning="forced"), "release by force"),
    "nothing": ("audit.json", lambda v: v.pop("stamp"), "lacks what a release states"),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_restamped_release_contradicts_itself(name: str, released: Path, tmp_path: Path, cohortsmith: Any) -> None:
    file, change, words = EDITS[name]
    done = cohortsmith("verify", restamped(released, tmp_path, file, change))
    assert done.code == 1
    assert words in done.err


def test_exchanged_samples_and_links_are_seen(released: Path, work: Path, tmp_path: Path, cohortsmith: Any) -> None:
    copy = shutil.copytree(released, tmp_path / "copy")
    shutil.copy(work / "run-bootstrap" / "synthetic.csv", copy)
    stamp(copy)
    done = cohortsmith("verify", copy)
    assert done.code == 1
    assert "the samples it audited are not those in this folder" in done.err
    linked = shutil.copytree(released, tmp_path / "linked")
    (linked / "synthetic.csv").unlink()
    (linked / "synthetic.csv").symlink_to(released / "synthetic.csv")
    done = cohortsmith("verify", linked)
    assert done.code == 1
    assert "synthetic.csv is a symbolic link" in done.err


def test_a_run_whose_cohort_declares_covariates_is_audited(work: Path, tmp_path: Path, cohortsmith: Any) -> None:
    head, *rows = (work / "patients.csv").read_text().splitlines()
    table = [f"{head},dose", *(f"{row},{at % 7}" for at, row in enumerate(rows))]
    (tmp_path / "patients.csv").write_text("\n".join(table) + "\n")
    text = (work / "mvn.toml").read_text().replace(str(work), str(tmp_path))
    (tmp_path / "mvn.toml").write_text(text.replace("[generator]", 'covariates = ["dose"]\n[generator]'))
    made = cohortsmith("run", tmp_path / "mvn.toml", "--runs", tmp_path / "runs", "--json")
    assert made.code == 0, made.err
    done = cohortsmith("audit", json.loads(made.out)["run"], "--out", tmp_path / "out")
    assert done.code in (0, 3), (done.out, done.err)


def test_a_private_release_states_no_sizes_and_no_digests(tmp_path: Path, work: Path, cohortsmith: Any) -> None:
    patients = tmp_path / "patients.csv"
    made_of = ("data", "simulate", "simulated-expression", "--n", 1403, "--genes", 10, "--classes", 2)
    assert cohortsmith(*made_of, "--out", patients).code == 0
    text = (work / "mvn.toml").read_text().replace('"mvn"', '"vae"\nsettings = { dp_epsilon = 3, steps = 2 }')
    text = text.replace(str(work / "patients.csv"), str(patients))
    (tmp_path / "vae.toml").write_text(text.replace("[generator]", 'scale = "counts"\n[generator]'))
    made = cohortsmith("run", tmp_path / "vae.toml", "--runs", tmp_path / "runs", "--json")
    assert made.code == 0, made.err
    run = Path(json.loads(made.out)["run"])
    line = ("release", run, "--policy", work / "easy.toml", "--force")
    assert cohortsmith(*line, "--out", tmp_path / "out").code == 0
    told = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert told["sizes"]["train"] == told["attacks"][0]["n_members"] == "not stated (differential privacy)"
    assert set(told["digests"]) == {"synthetic"}
    budget = json.loads((tmp_path / "out" / "model_card.json").read_text())["differential privacy"]
    assert budget["delta"] == 0.0002  # a tenth of one over 982 patients, rounded up
    assert budget["sample_rate"] == budget["charges"] == "not stated (differential privacy)"
    case = case_of_run(str(run))
    train, holdout = case.train, case.holdout
    assert case.cohort is not None
    sizes = {len(side) for side in (train, holdout, case.cohort)}
    sizes |= {n for side in (train, holdout, case.cohort) for n in side.class_counts().values()}
    assert min(sizes) > 100  # so that none of them is met by chance
    hidden = {str(n) for n in sizes} | {f"{n:,}" for n in sizes} | {sha256(patients)}
    hidden |= {side.digest() for side in (train, holdout, case.cohort)}
    hidden |= {patients_digest(side) for side in (train, holdout, case.cohort)}
    ledger = run.parent / "releases.jsonl"
    for path in (*(tmp_path / "out").glob("*.*"), ledger):
        if path.suffix in (".json", ".md", ".jsonl", ".html"):
            text = path.read_text()
            text = re.sub(r"(?s)<(style|script|svg).*?</\1>", " ", text)
            found = hidden & set(re.findall(r"(?<![\w.])[\w,]*\w(?![\w]|\.\d)", text))
            assert not found, (path.name, found)
    assert cohortsmith("verify", tmp_path / "out").code == 0
