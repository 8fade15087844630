"""The founding studies of classifiers: their grids hold what the studies compared, and one command carries one out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cohortsmith.app.config.experiment import TrainingPart
from cohortsmith.app.config.grid import GridData
from cohortsmith.app.founding.figures import IMAGES_2025, MOCO_PLUS
from cohortsmith.app.founding.grids import (
    image_classifiers,
    images_facts,
    images_grid,
    short_name,
    transcriptome_classifiers,
    transcriptome_grid,
)
from cohortsmith.app.grid.arms import parts_of, with_extra
from cohortsmith.app.grid.checks import check_cohorts, check_grid, read_cohorts
from cohortsmith.data import DataError, simulate, write_cohort
from cohortsmith.ssl_models import Classifier
from cohortsmith.ssl_models.presets.registry import PRESETS, Preset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CPU = TrainingPart(device="cpu")


@pytest.fixture(scope="module")
def genes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("genes") / "genes.h5ad"
    write_cohort(simulate("simulated-expression", 220, seed=0, genes=12, classes=2), path)
    return path


@pytest.mark.parametrize("preset", ["cpu", "gpu"], ids=["small", "founding"])  # "gpu" would name a tier
def test_grid_of_images_is_valid_and_holds_the_founding_table(preset: str) -> None:
    grid = images_grid(["bloodmnist", "dermamnist_28.npz"], preset=preset, training=CPU)
    check_grid(grid)
    assert list(grid.data) == ["blood", "derma"]
    assert {len(members) for members in grid.fusions.values()} == {2, 4}
    ours = {
        (data, label, name)
        for data in grid.data
        for label in grid.labelled
        for name in (*grid.classifiers, *grid.fusions)
    }
    theirs = {(row["data"], row["labelled"], row["classifier"]) for row in IMAGES_2025}
    assert {key for key in theirs - ours if key[2] != "moco34-bnf"} == set()
    assert set(grid.classifiers) - {key[2] for key in theirs} == {"small-cnn", "scratch"}  # honest references
    for name, settings in image_classifiers(preset).items():
        recipe = Classifier(**settings).arguments.settled("image")
        assert (recipe.fine_tuning.frozen == "all") == name.endswith("-bf"), name
        alone = name in ("supervised", "small-cnn", "scratch")
        assert recipe.pretext_name == ("" if alone else name.split("-")[0].rstrip("34"))
        assert name.startswith("moco34") == (recipe.backbone == "resnet34")


def test_a_pretext_before_the_strong_reference_changes_nothing_else() -> None:
    known = image_classifiers("cpu")
    alone, after, study = (
        Classifier(**known[name]).arguments.settled("image") for name in ("small-cnn", "simclr-small-cnn", "simclr-bnf")
    )
    assert (after.backbone, after.fine_tuning) == (alone.backbone, alone.fine_tuning)
    assert after.pretext == study.pretext


def test_published_figures_are_the_thesis_s() -> None:
    (row,) = (r for r in IMAGES_2025 if (r["data"], r["labelled"], r["classifier"]) == ("derma", "quarter", "mae-bnf"))
    assert (row["accuracy"], row["mean_class_accuracy"]) == pytest.approx((0.6658, 0.4475))
    assert len(IMAGES_2025) == 12 * 4 + 2


def test_more_unlabelled_images_stand_beside_moco_plus() -> None:
    grid = images_grid(["bloodmnist"], preset="gpu", unlabelled="more.npz", classifiers=["moco-bnf"], training=CPU)
    assert grid.data["blood"].extra_unlabelled == "more.npz"
    rows = images_facts(grid, "gpu")["published"]["rows"]
    assert [row for row in rows if row["classifier"] == "moco-bnf"] == MOCO_PLUS


@pytest.mark.parametrize("preset", ["tcga-2021", "microarray-2021"])
def test_grid_of_transcriptomes_holds_every_way_of_learning(preset: str) -> None:
    grid = transcriptome_grid(["a.h5ad", "b.csv.gz"], preset=preset, training=CPU)
    check_grid(grid)
    assert grid.labelled == [50, 100, 200, 500, 1000, "full"]
    recipes = {name: Classifier(**one).arguments.settled("expression") for name, one in grid.classifiers.items()}
    masked = [recipe for recipe in recipes.values() if recipe.pretext_name == "masked"]
    assert [recipe.fine_tuning.frozen for recipe in masked] == [0, 1, 2, 3, 0, 0, 0]
    assert [recipe.fine_tuning.consistency for recipe in masked] == [0, 0, 0, 0, 0.1, 1, 10]
    assert {recipe.pretext_name for recipe in recipes.values()} >= {"", "contrastive", "vime", "scarf", "subtab"}
    swept = transcriptome_classifiers(preset, mask_sizes=True)
    shares: list[Any] = [
        one["pretext_settings"]["mask_share"] for one in swept.values() if one.get("pretext") == "masked"
    ]
    assert shares == sorted(shares)
    assert len(shares) > 4


def test_wrong_names_are_refused_with_the_near_ones() -> None:
    with pytest.raises(DataError, match="--preset: no 'gpus'; did you mean 'gpu'"):
        images_grid(["bloodmnist"], preset="gpus", training=CPU)
    with pytest.raises(DataError, match="--classifiers: no 'moco'.*moco-bf"):
        images_grid(["bloodmnist"], preset="cpu", classifiers=["moco"], training=CPU)
    with pytest.raises(DataError, match="two cohorts are called blood"):
        images_grid(["bloodmnist", "bloodmnist_28.npz"], preset="cpu", training=CPU)
    assert short_name("folder/tcga_12class.csv.gz") == "tcga_12class"


def test_study_is_carried_out_and_ends_in_a_page(
    genes: Path, tmp_path: Path, cohortsmith: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = {"backbone": "mlp", "backbone_settings": {"widths": [8]}, "steps": 5}
    pretext = {"subtab": {"pretext_settings": {"steps": 5}}}
    monkeypatch.setitem(PRESETS, "tcga-2021", Preset("expression", quick, pretext))
    out = tmp_path / "study"
    line: tuple[Any, ...] = ("study", "transcriptome-2021", genes, "--labelled", "20,full", "--seeds", 2)
    line += ("--classifiers", "supervised,subtab", "--device", "cpu")
    told = json.loads(cohortsmith(*line, "--dry-run").out)
    assert told["jobs"] == {"virtual patients": 0, "pretexts": 2, "classifiers": 8, "fusions": 0}
    done = cohortsmith(*line, "--out", out)
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == str(out / "report.html")
    page = (out / "report.html").read_text()
    assert "The founding study on transcriptomes (2021)" in page
    assert "subtab" in page
    assert cohortsmith("study", "transcriptome-2021", genes, "--preset", "tcga", "--out", out).code == 2


def test_more_unlabelled_patients_join_without_classes_and_without_copies_of_tested_ones(tmp_path: Path) -> None:
    whole, other = (simulate("simulated-cells", n, seed=seed) for n, seed in ((120, 0), (40, 1)))
    sides = parts_of(whole, GridData("cells.npz"), seed=0)
    more = replace(other, x=np.concatenate([other.x[:-5], sides.test.x[:5]]))
    joint = with_extra(sides.train, more, sides)
    assert len(joint) == len(sides.train) + 35
    assert joint.classes == whole.classes
    assert set(joint.y[len(sides.train) :]) == {0}  # nobody's class is taken over
    with pytest.raises(DataError, match="extra_unlabelled: image data of the same features"):
        with_extra(sides.train, simulate("simulated-expression", 20, seed=0, genes=4, classes=2), sides)
    write_cohort(whole, tmp_path / "cells.npz")
    write_cohort(replace(more, x=more.x[:, :, :, :1], features=("28x28x1",)), tmp_path / "grey.npz")
    grid = images_grid([str(tmp_path / "cells.npz")], preset="cpu", unlabelled=str(tmp_path / "grey.npz"), training=CPU)
    with pytest.raises(DataError, match=r"\[data.cells\] extra_unlabelled"):
        check_cohorts(grid, read_cohorts(grid))
