"""Grids from TOML: what is wrong is told in one line before any work, and arms are what the roles mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.app.config.grid import Arm, arms_of, pretext_set, read_grid
from tests.app.grids import SMALL, TINY, grid, toml

if TYPE_CHECKING:
    from pathlib import Path

# What is changed in the small grid, into what, and words of the one line that says what is wrong.
WRONG = {
    "more labels than patients": ("labelled = [30]", "labelled = [3000]", ["3000", "train has 84", "full"]),
    "a class absent from the labelled part": ("labelled = [30]", "labelled = [1]", ["2 classes", "absent"]),
    "no word for a number of labels": ("labelled = [30]", 'labelled = ["third"]', ["third", "quarter"]),
    "a share above one": ("labelled = [30]", "labelled = [1.5]", ["1.5", "share"]),
    "no seeds": ("seeds = [0, 1]", "seeds = []", ["seeds", "at least one"]),
    "a seed twice": ("seeds = [0, 1]", "seeds = [1, 1]", ["seeds", "more than once"]),
    "a seed below zero": ("seeds = [0, 1]", "seeds = [-1]", ["at least 0"]),
    "unknown key": ("labelled = [30]", "labeled = [30]", ["labeled", "did you mean 'labelled'"]),
    "unknown key of data": ("[virtual]", "holdoutt = 0.2\n[virtual]", ["[data.sim]", "did you mean 'holdout'"]),
    "no validation": ("[virtual]", "validation = 0.0\n[virtual]", ["[data.sim]", "validation"]),
    "unknown key of virtual": ("ratios =", "ratio =", ["[virtual]", "did you mean 'ratios'"]),
    "unknown family": ('["mvn"]', '["mvm"]', ["mvm", "mvn"]),
    "unknown setting of a family": ("[fusions]", "[virtual.settings.mvn]\nsteps = 3\n[fusions]", ["mvn", "steps"]),
    "settings of another family": ("[fusions]", "[virtual.settings.gan]\n[fusions]", ["settings.gan", "not among"]),
    "family of another data kind": ('["mvn"]', '["pwm"]', ["[data.sim]", "pwm learns sequence"]),
    "unknown role": ('"both", ', '"booth", ', ["roles", "both"]),
    "a ratio below zero": ("ratios = [0,", "ratios = [-1,", ["ratios", "-1"]),
    "a ratio twice": ("ratios = [0, 1,", "ratios = [1, 1.0,", ["ratios", "more than once"]),
    "no virtual patients, alone": ("ratios = [0, 1, ", "ratios = [0, ", ["alone", "above 0"]),
    "unknown preset": ("steps = 5", 'steps = 5\npreset = "tcga-2012"', ["classifiers.supervised", "tcga-2021"]),
    "unknown backbone": ("steps = 5", 'steps = 5\nbackbone = "mpl"', ["classifiers.supervised", "mlp"]),
    "unknown pretext": ('"masked"\n', '"maskd"\n', ["classifiers.masked", "masked"]),
    "unknown setting of a classifier": ("steps = 5", "stepps = 5", ["classifiers.supervised", "stepps", "steps"]),
    "wrong value of a setting": ("steps = 5", 'steps = "many"', ["classifiers.supervised", "steps"]),
    "pretext of another data kind": (
        'pretext = "masked"\nbackbone_settings = { widths = [8, 8, 8] }\npretext_settings = { epochs = 2, batch_size '
        "= 32 }",
        'pretext = "simclr"',
        ["[classifiers.masked] on [data.sim]", "'simclr' is not for expression data"],
    ),
    "fusion of nobody known": ('["supervised", "masked"]', '["supervised", "maskd"]', ["together", "'masked'"]),
    "fusion of one": ('["supervised", "masked"]', '["supervised"]', ["together", "two classifiers"]),
    "fusion with a classifier's name": ("together =", "masked =", ["masked", "name of a classifier"]),
    "several devices": ("[fusions]", "[training]\ndevices = 2\n[fusions]", ["devices", "--jobs"]),
    "a name that is no file's": ("[data.sim]", '[data."a/b"]', ["a/b", "letters"]),
    "unknown metric": ("seeds = [0, 1]", 'metric = "acuracy"', ["metric", "acuracy", "mean_class_accuracy"]),
    "not TOML": ("[data.sim]", "[data.sim", ["not valid TOML"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_grid_is_one_line(tmp_path: Path, patients: Path, cohortsmith: Any, case: str) -> None:
    old, new, words = WRONG[case]
    assert old in SMALL
    path = toml(tmp_path, patients, SMALL.replace(old, new))
    for rest in (["--dry-run"], ["--out", tmp_path / "out"]):
        done = cohortsmith("utility", path, *rest)
        assert done.code == 2, done.err
        assert done.out == ""
        errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1
        for word in words:
            assert word in errors[0]
    assert [entry.name for entry in tmp_path.iterdir()] == ["study.toml"]


def test_roles_that_need_a_pretext_are_refused_without_one(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    text = SMALL[: SMALL.index("[classifiers.masked]")]
    done = cohortsmith("utility", toml(tmp_path, patients, text), "--dry-run")
    assert done.code == 2
    assert "role 'unlabelled' is for classifiers with a pretext" in done.err


def test_wrong_use_is_one_line(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    path, out = toml(tmp_path, patients), tmp_path / "out"
    (tmp_path / "file").write_text("mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    for line, word in (
        ([tmp_path / "study.tml", "--out", out], "no grid file"),
        ([path], "--out is missing"),
        ([path, "--out", tmp_path / "file"], "is a file"),
        ([path, "--out", tmp_path / "mine"], "did not write"),
        ([path, "--out", out, "--backend", "lokky"], "loky"),
        ([path, "--out", out, "--jobs", "0"], "--jobs"),
        ([path, "--out", out, "--backend", "loky", "--cluster", "tcp://host:8786"], "dask"),
    ):
        done = cohortsmith("utility", *line)
        assert done.code == 2, done.err
        assert word in done.err.splitlines()[-1]
    assert not out.exists()


def test_a_backend_that_is_not_installed_says_how_to_get_it(
    tmp_path: Path, patients: Path, cohortsmith: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    path = toml(tmp_path, patients, TINY)
    for module, package in (("ray", "ray"), ("distributed", "dask[distributed]")):
        monkeypatch.setitem(sys.modules, module, None)
        backend = "ray" if module == "ray" else "dask"
        done = cohortsmith("utility", path, "--out", tmp_path / "out", "--backend", backend)
        assert done.code == 2
        assert f"pip install '{package}'" in done.err
    assert not (tmp_path / "out").exists()


def test_dry_run_prints_every_value_and_the_jobs(tmp_path: Path, patients: Path, cohortsmith: Any) -> None:
    done = cohortsmith("utility", toml(tmp_path, patients), "--dry-run")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["name"] == "study"
    assert told["data"]["sim"]["validation"] == 0.2
    assert told["virtual"]["learn_from"] == ["labelled"]
    # Of each seed: real alone; as labels, and (ratio 1 only) alone; with a pretext for it and for both too.
    arms = 1 + 2 + 1 + 2 * (1 + 3 * 2 + 1)
    pretexts = (
        1 + 2 + 1
    )  # real patients; with virtual ones at two ratios; virtual ones alone: shared by both classifiers
    assert told["jobs"] == {
        "virtual patients": 2,
        "pretexts": 2 * pretexts,
        "classifiers": 2 * arms,
        "fusions": 2 * (1 + 2 + 1),
    }
    assert [entry.name for entry in tmp_path.iterdir()] == ["study.toml"]


def test_virtual_table_may_be_left_out(tmp_path: Path, patients: Path) -> None:
    text = TINY.replace('[virtual]\nfamilies = ["mvn"]\n', "")
    asked = grid(tmp_path, patients, text)
    assert asked.virtual is None
    assert [arm.family for arm in arms_of(asked, {})] == ["", ""]


def test_real_patients_alone_are_an_arm_once(tmp_path: Path, patients: Path) -> None:
    asked = grid(tmp_path, patients)
    arms = arms_of(asked, {("sim", "masked"): "x", ("sim", "frozen"): "x"})
    assert len(set(arms)) == len({arm.name for arm in arms}) == len(arms)
    for classifier in asked.classifiers:
        for seed in asked.seeds:
            mine = [arm for arm in arms if (arm.classifier, arm.seed) == (classifier, seed)]
            assert [arm for arm in mine if arm.ratio == "0"] == [Arm("sim", "30", classifier, seed)]
            roles = {arm.role for arm in mine if arm.family}
            assert roles == {"labelled", "alone"} | ({"unlabelled", "both"} if classifier != "supervised" else set())
            assert {arm.ratio for arm in mine if arm.role == "alone"} == {"1"}  # nobody of the largest class, balanced


def test_pretexts_are_shared_by_arms_that_differ_in_what_comes_after(tmp_path: Path, patients: Path) -> None:
    everybody = grid(tmp_path, patients)
    few = grid(tmp_path, patients, 'unlabelled = "labelled"\n' + SMALL)
    real = Arm("sim", "30", "masked", 0)
    more = Arm("sim", "100", "frozen", 0)
    assert pretext_set(everybody, real, "x") == pretext_set(everybody, more, "x")
    assert pretext_set(few, real, "x") != pretext_set(few, more, "x")
    assert pretext_set(everybody, real, "x") != pretext_set(everybody, real, "y")

    def with_virtual(role: str, ratio: str = "1") -> Arm:
        return Arm("sim", "30", "masked", 0, "mvn", "labelled", ratio, role)

    assert pretext_set(everybody, with_virtual("labelled"), "x") == pretext_set(everybody, real, "x")
    assert pretext_set(everybody, with_virtual("both"), "x") == pretext_set(everybody, with_virtual("unlabelled"), "x")
    apart = {pretext_set(everybody, with_virtual(role), "x") for role in ("labelled", "both", "alone")}
    assert len(apart) == 3
    assert pretext_set(everybody, with_virtual("both", "2"), "x") not in apart


def test_numbers_and_names_keep_their_words(tmp_path: Path, patients: Path) -> None:
    text = TINY.replace("labelled = [30]", 'labelled = ["quarter", 30, 0.5, "full"]')
    text = text.replace('families = ["mvn"]', 'families = ["mvn"]\nratios = [0.5, 1, 2.0, "balance"]')
    arms = arms_of(read_grid(toml(tmp_path, patients, text)), {})
    assert list(dict.fromkeys(arm.labelled for arm in arms)) == ["quarter", "30", "0.5", "full"]
    assert list(dict.fromkeys(arm.ratio for arm in arms)) == ["0", "0.5", "1", "2", "balance"]
