"""`cohortsmith audit`, `release` and `verify`: exit codes, what is written, and what is refused in one line."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cohortsmith.app.release.audit_case import case_of_run
from cohortsmith.data import read_cohort, write_cohort
from cohortsmith.evaluation.core import NotEvaluable
from cohortsmith.evaluation.spaces import Comparison


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
    (tmp_path / "strict.toml").write_text("[worst_attack_auc]\nlimit = 0.5\nblock = 0.51\n")
    line = ("audit", work / "run-mvn", "--samples-only", "--policy", tmp_path / "strict.toml", "--out", tmp_path / "b")
    done = cohortsmith(*line, "--json")
    told = json.loads(done.out)
    assert (done.code, told["decision"]) == (3, "not evaluable")
    assert any("--folds 10" in step["command"] for step in told["next_steps"])
    assert any("Not excluded, on all patients" in words for words in told["first_lines"])


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
    assert data["audit"]["decision"] == "Passed under looser limits than the default"
    assert "Membership: worst attack, AUC: limit 0.75 (default 0.55)" in data["audit"]["limits looser than the default"]
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


def test_copies_are_not_released_even_by_force(tmp_path: Path, work: Path, cohortsmith: Any) -> None:
    run = shutil.copytree(work / "run-bootstrap", tmp_path / "runs" / "copies")
    done = cohortsmith("release", run, "--policy", work / "easy.toml", "--force", "--out", tmp_path / "out")
    assert done.code == 1
    assert "with or without --force: exact copies" in done.err
    assert not (tmp_path / "out").exists()
    assert not (run.parent / "releases.jsonl").exists()


def test_a_failed_audit_is_released_by_force_only_and_the_cards_say_so(
    tmp_path: Path, work: Path, cohortsmith: Any
) -> None:
    run = shutil.copytree(work / "run-mvn", tmp_path / "runs" / "mine")
    (tmp_path / "strict.toml").write_text("[worst_attack_auc]\nlimit = 0.5\nblock = 0.51\n")
    line = ("release", run, "--policy", tmp_path / "strict.toml", "--out", tmp_path / "out")
    done = cohortsmith(*line)
    assert done.code == 3
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


def test_a_run_is_judged_with_its_model_and_a_release_without(tmp_path: Path, work: Path, cohortsmith: Any) -> None:
    run = shutil.copytree(work / "run-mvn", tmp_path / "runs" / "mine")
    policy = ("--policy", work / "easy.toml", "--json", "--out")
    whole = json.loads(cohortsmith("audit", run, *policy, tmp_path / "whole").out)
    assert "white_box" in {row["name"] for row in whole["criteria"]}
    assert any("9720 more rows, drawn from the model" in note for note in whole["notes"])
    assert [step["command"] for step in whole["next_steps"]] == [f"cohortsmith release {run} --out released"]
    alone = json.loads(cohortsmith("audit", run, "--samples-only", *policy, tmp_path / "alone").out)
    assert "white_box" not in {row["name"] for row in alone["criteria"]}
    assert any("9720 more rows" in note for note in alone["notes"])
    assert cohortsmith("release", run, *policy[:2], "--out", tmp_path / "out").code == 0
    told = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert "white_box" not in {row["name"] for row in told["criteria"]}
    assert told["next_steps"] == []
    for path in (tmp_path / "out").iterdir():
        assert str(tmp_path) not in path.read_text(), path.name  # no path of this machine leaves


def test_three_files_are_audited_in_folds_by_the_command_that_is_advised(
    tmp_path: Path, cohortsmith: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = ("data", "simulate", "simulated-expression", "--n", 180, "--genes", 8, "--classes", 2, "--out", "all.csv")
    assert cohortsmith(*made).code == 0
    head, *rows = Path("all.csv").read_text().splitlines()
    for number, side in enumerate(("train", "my rest", "virtual")):
        Path(f"{side}.csv").write_text("\n".join([head, *rows[number::3]]) + "\n")
    files = ("--train", "train.csv", "--holdout", "my rest.csv", "--synthetic", "virtual.csv", "--family", "mvn")
    told = json.loads(cohortsmith("audit", *files, "--out", "one", "--json").out)
    assert told["decision"] == "not evaluable", told["criteria"]
    program, *line = shlex.split(next(s["command"] for s in told["next_steps"] if "--folds" in s["command"]))
    assert program == "cohortsmith"
    done = cohortsmith(*line)
    assert done.code in (0, 1, 3), done.err
    assert json.loads(Path("audited-in-folds/audit.json").read_text())["folds"] == 6


def test_folds_count_the_patients_of_train_and_holdout_together(tmp_path: Path, work: Path, cohortsmith: Any) -> None:
    lines = (work / "patients.csv").read_text().splitlines()
    (tmp_path / "few.csv").write_text("\n".join(lines[:101]) + "\n")
    text = (work / "mvn.toml").read_text().replace(str(work / "patients.csv"), str(tmp_path / "few.csv"))
    (tmp_path / "few.toml").write_text(f"{text}[audit]\nfolds = 4\n")
    made = cohortsmith("run", tmp_path / "few.toml", "--runs", tmp_path / "runs", "--json")
    assert made.code == 0, made.err
    run = json.loads(made.out)["run"]
    refused(cohortsmith("audit", run, "--folds", 0, "--out", tmp_path / "none"), "holdout", "40", "30", "--folds")
    done = cohortsmith("audit", run, "--out", tmp_path / "folds", "--json")
    assert done.code in (0, 1, 3), done.err
    told = json.loads(done.out)
    assert told["folds"] == 4  # as the experiment file says
    assert any("could not be asked" in note for note in told["notes"])


def test_folds_of_a_run_with_a_model_draw_ten_thousand_rows_each(
    work: Path, tmp_path: Path, cohortsmith: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cohortsmith.evaluation import privacy

    asked: dict[str, Any] = {}

    def fit_folds(*_: object, **options: Any) -> None:
        asked.update(options)
        raise NotEvaluable("no fold is needed here")

    monkeypatch.setattr(privacy, "fit_folds", fit_folds)
    done = cohortsmith("audit", work / "run-mvn", "--folds", 4, "--out", tmp_path / "out")
    assert done.code == 2, (done.out, done.err)
    assert (asked["folds"], asked["rows"]) == (4, 10_000)


def test_a_file_of_a_run_that_leaks_fails_whatever_its_folds_say(work: Path, tmp_path: Path, cohortsmith: Any) -> None:
    run = shutil.copytree(work / "run-mvn", tmp_path / "runs" / "mine")
    case = case_of_run(str(run))
    train = case.train
    noise = np.random.default_rng(0).normal(0, 0.2 * train.x.std(axis=0), train.x.shape)
    leaking = replace(case.synthetic, x=np.maximum(np.rint(train.x + noise), 0).astype(np.float32), y=train.y)
    write_cohort(leaking, run / "synthetic.csv")
    metrics = json.loads((run / "metrics.json").read_text())
    leaked = Comparison(train, case.holdout, read_cohort(run / "synthetic.csv", part=True)).synthetic
    metrics["digests"]["synthetic"] = leaked.digest()
    (run / "metrics.json").write_text(json.dumps(metrics))
    line = ("audit", run, "--folds", 3, "--policy", work / "easy.toml", "--out", tmp_path / "out", "--json")
    done = cohortsmith(*line)
    assert done.code == 1, (done.out, done.err)
    told = {row["name"]: row for row in json.loads(done.out)["criteria"]}
    assert told["worst_attack_auc"]["outcome"] == "fail"
    assert "in what is released itself" in told["worst_attack_auc"]["note"]
