"""Pages run as Streamlit runs them, without a browser, over folders with a small finished run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cohortsmith.app.config.experiment import DataPart, EvaluationPart, Experiment, GeneratorPart
from cohortsmith.app.pipeline.experiment_run import carry_out_run
from cohortsmith.app.ui.session import CHOSEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGES = Path(__file__).resolve().parents[3] / "app" / "ui" / "pages"


def carry_out(runs: Path, cohort: str, name: str, only: list[str], family: str = "mvn", **data: Any) -> Path:
    """Fit, draw and evaluate into `runs`; the run folder."""
    part = DataPart(cohort, **data)
    done = carry_out_run(Experiment(part, GeneratorPart(family, {}), name=name, evaluation=EvaluationPart(only)), runs)
    assert done is not None
    return done[0]


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, patients: Path) -> Path:
    """Run folder of a class-conditional Gaussian on 150 simulated patients of 12 genes; copy it, never change it."""
    runs = tmp_path_factory.mktemp("finished")
    return carry_out(runs, str(patients), "small", ["wasserstein", "discriminator_auc", "tstr", "gan_leaks_auc"])


@pytest.fixture(scope="session")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Table of 150 simulated patients, 12 genes, 2 classes of unlike size."""
    from cohortsmith.data import simulate, write_cohort

    path = tmp_path_factory.mktemp("patients") / "patients.csv"
    write_cohort(simulate("simulated-expression", 150, 0, genes=12, classes=2), path)
    return path


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of runs, which the pages show."""
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("COHORTSMITH_RUNS", str(folder))
    yield folder
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def one_run(runs: Path, finished_run: Path) -> Path:
    """A folder of runs with one finished run in it; the run's folder."""
    return Path(shutil.copytree(finished_run, runs / finished_run.name))


@pytest.fixture
def page() -> Callable[..., AppTest]:
    """Run a page: `page("samples", chosen="name of a run", key=value of session state)`."""

    def run(name: str, chosen: str | None = None, timeout: float = 30, **state: Any) -> AppTest:
        test = AppTest.from_file(PAGES / f"{name}.py", default_timeout=timeout)
        if chosen is not None:
            test.session_state[CHOSEN] = chosen
        for key, value in state.items():
            test.session_state[key] = value
        return test.run()

    return run
