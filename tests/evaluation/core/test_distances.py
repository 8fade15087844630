from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from cohortsmith.evaluation.core.nearest_distances import distances, nearest, same_rows


def test_distances_are_euclidean_and_exactly_zero_for_copies_only() -> None:
    rng = np.random.default_rng(0)
    a = (100 + rng.standard_normal((700, 40))).astype(np.float32)
    b = np.concatenate([a[5:8], (100 + rng.standard_normal((30, 40))).astype(np.float32)])
    found = distances(a, b)
    assert np.allclose(found, cdist(a.astype(float), b.astype(float)), atol=1e-4)
    assert [tuple(at) for at in np.argwhere(found == 0)] == [(5, 0), (6, 1), (7, 2)]


def test_nearest_leaves_itself_out_but_not_its_twin() -> None:
    x = np.asarray([[0.0], [0.0], [3.0], [7.0]], dtype=np.float32)
    assert nearest(x, x, self_excluded=True).ravel().tolist() == [0, 0, 3, 4]
    assert np.allclose(nearest(x, x, 2, self_excluded=True)[3], [4, 7])


def test_minus_zero_is_zero() -> None:
    a, b = same_rows(np.asarray([[0.0, 1]], dtype=np.float32), np.asarray([[-0.0, 1]], dtype=np.float32))
    assert a[0] == b[0]
