"""Modules of genes: groups that vary together, each described by one factor.

Principal components of a wide cohort are directions along which its own patients vary, and give them away; averages
over the genes of a module are not (Langfelder & Horvath 2008, "eigengenes").
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import eigh
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_COMPONENTS = 50
_ITERATIONS, _MANY = 20, 100
_AT_ONCE = 8000  # genes that plain k-means takes


def modules_of(centred: Floats, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Module (genes,) of each gene, by k-means on the genes' loadings.

    Args:
        centred: scores (n, genes) around their class means.
        count: modules at most; fewer where genes are fewer.
        rng: of the starts.
    """
    n, genes = centred.shape
    kept = max(1, min(_COMPONENTS, n // 4, genes))
    if genes > n:
        variances, sides = eigh((centred @ centred.T).astype(np.float64), subset_by_index=(n - kept, n - 1))
        loadings = (centred.T @ sides.astype(np.float32)) / np.float32(np.sqrt(n))
    else:
        variances, axes = eigh((centred.T @ centred).astype(np.float64), subset_by_index=(genes - kept, genes - 1))
        loadings = (axes * np.sqrt(np.maximum(variances, 0) / n)).astype(np.float32)
    kind = KMeans if genes <= _AT_ONCE else MiniBatchKMeans
    start: dict[str, Any] = {"n_init": 1, "max_iter": _ITERATIONS, "random_state": int(rng.integers(2**31))}
    if count > _MANY:  # spreading so many starts takes longer than the rest
        start["init"] = "random"
    with threadpool_limits(1), warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # equal genes
        found = kind(min(count, genes), **start).fit(loadings).labels_
    _, found = np.unique(found, return_inverse=True)
    return np.asarray(found, np.int64)


def loadings_of(centred: Floats, module: NDArray[np.int64]) -> Floats:
    """Loading (genes,) of each gene on the leading principal component of its module, of norm one in a module.

    Args:
        centred: scores (n, genes).
        module: (genes,) as from `modules_of`.
    """
    out = np.zeros(centred.shape[1], np.float32)
    order = np.argsort(module, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(module[order])) + 1):
        own = centred[:, members].astype(np.float64)
        if len(members) > len(own):
            _, side = eigh(own @ own.T, subset_by_index=(len(own) - 1, len(own) - 1))
            axis = (own.T @ side)[:, 0]
        else:
            axis = eigh(own.T @ own, subset_by_index=(len(members) - 1, len(members) - 1))[1][:, 0]
        out[members] = axis / max(float(np.linalg.norm(axis)), 1e-12)
    return out
