"""Where neighbourhoods and Frechet distances are measured: in train's principal components, or in what networks see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.decomposition import PCA

from cohortsmith.evaluation.spaces.images import learnt_draw

if TYPE_CHECKING:
    from cohortsmith.evaluation.core import Comparison, Draw

COMPONENTS = 50
SAMPLES = 5000
PER_COMPONENT = 5


def embedded_draw(comparison: Comparison, limit: int, seed: int) -> Draw:
    """`comparison.draw(limit, seed)` as what stands outside it in train taught to see it, (n, d) each side.

    Images that a network sees: its embedding (`learnt_draw`). Everything else: `components_draw`.
    """
    return (learnt_draw if _by_network(comparison) else components_draw)(comparison, limit, seed)


def space_of(comparison: Comparison) -> str:
    """What `embedded_draw` measures in, in words."""
    return "what a network learnt on train" if _by_network(comparison) else "principal components of train"


def _by_network(comparison: Comparison) -> bool:
    return comparison.kind == "image" and comparison.image_models is not None


def components_draw(comparison: Comparison, limit: int, seed: int) -> Draw:
    """`comparison.draw(limit, seed)` in train's principal components, (n, components) each side.

    At most 50 components, one for every 5 samples, fitted on train samples outside the draw: train samples spread
    wider along components fitted on themselves, and real would not look like real.
    """

    def make() -> Draw:
        draw = comparison.draw(limit, seed)
        z = comparison.z_train[np.random.default_rng([seed, 31]).permutation(draw.apart)[:SAMPLES]]
        components = max(1, min(COMPONENTS, z.shape[1], len(z) // PER_COMPONENT))
        if comparison.kind == "sequence":  # an edit of one patient has no part in any of the first components
            shared = np.count_nonzero(z, axis=0) > 1
            shared[0] |= not shared.any()
            z, draw = z[:, shared], draw.mapped(lambda x, _: x[:, shared])
            components = min(components, z.shape[1])
        # The exact solver is cheap only when genes are few; the randomised one is seeded.
        solver = "full" if z.shape[1] <= 2 * COMPONENTS else "randomized"
        with np.errstate(invalid="ignore"):  # equal samples have no variance to take a share of
            pca = PCA(components, svd_solver=solver, random_state=seed).fit(z)
        return draw.mapped(lambda x, _: np.asarray(pca.transform(x), dtype=np.float32))

    return comparison.memo(("components draw", limit, seed), make)
