"""Zeros that hang together stay together."""

from __future__ import annotations

import numpy as np
import pytest

from cohortsmith.generators.expression.gene_scores import GeneScores
from cohortsmith.generators.expression.point_masses import draw_latent


def zeros_in_common(n: int = 400, genes: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Profiles whose zeros come together, and the common depth that makes them: (n, genes), (n,)."""
    rng = np.random.default_rng(0)
    depth = rng.normal(size=n)
    latent = 0.8 * depth[:, None] + 0.6 * rng.normal(size=(n, genes))
    return np.maximum(latent, 0).astype(np.float32), depth


def test_zeros_of_a_shallow_sample_get_low_scores() -> None:
    x, depth = zeros_in_common()
    rng = np.random.default_rng(1)
    curves = GeneScores.fit(x)
    blind = curves.encode(x, rng)
    low, high = curves.thresholds()
    drawn = draw_latent(blind, np.zeros(len(x), np.int64), 1, low, high, rng)

    zeros = x == 0
    assert (drawn[zeros] <= np.broadcast_to(low, x.shape)[zeros]).all(), "a zero stays under its threshold"
    np.testing.assert_array_equal(drawn[~zeros], blind[~zeros])
    told = [np.corrcoef(scores[:, 0][zeros[:, 0]], depth[zeros[:, 0]])[0, 1] for scores in (blind, drawn)]
    assert abs(told[0]) < 0.15
    assert told[1] > 0.4
    truth = 0.64
    spread_blindly, spread_wisely = (np.asarray(np.corrcoef(scores.T))[0, 1] for scores in (blind, drawn))
    assert abs(spread_wisely - truth) < 0.5 * abs(spread_blindly - truth)


def test_without_point_masses_nothing_changes() -> None:
    scores = np.random.default_rng(0).standard_normal((50, 4), dtype=np.float32)
    nowhere = np.full(4, np.inf, np.float32)
    same = draw_latent(scores, np.zeros(50, np.int64), 1, -nowhere, nowhere, np.random.default_rng(1))
    np.testing.assert_array_equal(same, scores)


@pytest.mark.parametrize("high", [False, True])
def test_ceilings_are_floors_turned_over(high: bool) -> None:
    x, _ = zeros_in_common()
    x = -x if high else x
    curves = GeneScores.fit(x)
    rng = np.random.default_rng(2)
    drawn = draw_latent(curves.encode(x, rng), np.zeros(len(x), np.int64), 1, *curves.thresholds(), rng)
    back = curves.decode(drawn)
    np.testing.assert_array_equal(back == 0, x == 0)
