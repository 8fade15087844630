"""SDV's synthesizers behind our contract (extra `sdv`), and what is said without them."""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from cohortsmith.data import Cohort, DataError, simulate
from cohortsmith.generators import SDV, make_generator

if TYPE_CHECKING:
    from pathlib import Path

PEERS: dict[str, dict[str, Any]] = {
    "sdv-gaussiancopula": {},
    "sdv-ctgan": {"epochs": 1},
    "sdv-tvae": {"epochs": 1},
}
every = pytest.mark.parametrize("family", PEERS)


@pytest.fixture
def train() -> Cohort:
    return simulate("simulated-expression", 60, seed=0, genes=5)


@every
def test_peers_keep_the_contract(family: str, train: Cohort, tmp_path: Path) -> None:
    pytest.importorskip("sdv", reason="the extra sdv is not installed")

    def states() -> tuple[str, ...]:
        return str(torch.get_rng_state().tolist()), str(np.random.get_state()), str(random.getstate())  # noqa: NPY002

    generator = make_generator(family, **PEERS[family])
    with pytest.raises(DataError, match="not been fitted"):
        generator.sample(3)
    before = states()
    assert generator.fit(train, seed=0) is generator
    first = generator.sample({"class-A": 5, "class-C": 7}, seed=1)
    assert states() == before
    assert first.class_counts() == {"class-A": 5, "class-B": 0, "class-C": 7}
    assert (first.features, first.classes, first.scale) == (train.features, train.classes, train.scale)
    assert (first.x >= 0).all()
    assert (first.x == np.rint(first.x)).all()
    # Between the two, another sample was drawn: SDV's streams go on from call to call unless they are set back.
    other = generator.sample({"class-A": 5, "class-C": 7}, seed=2)
    assert not np.array_equal(first.x, other.x)
    assert generator.sample({"class-A": 5, "class-C": 7}, seed=1).digest() == first.digest()
    again = make_generator(family, **PEERS[family]).fit(train, seed=0)
    assert again.sample({"class-A": 5, "class-C": 7}, seed=1).digest() == first.digest()
    with pytest.raises(DataError, match="pickle only"):
        generator.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="unknown class"):
        generator.sample({"class-X": 1})


def test_settings_are_those_of_the_synthesizer() -> None:
    pytest.importorskip("sdv", reason="the extra sdv is not installed")
    with pytest.raises(DataError, match="sdv-ctgan has no setting 'epoch'; did you mean epochs"):
        make_generator("sdv-ctgan", epoch=3)


@every
def test_without_sdv_one_line_says_what_to_install(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sdv", None)
    with pytest.raises(DataError, match=rf"{family} needs SDV 2 .*BUSL-1.1.*cohortsmith\[sdv\]") as error:
        make_generator(family)
    assert "\n" not in str(error.value)


def test_drawn_as_sdv_draws(correlated: Cohort) -> None:
    pytest.importorskip("sdv")
    generator = make_generator("sdv-gaussiancopula").fit(correlated, seed=0)
    assert isinstance(generator, SDV)
    sample = generator.sample_as_drawn(200, seed=1)
    assert len(sample) == 200
    assert sample.features == correlated.features
    shares = np.bincount(sample.y, minlength=2) / 200
    np.testing.assert_allclose(shares, np.bincount(correlated.y) / len(correlated), atol=0.12)
    np.testing.assert_array_equal(generator.sample_as_drawn(200, seed=1).x, sample.x)
