"""A data kind that the product does not know, whole in one file: beta values of CpG sites, shares between 0 and 1.

What is written here is what CONTRIBUTING.md lists under "A new data kind"; `known` enters it into the registries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd

from cohortsmith.data import Cohort, DataError
from cohortsmith.data.kinds import KINDS, CohortKind
from cohortsmith.evaluation.html.report import ROOMS, Room
from cohortsmith.evaluation.spaces import VIEWS, KindView, Sides, Words
from cohortsmith.generators.baselines.mvn import TABLES
from cohortsmith.generators.kinds import KINDS as LEARNED
from cohortsmith.generators.kinds import DataKind
from cohortsmith.generators.networks import ResidualMLP
from cohortsmith.generators.objectives import DiffusionFamily, GANFamily, VAEFamily, WGANFamily

if TYPE_CHECKING:
    import pytest
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix

KIND: Any = "methylation"
EDGE = 1e-3


def logits(x: NDArray[Any]) -> NDArray[np.float32]:
    """M values: log2 odds of beta values (n, sites)."""
    kept = np.clip(x, EDGE, 1 - EDGE)
    return np.asarray(np.log2(kept / (1 - kept)), dtype=np.float32)


def betas(m: NDArray[Any]) -> NDArray[np.float32]:
    """Beta values of M values (n, sites)."""
    return np.asarray(1 / (1 + np.exp2(-m)), dtype=np.float32)


def check(x: NDArray[Any], features: tuple[str, ...]) -> None:
    if x.ndim != 2 or x.shape[1] != len(features) or x.min(initial=0) < 0 or x.max(initial=1) > 1:
        raise DataError(f"x must be (samples, {len(features)} sites), shares between 0 and 1; got shape {x.shape}")


@dataclass
class BetaCodec:
    """M values, standardised: what networks of vectors learn."""

    calibration_patients: ClassVar[int] = 64
    gaussian: ClassVar[bool] = False
    strata = views = None
    code_shape: tuple[int, ...] = field(default=(), init=False)
    law: Any = field(init=False, repr=False)

    def narrowed(self, cohort: Cohort) -> Cohort:
        return cohort

    def fit_encode(self, cohort: Cohort, rng: np.random.Generator) -> NDArray[np.float32]:
        m = logits(cohort.x)
        self.law, self.code_shape = np.stack([m.mean(axis=0), m.std(axis=0) + EDGE]), m.shape[1:]
        return self.encode(cohort, rng)

    def encode(self, cohort: Cohort, rng: np.random.Generator) -> NDArray[np.float32]:
        return np.asarray((logits(cohort.x) - self.law[0]) / self.law[1], dtype=np.float32)

    def evidence(self, cohort: Cohort, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        return {}

    def decode(self, codes: NDArray[np.float32], y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        return betas(codes * self.law[1] + self.law[0])

    def calibrate(self, codes: NDArray[np.float32], y: NDArray[np.int64], rng: np.random.Generator) -> None:
        pass

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {"law": self.law}, {}

    def restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> Self:
        self.law, self.code_shape = tensors["law"], tensors["law"].shape[1:]
        return self


@dataclass(frozen=True)
class BetaTable:
    """M values as the columns that a Gaussian learns."""

    neighbours: ClassVar[bool] = False

    @classmethod
    def of(cls, cohort: Cohort) -> BetaTable:
        return cls()

    def columns(self, cohort: Cohort) -> NDArray[np.float32]:
        return logits(cohort.x)

    def back(self, columns: NDArray[np.float32]) -> NDArray[np.float32]:
        return betas(columns)


class BetaView(KindView):
    """M values, each site standardised by train."""

    words = Words("sites", "half of the sites", "M values", "half of the sites", "M values", "share of the variance")
    column = "site"

    @cached_property
    def law(self) -> tuple[Matrix, Matrix]:
        m = logits(self.train.x)
        return m.mean(axis=0), m.std(axis=0) + np.float32(EDGE)

    def profiles(self, cohort: Cohort) -> Matrix:
        return np.asarray((logits(cohort.x) - self.law[0]) / self.law[1], dtype=np.float32)

    def structureless(self, n: int, seed: int) -> Matrix:
        return np.random.default_rng([seed, 77]).standard_normal((n, len(self.columns)), dtype=np.float32)

    def discriminated(self, limit: int, seed: int) -> tuple[Sides, tuple[str, ...]]:
        draw = self.draw(limit, seed)
        return Sides(draw.real, draw.synthetic, draw.reference), self.columns


def known(patch: pytest.MonkeyPatch) -> None:
    """Enter the kind into every registry that it needs."""
    about = CohortKind(check, "sites", "CpG sites", lambda features, _: f"x {len(features)} sites", measured=True)
    vectors: Any = {"gan": GANFamily, "wgan": WGANFamily, "vae": VAEFamily, "diffusion": DiffusionFamily}

    def network(codec: Any, classes: int, family: Any) -> ResidualMLP:
        return ResidualMLP(codec.code_shape[0], classes, family.width, family.depth, family.dropout)

    patch.setitem(KINDS, KIND, about)
    patch.setitem(LEARNED, KIND, DataKind(BetaCodec, network, vectors))
    patch.setitem(TABLES, KIND, BetaTable)
    patch.setitem(VIEWS, KIND, BetaView)
    patch.setitem(ROOMS, KIND, Room(lambda comparison: {"Sites": str(len(comparison.features))}, lambda *_: []))


def simulated(n: int, sites: int = 8, seed: int = 0) -> Cohort:
    """Patients of two classes who differ in half of the sites."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    x = betas(rng.normal(size=(n, sites)) + np.outer(y, np.arange(sites) % 2) * 2)
    ids = np.asarray([f"patient-{row}" for row in range(n)])
    obs = pd.DataFrame(index=pd.Index(ids, name="sample_id"))
    return Cohort(KIND, x, y, ("control", "tumour"), tuple(f"cg{i:04d}" for i in range(sites)), ids, obs)
