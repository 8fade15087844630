from __future__ import annotations

import numpy as np
import pytest

from cohortsmith.generators.sequences.contexts import SharedContexts

RNG = np.random.default_rng


def _blocks(n: int, seed: int) -> np.ndarray:
    """Four founders' segments, switched at random: linkage over some ten sites."""
    rng = RNG(seed)
    founders = RNG(99).integers(0, 2, (4, 60))
    path = rng.integers(0, 4, (n, 1)) * np.ones((n, 60), dtype=int)
    for site in range(1, 60):
        switch = rng.random(n) < 0.05
        path[:, site] = np.where(switch, rng.integers(0, 4, n), path[:, site - 1])
    return founders[path, np.arange(60)].astype(np.uint8)


def _same(x: np.ndarray, row: np.ndarray, site: int, run: int) -> np.ndarray:
    return np.asarray((x[:, site - run : site] == row[site - run : site]).all(axis=1))


def _by_hand(x: np.ndarray, row: np.ndarray, carriers: int) -> float:
    """Log-likelihood of a row by the definition: the longest run before each site that enough sequences share."""
    total, run = 0.0, 0
    for site in range(len(row)):
        while _same(x, row, site, run).sum() < carriers:
            run -= 1
        held = x[_same(x, row, site, run), site]
        total += np.log(max((held == row[site]).mean(), 1e-6))
        run = run + 1 if (held == row[site]).any() else 1
    return total


@pytest.mark.parametrize("carriers", [1, 3, 10])
def test_each_symbol_is_given_the_longest_context_that_enough_sequences_share(carriers: int) -> None:
    x = _blocks(80, 1)
    chain = SharedContexts.fit(x, 2, carriers, 1e-12)
    rows = np.concatenate([x[:10], _blocks(10, 2)])
    expected = [_by_hand(x, row, carriers) for row in rows]
    np.testing.assert_allclose(chain.log_likelihood(rows), expected, atol=1e-4)


def test_a_way_that_one_sequence_alone_goes_is_forgotten() -> None:
    x = _blocks(300, 3)
    odd = x.copy()
    odd[0] = RNG(7).integers(0, 2, x.shape[1])  # nobody else is like this one
    chain = SharedContexts.fit(odd, 2, 5, 1e-9)
    made = chain.sample(2000, RNG(0))
    assert (made != odd[0]).sum(axis=1).min() > 5
    alone = SharedContexts.fit(odd, 2, 1, 1e-9)
    assert alone.log_likelihood(odd[:1])[0] > chain.log_likelihood(odd[:1])[0] + 10


def test_linkage_is_that_of_the_sequences() -> None:
    x = _blocks(3000, 4)
    made = SharedContexts.fit(x, 2, 5, 0.05).sample(3000, RNG(0))
    real, drawn = (np.corrcoef(part.T[x.std(axis=0) > 0]) for part in (x, made))
    pairs = np.triu_indices(len(real), 1)
    assert np.corrcoef(real[pairs] ** 2, drawn[pairs] ** 2)[0, 1] > 0.97
    assert np.abs(made.mean(axis=0) - x.mean(axis=0)).max() < 0.06
