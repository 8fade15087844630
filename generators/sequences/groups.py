"""Groups within a class, such as populations that nobody has named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COMPONENTS = 4


def find_groups(x: NDArray[np.uint8], most: int, least: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Group (n,) of each sequence from 0, by a Gaussian mixture of their first four principal components.

    Their number is the one of the lowest BIC (Schwarz 1978) among those without a group that is too small.

    Args:
        x: (n, sites) symbols; 0 is the most frequent one.
        most: groups at most.
        least: fewest sequences of a group.
        rng: of the starts.
    """
    alone = np.zeros(len(x), dtype=np.int64)
    if most < 2 or len(x) < 2 * least or x.shape[1] <= _COMPONENTS:
        return alone
    seed = int(rng.integers(2**31))
    edits = (x > 0).astype(np.float32)
    share = edits.mean(axis=0)
    edits = (edits - share) / np.sqrt(share * (1 - share) + 1e-6)  # rarer ones tell more (Patterson et al. 2006)
    axes = PCA(_COMPONENTS, svd_solver="randomized", random_state=seed).fit_transform(edits)
    found, lowest = alone, np.inf
    for number in range(1, min(most, len(x) // least) + 1):
        mixture = GaussianMixture(number, n_init=2, reg_covar=1e-3, random_state=seed).fit(axes)
        group = mixture.predict(axes)
        if np.bincount(group, minlength=number).min() >= least and (bic := mixture.bic(axes)) < lowest:
            found, lowest = group.astype(np.int64), bic
    return found
