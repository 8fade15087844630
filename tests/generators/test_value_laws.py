"""Generated values obey the laws of train's: bounds, whole numbers, decimals, fixed values, logs of whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cohortsmith.data import Cohort, read_cohort
from cohortsmith.generators import make_generator
from cohortsmith.generators.expression.log_table import LogTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

PATIENTS, GENES = 120, 12
FAST: dict[str, Any] = {"steps": 4, "width": 8, "depth": 1, "batch_size": 32, "validation": 0.0}
FAMILIES = {"gan": FAST, "wgan": FAST, "vae": FAST, "diffusion": FAST, "copula": {}, "mvn": {}, "marginals": {}}


def log_counts(rng: np.random.Generator) -> NDArray[np.float64]:
    means = np.exp(rng.normal(2.2, 0.5, (1, GENES))) * np.exp(rng.normal(0, 0.6, (PATIENTS, 1)))
    return np.asarray(np.log2(rng.poisson(means) + 1.0).round(6))


LAWS: dict[str, Callable[[np.random.Generator], NDArray[Any]]] = {
    "log2counts": log_counts,
    "intensities": lambda rng: np.exp(rng.normal(4, 1.5, (PATIENTS, GENES))).round(2),
    "negatives": lambda rng: np.rint(rng.normal(400, 300, (PATIENTS, GENES))),
    "methylation": lambda rng: rng.beta(0.5, 0.5, (PATIENTS, GENES)).round(4),
    "dosage": lambda rng: rng.binomial(2, rng.uniform(0.05, 0.95, (1, GENES)), (PATIENTS, GENES)),
    "codes": lambda rng: rng.choice([-2, 0, 2], (PATIENTS, GENES)),
}


def written(law: str, folder: Path) -> Cohort:
    x = LAWS[law](np.random.default_rng(0))
    rows = [",".join(["sample_id", "label", *(f"g{gene}" for gene in range(GENES))])]
    rows += [",".join([f"s{row}", "ab"[row % 2], *map(str, values)]) for row, values in enumerate(x)]
    (folder / f"{law}.csv").write_text("\n".join(rows) + "\n")
    return read_cohort(folder / f"{law}.csv")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("law", LAWS)
def test_no_family_makes_a_value_that_cannot_exist(law: str, family: str, tmp_path: Path) -> None:
    train = written(law, tmp_path)
    made = make_generator(family, **FAMILIES[family]).fit(train, seed=0).sample(400, seed=1).x.astype(np.float64)
    assert train.x.min() <= made.min()
    assert made.max() <= train.x.max()
    if law == "log2counts":
        np.testing.assert_allclose(np.log2(np.rint(2**made - 1) + 1), made, atol=1e-6)
    if law == "negatives":
        np.testing.assert_array_equal(made, np.rint(made))
    if law in ("dosage", "codes"):
        assert set(np.unique(made)) <= set(np.unique(train.x))
    if law in ("methylation", "intensities"):
        np.testing.assert_allclose(np.round(made, 4 if law == "methylation" else 2), made, rtol=1e-6)


def test_bounds_are_those_of_five_patients(tmp_path: Path) -> None:
    """A largest value that one patient had alone is not told; a floor that many share is."""
    train = written("log2counts", tmp_path)
    table = LogTable.of(train)
    assert table.of_whole
    assert table.least == 0
    assert table.most is not None
    assert table.most < train.x.max()
    assert (train.x.max(axis=1) >= table.most).sum() <= 5
    assert LogTable.of(written("dosage", tmp_path)).levels == (0, 1, 2)
