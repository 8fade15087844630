from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cohortsmith.data import Cohort, simulate
from cohortsmith.training import isolated_rng

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """Networks that a test builds by itself start alike in every run."""
    with isolated_rng(0):
        yield


@lru_cache
def correlated_cohort() -> Cohort:
    """300 patients of two classes, 16 genes in three modules, log2 values."""
    cohort = simulate("simulated-expression", 300, seed=3, genes=16, classes=2, modules=3, scale="log")
    return replace(cohort, x=cohort.x.astype(np.float32))


@pytest.fixture
def correlated() -> Cohort:
    return correlated_cohort()


@pytest.fixture
def expression() -> Callable[..., Cohort]:
    """A cohort of given log2 values (n, genes) and classes (n,)."""

    def build(x: NDArray[Any], y: NDArray[Any] | None = None) -> Cohort:
        simulated = simulate("simulated-expression", len(x), seed=0, genes=x.shape[1], classes=2, scale="log")
        return replace(simulated, x=x.astype(np.float32), y=simulated.y if y is None else y.astype(np.int64))

    return build


class StubBatch:
    """What a family's losses ask of a batch, with every draw and every logged figure kept."""

    def __init__(self, x: Any, y: Any, *, step: int = 0, steps: int = 100, seed: int = 0) -> None:
        import torch

        self.x, self.y, self.step, self.steps = x, y, step, steps
        self.device = x.device
        self._generator = torch.Generator().manual_seed(seed)
        self.logged: dict[str, list[float]] = {}
        self.drawn: list[Any] = []
        self.fresh = 0

    def randn(self, *shape: int) -> Any:
        import torch

        self.drawn.append(torch.randn((len(self.x), *shape), generator=self._generator))
        return self.drawn[-1]

    def rand(self, *shape: int) -> Any:
        import torch

        self.drawn.append(torch.rand((len(self.x), *shape), generator=self._generator))
        return self.drawn[-1]

    def another(self) -> StubBatch:
        self.fresh += 1
        return self

    def log(self, name: str, value: Any) -> None:
        self.logged.setdefault(name, []).append(float(value))


@pytest.fixture
def stub_batch() -> Callable[..., Any]:
    return StubBatch
