"""Train's principal components: the space in which neighbourhoods and Frechet distances are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.decomposition import PCA

if TYPE_CHECKING:
    from evaluation.comparison import Comparison, Draw

COMPONENTS = 50
SAMPLES = 5000
PER_COMPONENT = 5


def embedding(comparison: Comparison, seed: int) -> PCA:
    """Principal components of train's standardised log values, at most 50 and one for every 5 train samples."""
    return comparison.memo(("embedding", seed), lambda: _fitted(comparison, seed))


def embedded_draw(comparison: Comparison, limit: int, seed: int) -> Draw:
    """`comparison.draw(limit, seed)` in train's principal components, (n, components) each side."""

    def make() -> Draw:
        pca = embedding(comparison, seed)
        return comparison.draw(limit, seed).mapped(lambda x, _: np.asarray(pca.transform(x), dtype=np.float32))

    return comparison.memo(("embedded draw", limit, seed), make)


def _fitted(comparison: Comparison, seed: int) -> PCA:
    z = comparison.z_train
    if len(z) > SAMPLES:
        z = z[np.random.default_rng([seed, 31]).choice(len(z), SAMPLES, replace=False)]
    components = max(1, min(COMPONENTS, z.shape[1], len(z) // PER_COMPONENT))
    # The exact solver is cheap only when genes are few; the randomised one is seeded.
    solver = "full" if z.shape[1] <= 2 * COMPONENTS else "randomized"
    return PCA(components, svd_solver=solver, random_state=seed).fit(z)
