"""Page Samples: views of each data kind, filter, download, hostile names, and states without the real patients."""

from __future__ import annotations

import io
import shutil
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cohortsmith.app.ui.downloads import packed, written
from cohortsmith.data import read_cohort, simulate, write_cohort
from cohortsmith.generators import Diffusion
from tests.app.ui.conftest import carry_out
from tests.app.ui.looking import framed_words, frames, plots, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest

    Page = Callable[..., AppTest]

HOSTILE = ("<script>alert(1)</script>", "[x](javascript:alert(1))")


@pytest.fixture(scope="session")
def sequence_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sequences")
    write_cohort(simulate("tp53-cohort", 120, 0), place / "tp53.fasta")
    return carry_out(place / "runs", str(place / "tp53.fasta"), "tp53", ["identity"], "good-turing")


@pytest.fixture(scope="session")
def image_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("images")
    write_cohort(simulate("simulated-cells", 120, 0, classes=3), place / "cells.npz")
    return carry_out(place / "runs", str(place / "cells.npz"), "cells", ["exact_copies"])


def at(runs: Path, run: Path) -> str:
    shutil.copytree(run, runs / run.name)
    return run.name


VIEWS = ["Embedding (PCA, UMAP)", "Heatmap", "Genes", "Gene correlations"]


@pytest.mark.parametrize(("view", "panels"), list(zip(VIEWS, (2, 2, 9, 3), strict=True)))
def test_views_of_expression(one_run: Path, page: Page, view: str, panels: int) -> None:
    shown = page("samples", one_run.name, **{"view-expression": view})
    assert not shown.exception
    assert not shown.error
    assert len(plots(shown)) == panels


@pytest.fixture
def compiled() -> None:
    """UMAP once, outside of a page's time: what it is written in compiles on first use."""
    from umap import UMAP

    points = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    UMAP(n_neighbors=15, init="pca", random_state=0, n_jobs=1).fit_transform(points)


@pytest.mark.usefixtures("compiled")
@pytest.mark.slow
def test_neighbourhoods_are_an_option(one_run: Path, page: Page) -> None:
    shown = page("samples", one_run.name, plane="UMAP")
    assert not shown.exception
    assert "distances between groups" in said(shown)


def test_a_gene_is_found_by_part_of_its_name(one_run: Path, page: Page) -> None:
    shown = page("samples", one_run.name, **{"view-expression": "Genes", "gene-find": "7"})
    options = shown.selectbox(key="gene").options
    assert options
    assert all("7" in gene for gene in options)
    missing = shown.text_input(key="gene-find").set_value("nothing like it").run()
    assert "among 12 genes" in said(missing)


def test_classes_are_filtered_and_so_is_the_download(one_run: Path, page: Page) -> None:
    shown = page("samples", one_run.name)
    whole = shown.get("download_button")[0].proto.label
    classes = shown.multiselect[0]
    first = str(classes.options[0]).split(" (")[0]
    some = classes.set_value([first]).run()
    assert not some.exception
    assert whole.startswith("Download all")
    assert some.get("download_button")[0].proto.label.startswith("Download these")
    assert len({t["legendgroup"] for t in plots(some)[1]["data"] if t["type"] == "scatter" and t["x"]}) == 1


@pytest.mark.parametrize("suffix", [".csv", ".tsv.gz", ".parquet", ".h5ad"])
def test_downloads_are_read_back(tmp_path: Path, suffix: str) -> None:
    cohort = simulate("simulated-expression", 30, 0, genes=5)
    target = tmp_path / f"again{suffix}"
    target.write_bytes(written(cohort, suffix))
    again = read_cohort(target, label=cohort.provenance.get("label"), part=True)
    assert np.allclose(again.x, cohort.x, rtol=1e-4)


def test_a_folder_of_images_comes_as_a_zip(tmp_path: Path) -> None:
    cells = simulate("simulated-cells", 16, 0)
    write_cohort(cells, tmp_path / "cells")
    for content in (packed(tmp_path / "cells"), written(cells, "")):
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
        assert sum(name.endswith(".png") for name in names) == len(cells)


def test_views_of_sequences(runs: Path, sequence_run: Path, page: Page) -> None:
    name = at(runs, sequence_run)
    shown = page("samples", name)
    assert not shown.exception
    assert "Differences from the reference" in framed_words(shown)
    drawn = page("samples", name, **{"view-sequence": "Variants along the protein"})
    assert not drawn.exception
    assert len(plots(drawn)) > 3
    table = page("samples", name, **{"view-sequence": "Variant table"})
    every = table.dataframe[0].value
    assert every["Real patients, %"].dropna().min() > 100 * 4.9 / 120
    first = str(every["Variant"].iloc[0])
    found = table.text_input(key="variant-find").set_value(first).run()
    assert first in set(found.dataframe[0].value["Variant"])


def test_real_images_stand_behind_a_switch(runs: Path, image_run: Path, page: Page) -> None:
    name = at(runs, image_run)
    shown = page("samples", name)
    assert not shown.exception
    assert frames(shown).count("<img") <= 1  # the chosen virtual image
    assert "internal use only" not in said(shown)
    opened = shown.toggle(key="image-patients").set_value(True).run()
    assert not opened.exception
    assert "internal use only" in said(opened)
    assert frames(opened).count("<img") > 1 + 8
    other = opened.number_input(key="image-row").set_value(5).run()
    assert not other.exception
    assert other.number_input(key="image-row").value == 5


@pytest.mark.parametrize("view", ["Means", "Embedding (PCA)", "Generation steps"])
def test_views_of_images(runs: Path, image_run: Path, page: Page, view: str) -> None:
    shown = page("samples", at(runs, image_run), **{"view-image": view})
    assert not shown.exception
    assert not shown.error


def test_a_diffusion_model_is_watched_step_by_step(runs: Path, image_run: Path, page: Page) -> None:
    name = at(runs, image_run)
    shutil.rmtree(runs / name / "model", ignore_errors=True)
    small: dict[str, Any] = {"steps": 2, "width": 32, "depth": 1, "sampling_steps": 3}
    cells = simulate("simulated-cells", 60, 0, classes=3)
    Diffusion(**small).fit(cells, seed=0).save(runs / name / "model")
    shown = page("samples", name, timeout=60, **{"view-image": "Generation steps"})
    assert not shown.exception
    assert "from noise on the left" in said(shown)
    assert frames(shown).count("data:image/png") == 1


def test_without_the_real_patients_the_download_is_left(one_run: Path, page: Page, patients: Path) -> None:
    config = one_run / "config.json"
    config.write_text(config.read_text(encoding="utf-8").replace(patients.name, "gone.csv"), encoding="utf-8")
    shown = page("samples", one_run.name)
    assert not shown.exception
    assert shown.error
    assert "can still be downloaded" in said(shown)
    assert len(shown.get("download_button")) == 1


def test_broken_samples_give_a_line(one_run: Path, page: Page) -> None:
    next(one_run.glob("synthetic*")).write_text("no table", encoding="utf-8")
    shown = page("samples", one_run.name)
    assert not shown.exception
    assert shown.error


def test_hostile_names_are_shown_as_text(runs: Path, page: Page, tmp_path: Path) -> None:
    cohort = simulate("simulated-expression", 80, 0, genes=6, classes=2)
    hostile = replace(cohort, classes=HOSTILE, features=("<b>g</b>", "[g](javascript:alert(2))", *cohort.features[2:]))
    write_cohort(hostile, tmp_path / "hostile.csv")
    run = carry_out(runs, str(tmp_path / "hostile.csv"), "hostile", ["wasserstein", "tstr"])
    for view in VIEWS:
        shown = page("samples", run.name, **{"view-expression": view})
        assert not shown.exception
        assert "](javascript" not in said(shown)
        drawn = [str(trace.get(key)) for plot in plots(shown) for trace in plot["data"] for key in ("name", "text")]
        assert not [words for words in drawn if "<script" in words or "<b>g" in words]
    for view in ("Scorecard", "Worst features"):
        shown = page("scorecard", run.name, **{"scorecard-view": view})
        assert not shown.exception
        assert "<script>alert" not in frames(shown)
        assert "](javascript" not in said(shown)


@pytest.mark.slow
def test_first_paint_of_a_large_run_takes_two_seconds_at_most(runs: Path, page: Page, tmp_path: Path) -> None:
    write_cohort(simulate("simulated-expression", 10_000, 0, genes=1000, classes=5), tmp_path / "large.h5ad")
    run = carry_out(runs, str(tmp_path / "large.h5ad"), "large", ["exact_copies"], family="marginals")
    began = time.process_time()  # not of the wall: other work on the machine is not the page's
    shown = page("samples", run.name)
    assert not shown.exception
    assert len(plots(shown)) >= 1
    assert time.process_time() - began <= 2
