"""Baselines for sequences, each good at one thing and bad at another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data import Cohort, DataError
from cohortsmith.generators import VAE, discriminate, make_generator


def cohort(n: int = 400, seed: int = 0) -> Cohort:
    """Class "mutated": just one edit among 30 columns, the rarer the further; class "wild": none."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, 40), np.uint8)
    y = (np.arange(n) % 2).astype(np.int64)
    shares = 0.8 ** np.arange(30)
    at = rng.choice(30, n, p=shares / shares.sum())
    x[np.arange(n), at] = np.where(y == 0, 1 + rng.integers(0, 3, n), 0)
    names = np.array([f"p{row}" for row in range(n)])
    about = {"reference": "", "label": "label"}
    obs = pd.DataFrame(index=pd.Index(names))
    return Cohort("sequence", x, y, ("mutated", "wild"), tuple(map(str, range(1, 41))), names, obs, about)


def edits(sample: Cohort) -> Any:
    return (sample.x != 0).sum(1)


def test_a_weight_matrix_has_every_frequency_and_not_the_number_of_edits() -> None:
    train = cohort()
    sample = make_generator("pwm").fit(train).sample({"mutated": 4000, "wild": 400})
    real = (train.x[train.y == 0] != 0).mean(0)
    np.testing.assert_allclose((sample.x[sample.y == 0] != 0).mean(0), real, atol=0.03)
    # independent columns: a share of about exp(-1) of the mutated has no edit
    assert (edits(sample)[sample.y == 0] == 0).mean() == pytest.approx(np.exp(-1), abs=0.06)
    assert (edits(sample)[sample.y == 1] == 0).all()


def test_random_edits_are_as_many_as_asked() -> None:
    sample = make_generator("random-edits", edits=4).fit(cohort()).sample(100)
    assert (edits(sample) == 4).all()
    with pytest.raises(DataError, match="edits must be a whole number"):
        make_generator("random-edits", edits=-1)


def test_good_turing_brings_new_edits_as_often_as_edits_were_seen_once() -> None:
    train = cohort()
    cells, counts = np.unique(np.argwhere(train.x.T != 0)[:, 0] * 5 + train.x.T[train.x.T != 0], return_counts=True)
    expected = (counts == 1).sum() / counts.sum()
    sample = make_generator("good-turing").fit(train).sample({"mutated": 3000})
    made = np.argwhere(sample.x != 0)
    found = ~np.isin(made[:, 1] * 5 + sample.x[made[:, 0], made[:, 1]], cells)
    assert found.mean() == pytest.approx(expected, abs=0.015)
    assert edits(sample).mean() == pytest.approx(1, abs=0.02)


def test_a_discriminator_finds_crude_edits_and_not_copies() -> None:
    train = cohort()
    settings: dict[str, Any] = {"steps": 150, "width": 32, "depth": 1, "batch_size": 128, "seed": 0}
    crude = discriminate(train, make_generator("random-edits").fit(train).sample(400), **settings)[-1]
    copies = discriminate(train, make_generator("bootstrap").fit(train).sample(400), **settings)[-1]
    assert crude["d_real"] > 0.9 > 0.1 > crude["d_fake"]
    assert copies["d_real"] == pytest.approx(0.5, abs=0.1)
    assert copies["d_fake"] == pytest.approx(0.5, abs=0.1)
    assert crude["js"] > 0.5 > 0.1 > copies["js"]


@pytest.mark.parametrize("family", ["gan", "wgan", "vae", "diffusion"])
def test_each_family_gives_the_mutated_just_one_edit(family: str) -> None:
    train = cohort()
    settings = {"steps": 120, "width": 32, "depth": 1, "batch_size": 128}
    sample = make_generator(family, **settings).fit(train, seed=0).sample({"mutated": 500, "wild": 500}, seed=1)
    assert (edits(sample)[sample.y == 0] == 1).mean() > 0.85, "a weight matrix gets .37"
    assert (edits(sample)[sample.y == 1] == 0).mean() > 0.95
    real = (cohort(4000, seed=9).x[::2] != 0).mean(0)
    made = (sample.x[sample.y == 0] != 0).mean(0)
    assert np.corrcoef(real, made)[0, 1] > 0.85


def test_diffusion_learns_that_gaps_come_in_runs() -> None:
    rng = np.random.default_rng(0)
    x = np.tile(rng.integers(0, 4, 60).astype(np.uint8), (400, 1))
    for row in range(0, 400, 2):
        start = rng.integers(0, 56)
        x[row, start : start + 4] = 4
    names = np.array([f"p{row}" for row in range(400)])
    y, classes = (np.arange(400) % 2).astype(np.int64), ("deleted", "wild")
    obs, about = pd.DataFrame(index=pd.Index(names)), {"reference": "", "label": "label"}
    train = Cohort("sequence", x, y, classes, tuple(map(str, range(1, 61))), names, obs, about)
    settings: dict[str, Any] = {
        "steps": 400,
        "learning_rate": 6e-3,
        "width": 32,
        "depth": 1,
        "batch_size": 128,
        "sampling_steps": 60,
    }
    sample = make_generator("diffusion", **settings).fit(train, seed=0).sample({"deleted": 400}, seed=1)
    gaps = sample.x == 4
    inner = gaps[:, 1:-1]
    lonely = inner & ~gaps[:, :-2] & ~gaps[:, 2:]
    assert gaps.sum(1).mean() == pytest.approx(4, abs=1)
    assert lonely.sum() < 0.25 * inner.sum(), "drawn each on its own, most gaps would stand alone"


def test_interpolation_between_classes_of_sequences() -> None:
    settings: dict[str, Any] = {"steps": 120, "width": 32, "depth": 1, "batch_size": 128}
    model = VAE(**settings).fit(cohort(), seed=0)
    way = model.interpolate("mutated", "wild", steps=9, seed=3)
    assert way.labels.tolist() == ["mutated"] * 5 + ["wild"] * 4
    assert way.x.max() <= 4
    ends = [model.interpolate("mutated", "wild", steps=2, seed=seed) for seed in range(40)]
    assert np.mean([edits(pair)[0] for pair in ends]) == pytest.approx(1, abs=0.4)
    assert np.mean([edits(pair)[1] for pair in ends]) < 0.2
