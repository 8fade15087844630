from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data import Cohort, DataError, simulate
from cohortsmith.evaluation import evaluate
from cohortsmith.generators import VAE, load, make_generator
from cohortsmith.generators.sequences.sites import Sites

if TYPE_CHECKING:
    from pathlib import Path

A, T, C, G = range(4)


def _panel(n: int, seed: int, classes: int = 2) -> Cohort:
    """Haplotypes of sixty sites in blocks of six, each of its own alleles; classes differ in their frequencies."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    blocks = rng.random((n, 10)) < np.where(y[:, None] == 0, 0.2, 0.45)
    x = np.where(np.repeat(blocks, 6, axis=1), G, A).astype(np.uint8)
    names = np.array([f"p{row}" for row in range(n)])
    features = tuple(f"22:{100 + 10 * site}:A:G" for site in range(60))
    return Cohort(
        "sequence", x, y, tuple(f"pop{c}" for c in range(classes)), features, names, pd.DataFrame(index=pd.Index(names))
    )


@pytest.mark.parametrize("classes", [1, 2])
def test_linkage_and_frequencies_are_kept_with_and_without_classes(classes: int) -> None:
    train, holdout = _panel(600, 0, classes), _panel(600, 1, classes)
    synthetic = make_generator("vlmc").fit(train, seed=0).sample(600, seed=0)
    found: Any = {e.name: e for e in evaluate(train, holdout, synthetic, only=("ld_decay", "mean_r2", "linkage"))}
    assert found["ld_decay"].value > 0.98
    assert found["mean_r2"].value == pytest.approx(found["mean_r2"].reference, rel=0.1)
    alone = make_generator("pwm").fit(train).sample(600)
    lost: Any = {e.name: e for e in evaluate(train, holdout, alone, only=("mean_r2",))}
    assert lost["mean_r2"].value < 0.3 * found["mean_r2"].value


def test_a_model_comes_back_to_the_bit_and_holds_no_patient(tmp_path: Path) -> None:
    train = _panel(200, 3)
    odd = train.x.copy()
    odd[0] = np.random.default_rng(5).choice([A, G], 60)
    fitted = make_generator("vlmc").fit(replace(train, x=odd), seed=1)
    fitted.save(tmp_path / "model")
    back = load(tmp_path / "model")
    assert back.sample(50, seed=2).digest() == fitted.sample(50, seed=2).digest()
    made = fitted.sample(2000, seed=0)
    assert not (made.x == odd[0]).all(axis=1).any()


def test_rare_alleles_are_as_many_as_before_and_at_other_places() -> None:
    train = _panel(400, 4)
    x = np.concatenate([train.x, np.full((400, 100), C, np.uint8)], axis=1)
    x[np.arange(300), 60 + np.arange(300) % 100] = T  # three carriers of each
    features = (*train.features, *(f"22:{5000 + site}:C:T" for site in range(100)))
    train = replace(train, x=x, features=features)
    made = make_generator("vlmc").fit(train, seed=0).sample(2000, seed=0)
    assert (made.x[:, 60:] == T).sum(axis=1).mean() == pytest.approx(0.75, abs=0.1)
    assert set(np.unique(made.x[:, 60:])) == {C, T}  # of the alleles that the sites have


@pytest.mark.parametrize("wrong", [{"carriers": 0}, {"carriers": 2.5}, {"prior": 0}, {"groups": True}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(DataError, match="vlmc"):
        make_generator("vlmc", **wrong)


def test_groups_that_nobody_named_are_found() -> None:
    two = _panel(800, 6)
    rng = np.random.default_rng(0)
    x = two.x.copy()
    x[two.y == 1] = np.where(rng.random((400, 60)) < 0.9, G, A)
    one = replace(two, x=x.astype(np.uint8), y=np.zeros_like(two.y), classes=("all",))
    assert make_generator("vlmc").fit(one).summary["groups"][0] >= 2
    assert make_generator("vlmc", groups=1).fit(one).summary["groups"] == [1]


def test_networks_count_any_number_of_uncommon_variants() -> None:
    """A patient of some thirty uncommon variants: eight were the most that a VAE could draw."""
    rng = np.random.default_rng(0)
    train = _panel(400, 7)
    x = np.where(rng.random((400, 300)) < 0.1, G, A).astype(np.uint8)
    train = replace(train, x=x, features=tuple(f"22:{10 * site}:A:G" for site in range(1, 301)))
    assert Sites.fit(train, 3).log_numbers.shape[1] <= 9
    made = VAE(steps=20, width=16, depth=1).fit(train, seed=0).sample(200, seed=0)
    assert (made.x == G).sum(axis=1).mean() == pytest.approx(30, abs=4)


def test_simulated_haplotypes_are_linked_and_of_five_populations() -> None:
    pytest.importorskip("msprime")
    cohort = simulate("simulated-haplotypes", 500, 0, sites=100, length=200_000, rarest=0.05)
    assert cohort.class_counts() == dict.fromkeys(("AFR", "AMR", "EAS", "EUR", "SAS"), 100)
    again = simulate("simulated-haplotypes", 500, 0, sites=100, length=200_000, rarest=0.05)
    assert again.digest() == cohort.digest()
    carried = cohort.x != cohort.x[0]
    r2 = np.corrcoef(carried.T) ** 2
    assert np.diag(r2, 1).mean() > 3 * np.diag(r2, 80).mean()
    assert simulate("simulated-haplotypes", 50, 0, sites=20, grouped=False).classes == ("all",)
    with pytest.raises(DataError, match="take a longer"):
        simulate("simulated-haplotypes", 50, 0, sites=900, length=1000)
