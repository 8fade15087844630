"""`cohortsmith audit`, `release` and `verify`: exit codes, what is written, and what is refused in one line."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.app.release.audit_case import case_of_run

if TYPE_CHECKING:
    from pathlib import Path

# The cohort is too small for the default policy; this one lets every path be tested.
EASY = """
[worst_attack_auc]
limit = 0.75
block = 0.8
[worst_attack_tpr]
limit = 0.5
least = 50
[singling_out]
limit = 0.5
[linkability]
limit = 0.5
[inference]
limit = 0.5
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, cohortsmith: Any) -> Path:
    """A folder with patients, policies, and two runs: of a Gaussian and of copies."""
    folder = tmp_path_factory.mktemp("audit")
    line = ("data", "simulate", "simulated-expression", "--n", 400, "--genes", 10, "--classes", 2)
    assert cohortsmith(*line, "--out", folder / "patients.csv").code == 0
    (folder / "easy.toml").write_text(EASY)
    for family in ("mvn", "bootstrap"):
        text = f'[data]\ncohort = "{folder / "patients.csv"}"\n[generator]\nfamily = "{family}"\n'
        (folder / f"{family}.toml").write_text(text + '[evaluation]\nonly = ["wasserstein"]\n')
        done = cohortsmith("run", folder / f"{family}.toml", "--runs", folder / "runs", "--json")
        assert done.code == 0, done.err
        shutil.move(json.loads(done.out)["run"], folder / f"run-{family}")
    return folder


@pytest.fixture(scope="module")
def released(work: Path, cohortsmith: Any) -> Path:
    done = cohortsmith("release", work / "run-mvn", "--policy", work / "easy.toml", "--out", work / "released")
    assert done.code == 0, (done.out, done.err)
    return work / "released"


def refused(said: Any, *words: str) -> None:
    assert said.code == 2, (said.out, said.err)
    (line,) = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert said.out == ""
    for word in words:
        assert word in line


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_run_that_passes_ends_with_0_and_is_stamped(tmp_path: Path, work: Path, cohortsmith: Any) -> None:
    run = work / "run-mvn"
    done = cohortsmith("audit", run, "--policy", work / "easy.toml", "--out", tmp_path / "audited")
    assert done.code == 0, (done.out, done.err)
    assert done.out.splitlines()[-1] == str(tmp_path / "audited" / "audit.html")
    assert sorted(entry.name for entry in (tmp_path / "audited").iterdir()) == ["audit.html", "audit.json"]
    told = json.loads((tmp_path / "audited" / "audit.json").read_text())
    assert told["decision"] == "pass"
    assert {row["outcome"] for row in told["criteria"]} == {"pass"}
    hashes = told["stamp"]["sha256"]
    assert hashes["samples"] == {"synthetic.csv": sha256(run / "synthetic.csv")}
    assert hashes["model"]["model/model.safetensors"] == sha256(run / "model" / "model.safetensors")
    assert hashes["data"]["cohort (patients.csv)"] == sha256(work / "patients.csv")
    assert told["stamp"]["seed"] == 0
    assert told["stamp"]["version"]
    page = (tmp_path / "audited" / "audit.html").read_text()
    assert sha256(run / "synthetic.csv") in page


def test_copies_end_with_1_and_open_questions_with_3(tmp_path: Path, work: Path, cohortsmith: Any) -> None:
    done = cohortsmith("audit", work / "run-bootstrap", "--policy", work / "easy.toml", "--out", tmp_path / "a")
    assert done.code == 1, (done.out, done.err)
    done = cohortsmith("audit", work / "run-mvn", "--out", tmp_path / "b", "--json")
    told = json.loads(done.out)
    assert done.code == {"pass": 0, "fail": 1, "not evaluable": 3}[told["decision"]]
    assert told["decision"] != "pass"  # the default policy asks for 500 unseen patients


@pytest.mark.parametrize("name", ["tp53-cohort", "simulated-cells"])
def test_files_of_the_other_kinds_are_audited(tmp_path: Path, cohortsmith: Any, name: str) -> None:
    suffix = ".fasta" if name == "tp53-cohort" else ".npz"
    for side, seed, n in (("train", 0, 100), ("rest", 1, 100), ("virtual", 2, 60)):
        made = ("data", "simulate", name, "--n", n, "--seed", seed, "--out", tmp_path / f"{side}{suffix}")
        assert cohortsmith(*made).code == 0
    files = [tmp_path / f"{side}{suffix}" for side in ("train", "rest", "virtual")]
    line = ("audit", "--train", files[0], "--holdout", files[1], "--synthetic", files[2], "--out", tmp_path / "out")
    done = cohortsmith(*line, "--device", "cpu")
    assert done.code in (1, 3), (done.out, done.err)
    told = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert told["attacks"]
    again = cohortsmith("audit", "--train", files[0], "--holdout", files[1], "--synthetic", files[0], *line[-2:])
    refused(again, "--force")


def test_files_that_cannot_be_audited_are_refused(tmp_path: Path, work: Path, cohortsmith: Any) -> None:
    lines = (work / "patients.csv").read_text().splitlines()
    head, rows = lines[0], lines[1:]

    def put(name: str, some: list[str], top: str = head) -> Path:
        (tmp_path / name).write_text("\n".join([top, *some]) + "\n")
        return tmp_path / name

    train, rest, virtual = put("train.csv", rows[:250]), put("rest.csv", rows[250:]), put("virtual.csv", rows[150:250])
    out = ("--out", tmp_path / "out")
    refused(cohortsmith("audit", *out), "--train", "--holdout", "--synthetic")
    refused(cohortsmith("audit", "--train", train, "--synthetic", virtual, *out), "missing: --holdout")
    three = ("audit", "--train", train, "--holdout", rest, "--synthetic")
    overlap = put("overlap.csv", rows[200:])
    refused(cohortsmith("audit", "--train", train, "--holdout", overlap, "--synthetic", virtual, *out), "in train too")
    few = put("few.csv", rows[250:270])
    refused(cohortsmith("audit", "--train", train, "--holdout", few, "--synthetic", virtual, *out), "too few patients")
    fewer_genes = put("genes.csv", [row.rsplit(",", 1)[0] for row in rows[:50]], head.rsplit(",", 1)[0])
    refused(cohortsmith(*three, fewer_genes, *out), "synthetic lacks 1 of train's genes")
    assert cohortsmith("data", "simulate", "simulated-cells", "--n", 40, "--out", tmp_path / "cells.npz").code == 0
    refused(cohortsmith(*three, tmp_path / "cells.npz", *out))
    refused(cohortsmith(*three, virtual, "--shadows", 4, *out), "--family")
    refused(cohortsmith(*three, virtual, "--show-patients", *out), "images")
    for text, word in (
        ('[inference]\nlimit = "low"', "a number from 0 to 1 was expected"),
        ("[infrence]\nlimit = 0.1", "inference"),
    ):
        (tmp_path / "policy.toml").write_text(text)
        refused(cohortsmith(*three, virtual, "--policy", tmp_path / "policy.toml", *out), word)
    assert not (tmp_path / "out").exists()


def test_not_a_run_or_a_changed_run_is_refused(tmp_path: Path, work: Path, cohortsmith: Any) -> None:
    out = ("--out", tmp_path / "out")
    refused(cohortsmith("audit", tmp_path, *out), "config.json")
    refused(cohortsmith("audit", tmp_path / "absent", *out), "no run folder")
    refused(cohortsmith("audit", work / "run-mvn", "--label", "label", *out), "--label")
    changed = tmp_path / "run"
    shutil.copytree(work / "run-mvn", changed)
    lines = (changed / "synthetic.csv").read_text().splitlines()
    (changed / "synthetic.csv").write_text("\n".join(lines[:-1]) + "\n")
    refused(cohortsmith("audit", changed, *out), "synthetic")
    refused(cohortsmith("release", changed, *out), "synthetic")
    shutil.copy(work / "run-mvn" / "synthetic.csv", changed)
    config = json.loads((changed / "config.json").read_text())
    (changed / "config.json").write_text(json.dumps(config | {"seed": 5}))  # another split: its holdout was trained on
    refused(cohortsmith("audit", changed, *out), "train")
    assert not (tmp_path / "out").exists()


def test_a_release_holds_samples_cards_audit_and_checksums(work: Path, released: Path, cohortsmith: Any) -> None:
    names = {path.name for path in released.iterdir()}
    cards = {f"{kind}_card.{suffix}" for kind in ("data", "model") for suffix in ("md", "json")}
    assert names == {"SHA256SUMS", "audit.html", "audit.json", "synthetic.csv", *cards}
    assert (released / "synthetic.csv").read_bytes() == (work / "run-mvn" / "synthetic.csv").read_bytes()
    data, model = (json.loads((released / f"{kind}_card.json").read_text()) for kind in ("data", "model"))
    assert "warning" not in data
    assert data["audit"]["decision"] == "Passed these tests under these attackers"
    assert model["family"] == "mvn"
    assert model["learnt from"]["patients"] == 280
    assert data["not for"]
    ids = {line.split(",")[0] for line in (work / "patients.csv").read_text().splitlines()[1:]}
    for name in names - {"synthetic.csv"}:
        text = (released / name).read_text()
        assert str(work) not in text
        assert "anonymous" not in text.split("<script>")[0].lower()
        if name != "audit.html":
            assert not [one for one in ids if one in text.replace('"', " ").split()]
    done = cohortsmith("verify", released)
    assert done.code == 0
    refused(cohortsmith("release", work / "run-mvn", "--out", released, "--force"), "exists already")


def test_verify_names_what_has_changed(tmp_path: Path, released: Path, cohortsmith: Any) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(released, copy)
    for name in sorted(path.name for path in released.iterdir()):
        with (copy / name).open("a") as file:
            file.write(" ")
        done = cohortsmith("verify", copy)
        assert (done.code, name in done.err, done.out) == (1, True, "")
        shutil.copy(released / name, copy)
    (copy / "more.txt").write_text("mine")
    (copy / "audit.html").unlink()
    done = cohortsmith("verify", copy)
    assert done.code == 1
    assert "audit.html is missing" in done.err
    assert "more.txt was added" in done.err
    refused(cohortsmith("verify", tmp_path), "SHA256SUMS")


def test_a_failed_audit_is_released_by_force_only_and_the_cards_say_so(
    tmp_path: Path, work: Path, cohortsmith: Any
) -> None:
    line = ("release", work / "run-bootstrap", "--policy", work / "easy.toml", "--out", tmp_path / "out")
    done = cohortsmith(*line)
    assert done.code == 1
    assert "--force" in done.err
    assert not (tmp_path / "out").exists()
    assert cohortsmith(*line, "--force").code == 0
    for kind in ("data", "model"):
        assert "Released by force" in json.loads((tmp_path / "out" / f"{kind}_card.json").read_text())["warning"]
        assert "**Released by force" in (tmp_path / "out" / f"{kind}_card.md").read_text()
    assert cohortsmith("verify", tmp_path / "out").code == 0


@pytest.mark.parametrize("named_from", ["runs", "."])
def test_a_run_is_audited_from_anywhere_whose_cohort_is_named_from_above_it(
    named_from: str, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(work / "run-mvn", tmp_path / "runs" / "mine")
    (tmp_path / named_from / "given").mkdir()
    shutil.copy(work / "patients.csv", tmp_path / named_from / "given" / "patients.csv")
    config = json.loads((run / "config.json").read_text())
    config["data"]["cohort"] = "given/patients.csv"
    (run / "config.json").write_text(json.dumps(config))
    monkeypatch.chdir(work)
    assert len(case_of_run(str(run)).train) == 280
