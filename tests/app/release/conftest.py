"""A folder with patients, policies, and two runs, for the tests of audits and releases."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

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


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def released(work: Path, tmp_path_factory: pytest.TempPathFactory, cohortsmith: Any) -> Path:
    """A release of the Gaussian; its ledger is in a folder of its own, so that other tests find nothing released."""
    place = tmp_path_factory.mktemp("released")
    run = shutil.copytree(work / "run-mvn", place / "runs" / "run-mvn")
    done = cohortsmith("release", run, "--policy", work / "easy.toml", "--out", place / "released")
    assert done.code == 0, (done.out, done.err)
    return place / "released"
