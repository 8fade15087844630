"""Every page shows a cohort without classes, read from an .h5ad file without a label, and a run on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata
import numpy as np
import pandas as pd
import pytest

from cohortsmith.app.ui.cohort_choice import PART
from cohortsmith.app.workspace.workspace import Workspace
from tests.app.ui.conftest import carry_out
from tests.app.ui.looking import plots

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    Page = Callable[..., AppTest]

ONLY = ["wasserstein", "discriminator_auc", "tstr", "tight_pairs", "de_recall", "pathway_agreement", "gan_leaks_auc"]


@pytest.fixture
def unlabelled(tmp_path: Path) -> Path:
    """150 patients of 20 genes and their ages."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 4)) @ rng.normal(size=(4, 20)) + rng.normal(size=(150, 20)) + 8
    obs = pd.DataFrame({"age": rng.integers(30, 80, 150)}, index=[f"P{row}" for row in range(150)])
    genes = pd.DataFrame(index=[f"G{gene}" for gene in range(20)])
    anndata.AnnData(x.astype(np.float32), obs=obs, var=genes).write_h5ad(tmp_path / "unlabelled.h5ad")
    return tmp_path / "unlabelled.h5ad"


def test_every_page_shows_a_cohort_without_classes(runs: Path, unlabelled: Path, page: Page) -> None:
    run = carry_out(runs, str(unlabelled), "one", ONLY, "copula")
    kept = Workspace(runs).keep_upload(unlabelled.name, unlabelled.read_bytes())
    part = {PART: {"cohort": kept.relative_to(runs).as_posix()}}
    described = page("cohorts", **part)
    assert {metric.label: metric.value for metric in described.metric}["Patients"] == "150"
    for name in ("cohorts", "generate", "samples", "scorecard", "privacy", "studies"):
        shown = page(name, run.name, **part)
        assert not shown.exception, name
        assert not shown.error, name
    for view in ("Embedding (PCA, UMAP)", "Heatmap", "Genes", "Gene correlations"):
        shown = page("samples", run.name, **{"view-expression": view})
        assert not shown.exception, view
        assert not shown.error, view
        assert plots(shown), view
