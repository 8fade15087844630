"""Where patients lie by who is near whom: UMAP, with real patients as regions and synthetic ones as points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from cohortsmith.evaluation.core import MINIMUM
from cohortsmith.evaluation.plots.panels import Gallery
from cohortsmith.evaluation.plots.pca import MOST_GENES, Side, plane, some

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = {"train": 600, "holdout": 300, "synthetic": 500}  # samples of each side; UMAP takes seconds for as many
_COMPONENTS = 30
_NEIGHBOURS = 15


def neighbourhoods(train: Side, holdout: Side, synthetic: Side, classes: Sequence[str]) -> Gallery:
    """UMAP of all three cohorts together, on principal components of train (McInnes, Healy and Melville 2018).

    Samples are thinned to `MOST` of each side. Unlike the principal plane it is fitted on all of them, and distances
    between groups have no meaning.
    """
    from sklearn.decomposition import PCA

    sides = [side.thin(MOST[name]) for name, side in zip(MOST, (train, holdout, synthetic), strict=True)]
    spread = sides[0].z.std(axis=0)
    genes = np.argsort(-spread, kind="stable")[:MOST_GENES]
    genes = genes[spread[genes] > 0]
    if len(genes) < 2 or len(sides[0].z) < 2 * MINIMUM:
        return Gallery([], "Too few patients or genes for an embedding.")
    centre = sides[0].z[:, genes].mean(axis=0)
    scaled = [(side.z[:, genes] - centre) / spread[genes] for side in sides]
    wanted = min(_COMPONENTS, len(genes), len(scaled[0]) - 1)
    fitted = PCA(wanted, svd_solver="randomized", random_state=0).fit(scaled[0])
    codes = np.concatenate([fitted.transform(z) for z in scaled])
    with threadpool_limits(1, user_api="openmp"):  # Numba would leave its own number of threads to PyTorch
        from umap import UMAP

        umap = UMAP(n_neighbors=min(_NEIGHBOURS, len(codes) - 1), init="pca", random_state=0, n_jobs=1)
        every = umap.fit_transform(codes)
    places = np.split(every.astype(np.float64), np.cumsum([len(z) for z in scaled])[:-1])
    text = (
        f"{some(len(codes), train.total + holdout.total + synthetic.total)} samples, by UMAP on {wanted} "
        "principal components of train: neighbours stay together; distances between groups and their sizes mean "
        "nothing."
    )
    return plane(places, sides, classes, ("UMAP 1", "UMAP 2"), text)
