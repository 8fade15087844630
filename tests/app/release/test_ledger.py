"""The ledger of releases: a second release of the same patients counts the first, and nothing is written by halves."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cohortsmith.app.release import ledger
from cohortsmith.app.release.audit_case import case_of_run
from cohortsmith.app.release.ledger import (
    LEDGER,
    Release,
    key_of,
    patients_digest,
    pooled_rows,
    read_ledger,
    recorded,
    released_before,
    runs_folder,
)
from cohortsmith.data import DataError, read_cohort, simulate, write_cohort

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cohortsmith.data import Cohort

LINE = Release("2026-01-01", "p", "c", "run", 0, "m", "l", "s", 10, "pass")


def run_again(work: Path, runs: Path, cohortsmith: Any, extra: str, top: str = "") -> Path:
    """Another run of the Gaussian."""
    text = top + (work / "mvn.toml").read_text() + extra
    runs.mkdir(exist_ok=True)
    (runs / "more.toml").write_text(text)
    done = cohortsmith("run", runs / "more.toml", "--runs", runs, "--json")
    assert done.code == 0, done.err
    return runs / str(json.loads(done.out)["run"]).rsplit("/", 1)[-1]


@pytest.fixture
def first(work: Path, tmp_path: Path, cohortsmith: Any) -> Path:
    """A run that was released, in a folder of runs of its own."""
    run = shutil.copytree(work / "run-mvn", tmp_path / "runs" / "first")
    done = cohortsmith("release", run, "--policy", work / "easy.toml", "--out", tmp_path / "one")
    assert done.code == 0, (done.out, done.err)
    return run


def test_a_second_release_of_the_same_patients_says_so_and_counts_both(
    first: Path, work: Path, tmp_path: Path, cohortsmith: Any
) -> None:
    (line,) = read_ledger(first.parent)
    text = (first.parent / LEDGER).read_text()
    assert (line.run, line.rows, line.decision, line.forced) == ("first", 280, "pass", False)
    assert "patients.csv" not in text
    second = run_again(work, first.parent, cohortsmith, "[sample]\nn = 150\n")
    done = cohortsmith("release", second, "--policy", work / "easy.toml", "--out", tmp_path / "two")
    assert done.code == 0, (done.out, done.err)
    words = "the same patients were released before: 1 release, 430 rows in all with this one; both are counted"
    assert words in " ".join(done.out.split())
    told = json.loads((tmp_path / "two" / "audit.json").read_text())
    assert any(words in note for note in told["notes"])
    for card in ("model", "data"):
        assert words in (tmp_path / "two" / f"{card}_card.md").read_text()
    assert cohortsmith("verify", tmp_path / "two").code == 0
    assert len(read_ledger(first.parent)) == 2
    again = cohortsmith("audit", first, "--policy", work / "easy.toml", "--out", tmp_path / "again")
    assert "1 release, 430 rows" in " ".join(again.out.split())  # its own file counts once


def test_copies_released_before_fail_the_next_release(work: Path, tmp_path: Path, cohortsmith: Any) -> None:
    for family in ("mvn", "bootstrap"):
        shutil.copytree(work / f"run-{family}", tmp_path / "runs" / family)
    policy = ("--policy", work / "easy.toml", "--out")
    refused = cohortsmith("release", tmp_path / "runs" / "bootstrap", "--force", *policy, tmp_path / "one")
    assert refused.code == 1  # copies are never released; an older ledger may hold some
    case = case_of_run(str(tmp_path / "runs" / "bootstrap"))
    assert case.cohort is not None
    key = key_of(tmp_path / "runs", make=True)
    old = replace(
        LINE,
        patients=patients_digest(case.train, key),
        cohort=patients_digest(case.cohort, key),
        run="bootstrap",
        samples=patients_digest(case.synthetic),
        rows=len(case.synthetic),
        decision="fail",
        forced=True,
    )
    with recorded(tmp_path / "runs", old, 0):
        pass
    done = cohortsmith("audit", tmp_path / "runs" / "mvn", *policy, tmp_path / "two", "--json")
    assert done.code == 1, (done.out, done.err)
    told = {row["name"]: row for row in json.loads(done.out)["criteria"]}
    assert told["exact_copies"]["outcome"] == "fail"
    assert "counted with the rows released before" in told["exact_copies"]["note"]


@pytest.mark.slow
def test_what_cannot_be_counted_is_no_pass(first: Path, work: Path, tmp_path: Path, cohortsmith: Any) -> None:
    other = run_again(work, first.parent, cohortsmith, "", "seed = 4\n")
    out = ("--policy", work / "easy.toml", "--out")
    done = cohortsmith("release", other, *out, tmp_path / "other")
    assert done.code == 3, (done.out, done.err)
    assert "other patients of the same cohort cannot be counted" in " ".join(done.out.split())
    second = run_again(work, first.parent, cohortsmith, "[sample]\nn = 150\n")
    (first / "synthetic.csv").write_text((second / "synthetic.csv").read_text())
    done = cohortsmith("release", second, *out, tmp_path / "two")
    assert done.code == 3, (done.out, done.err)
    assert "1 earlier release of the same patients cannot be counted" in " ".join(done.out.split())
    assert not (tmp_path / "two").exists()
    assert len(read_ledger(first.parent)) == 1


def test_an_interrupted_release_is_not_recorded(
    work: Path, tmp_path: Path, cohortsmith: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cohortsmith.app.release import release as module

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    run = shutil.copytree(work / "run-mvn", tmp_path / "runs" / "first")
    monkeypatch.setattr(module, "put_in_place", interrupted)
    cohortsmith("release", run, "--policy", work / "easy.toml", "--out", tmp_path / "one")
    assert read_ledger(run.parent) == []
    assert sorted(path.name for path in run.parent.iterdir()) == [".releases.key", "first"]
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_records_are_whole_and_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded(tmp_path, LINE, 0):
        assert read_ledger(tmp_path) == []
    assert read_ledger(tmp_path) == [LINE]
    with pytest.raises(DataError, match="released while this audit ran"), recorded(tmp_path, LINE, 0):
        pass
    monkeypatch.setattr(ledger, "_PATIENCE", 0.0)
    (tmp_path / ".releases.lock").touch()
    with pytest.raises(DataError, match=r"delete .*\.releases\.lock"), recorded(tmp_path, LINE, 1):
        pass
    (tmp_path / LEDGER).write_text("nothing\n")
    with pytest.raises(DataError, match="line 1"):
        read_ledger(tmp_path)


def test_a_family_of_a_comparison_belongs_to_the_folder_of_runs(tmp_path: Path) -> None:
    (tmp_path / "runs" / "both" / "families" / "mvn").mkdir(parents=True)
    (tmp_path / "runs" / "both" / "study.json").touch()
    assert runs_folder(tmp_path / "runs" / "both" / "families" / "mvn") == (tmp_path / "runs").resolve()
    assert runs_folder(tmp_path / "runs" / "one") == (tmp_path / "runs").resolve()


@pytest.mark.parametrize("name", ["simulated-expression", "tp53-cohort", "simulated-cells"])
def test_pooled_rows_are_those_of_both(name: str) -> None:
    one, two = simulate(name, 30, seed=0), simulate(name, 20, seed=1)
    both = pooled_rows(one, two.take(two.y == two.y[0]))
    assert len(both) == 30 + int((two.y == two.y[0]).sum())
    assert len(np.unique(both.subjects)) == len(both)
    assert both.labels[:30].tolist() == one.labels.tolist()


def signed(cohort: Cohort) -> Cohort:
    """The cohort with every second zero below zero."""
    x = cohort.x.copy()
    x[::2][x[::2] == 0] = -0.0
    return replace(cohort, x=x)


EXPRESSION = simulate("simulated-expression", 60, seed=0, genes=12, classes=2)
SAME: dict[str, Callable[[Cohort], Cohort]] = {
    "order of patients": lambda c: c.take(np.random.default_rng(0).permutation(len(c))),
    "order of genes": lambda c: replace(c, x=c.x[:, ::-1], features=c.features[::-1]),
    "sign of zero": signed,
    "float64": lambda c: replace(c, x=c.x.astype(np.float64)),
    "ids": lambda c: replace(c, obs=c.obs.set_axis([f"p{row}" for row in range(len(c))])),
    "labels": lambda c: replace(c, y=1 - c.y),
}


@pytest.mark.parametrize("how", SAME)
def test_the_same_patients_have_one_digest_however_they_are_put(how: str) -> None:
    x = EXPRESSION.x.copy()
    x[:5, :3] = 0
    cohort = replace(EXPRESSION, x=x)
    assert patients_digest(SAME[how](cohort), b"k") == patients_digest(cohort, b"k")


@pytest.mark.parametrize("suffix", [".csv", ".tsv.gz", ".parquet", ".h5ad"])
def test_the_same_patients_in_another_format_have_one_digest(suffix: str, tmp_path: Path) -> None:
    write_cohort(EXPRESSION, tmp_path / f"patients{suffix}")
    assert patients_digest(read_cohort(tmp_path / f"patients{suffix}")) == patients_digest(EXPRESSION)


def test_other_patients_and_other_secrets_have_other_digests() -> None:
    changed = EXPRESSION.x.copy()
    changed[3, 2] += 1
    others = [EXPRESSION.take(np.arange(59)), replace(EXPRESSION, x=changed)]
    assert len({patients_digest(cohort) for cohort in (EXPRESSION, *others)}) == 3
    assert patients_digest(EXPRESSION, b"one") != patients_digest(EXPRESSION, b"two")


def test_a_cohort_saved_anew_is_recognised_and_a_lost_secret_is_told(
    first: Path, work: Path, tmp_path: Path, cohortsmith: Any
) -> None:
    assert b"".join(path.read_bytes() for path in first.parent.glob("releases.jsonl")).count(b"\n") == 1
    case = case_of_run(str(first))
    line = read_ledger(first.parent)[0]
    assert line.patients != patients_digest(case.train)  # whoever has the file alone cannot look it up
    shuffled = case.train.take(np.random.default_rng(1).permutation(len(case.train)))
    before = released_before(first, shuffled, shuffled, "another")
    assert len(before.same) == 1
    assert before.rows is not None
    assert "1 release, 560 rows in all" in before.note(280)
    (first.parent / ".releases.key").unlink()
    done = cohortsmith("audit", first, "--out", tmp_path / "out")
    assert done.code == 2
    assert "put it back" in done.err
