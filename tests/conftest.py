"""Shared options and fixtures: threads, opt-in tiers, small simulated and real cohorts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

# Set before torch, NumPy and scikit-learn load, and inherited by the processes that tests start:
# threads that fight for two cores make the suite many times slower.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

TIERS = {
    "slow": "learning quality and long runs",
    "gpu": "tests that need a CUDA device",
    "network": "tests that need the network",
}
ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    for tier, what in TIERS.items():
        parser.addoption(f"--{tier}", action="store_true", help=f"also run {what}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for tier in TIERS:
            if item.get_closest_marker(tier) and not config.getoption(f"--{tier}"):
                item.add_marker(pytest.mark.skip(reason=f"opt in with --{tier}"))
        if item.get_closest_marker("gpu") and config.getoption("--gpu"):
            import torch

            if not torch.cuda.is_available():
                item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture(scope="session")
def root() -> Path:
    """Root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data, named by COHORTSMITH_DATA."""
    named = os.environ.get("COHORTSMITH_DATA")
    if not named or not Path(named).is_dir():
        pytest.skip("skipped: no data")
    return Path(named)


@pytest.fixture(scope="session")
def real_file(real_data: Path) -> Callable[[str], Path]:
    """Path of a real file by its place under COHORTSMITH_DATA, e.g. "expression/tcga_12class_50genes.csv.gz"."""

    def find(place: str) -> Path:
        path = real_data / place
        if not path.is_file():
            pytest.skip("skipped: no data")
        return path

    return find
