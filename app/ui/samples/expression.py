"""Views of expression profiles: embedding, heatmap of clustered genes, single genes, gene correlations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from cohortsmith.app.ui import comparison, draw, draw_panel, estimates
from cohortsmith.app.ui.samples.subset import subset
from cohortsmith.evaluation.html import expression_side
from cohortsmith.evaluation.plots import Gallery, Panel
from cohortsmith.evaluation.plots import genes as gene_figures
from cohortsmith.evaluation.plots import pca as figures

if TYPE_CHECKING:
    from cohortsmith.app.ui.samples.subset import View
    from cohortsmith.evaluation import Comparison

_PLANES = ("PCA", "UMAP")
_MATCHES = 200  # genes a search offers


@st.cache_resource(show_spinner="Preparing the figures", max_entries=2)
def _sides(folder: str, key: str, shown: tuple[str, ...]) -> tuple[figures.Side, figures.Side, figures.Side]:
    """Train, holdout, synthetic on the log scale, thinned for drawing."""
    some = subset(folder, key, shown)
    return expression_side(some.train), expression_side(some.holdout), expression_side(some.synthetic)


def _real(train: figures.Side, holdout: figures.Side) -> figures.Side:
    return figures.Side(
        np.concatenate([train.z, holdout.z]),
        np.concatenate([train.y, holdout.y]),
        np.concatenate([train.subjects, holdout.subjects]),
        train.total + holdout.total,
    )


def _thinned(sides: tuple[figures.Side, ...]) -> None:
    if any(len(side.z) < side.total for side in sides):
        most = max(len(side.z) for side in sides)
        st.caption(f"Drawn from at most {most:,} random samples per cohort.")


def embedding(compared: Comparison, folder: Path, key: str, shown: tuple[str, ...]) -> None:
    """Principal components of train, or UMAP."""
    way = st.segmented_control("By", _PLANES, default=_PLANES[0], key="plane", required=True)
    draw(_plane(str(folder), key, shown, str(way)), f"plane-{way}")
    _thinned(_sides(str(folder), key, shown))


@st.cache_data(show_spinner="Computing the embedding", max_entries=12)
def _plane(folder: str, key: str, shown: tuple[str, ...], way: str) -> Gallery:
    from cohortsmith.evaluation.plots import neighbourhoods

    some, sides = subset(folder, key, shown), _sides(folder, key, shown)
    return (figures.scatter if way == _PLANES[0] else neighbourhoods)(*sides, some.classes)


def heatmap(compared: Comparison, folder: Path, key: str, shown: tuple[str, ...]) -> None:
    """Groups of at least five patients in clustered genes."""
    draw(_heatmap(str(folder), key, shown), "heatmap")
    _thinned(_sides(str(folder), key, shown))


@st.cache_data(show_spinner="Clustering genes", max_entries=12)
def _heatmap(folder: str, key: str, shown: tuple[str, ...]) -> Gallery:
    from cohortsmith.evaluation.plots import heatmap as gene_views

    train, holdout, synthetic = _sides(folder, key, shown)
    some = subset(folder, key, shown)
    return gene_views.heatmap(_real(train, holdout), synthetic, some.features, some.classes)


def genes(compared: Comparison, folder: Path, key: str, shown: tuple[str, ...]) -> None:
    """One gene by class, found by its name; under it the genes reproduced worst, and all of them."""
    left, right = st.columns(2)
    search = left.text_input("Find a gene", key="gene-find", placeholder="part of a name").strip().casefold()
    matches = [name for name in _ordered(folder, compared.features) if search in name.casefold()]
    if not matches:
        st.info(f"No name among {len(compared.features):,} genes contains that.")
        return
    if len(matches) > _MATCHES:
        left.caption(f"The first {_MATCHES} of {len(matches):,} genes are offered; type to find others.")
    gene = right.selectbox("Gene, worst first", matches[:_MATCHES], key="gene")
    st.caption("Real patients: train and holdout.")
    draw_panel(_gene(str(folder), key, shown, compared.features.index(gene)), f"gene-{gene}")
    if not search:
        draw(_all_genes(str(folder), key, shown), "genes")
        _thinned(_sides(str(folder), key, shown))


def _ordered(folder: Path, names: tuple[str, ...]) -> list[str]:
    """Genes by their Wasserstein distance in the scorecard, the worst first; as they stand where it has none."""
    distance = _distances(folder)
    return list(names) if distance is None else [names[g] for g in np.argsort(-distance, kind="stable")]


def _distances(folder: Path) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """What the scorecard has measured of each gene, (genes,)."""
    found = next((e.detail.get("by_gene") for e in estimates(folder) if e.name == "wasserstein"), None)
    return np.asarray([np.nan_to_num(v or 0.0) for v in found["value"]], dtype=np.float64) if found else None


@st.cache_data(show_spinner=False, max_entries=50)
def _gene(folder: str, key: str, shown: tuple[str, ...], gene: int) -> Panel:
    from cohortsmith.evaluation.plots import by_class

    (train, holdout, synthetic), some = _sides(folder, key, shown), subset(folder, key, shown)
    return by_class(_real(train, holdout), synthetic, gene, some.features[gene], some.classes)


@st.cache_data(show_spinner="Comparing genes", max_entries=8)
def _all_genes(folder: str, key: str, shown: tuple[str, ...]) -> Gallery:
    train, holdout, synthetic = _sides(folder, key, shown)
    names, real = subset(folder, key, shown).features, _real(train, holdout)
    # The scorecard has measured every gene already, if of all classes together.
    whole = len(shown) == sum(n > 0 for n in comparison(Path(folder)).synthetic.class_counts().values())
    distance = _distances(Path(folder)) if whole else None
    worst, every = gene_figures.genes(real, synthetic, names, distance), gene_figures.moments(real, synthetic, names)
    return Gallery([*worst.panels, *every.panels], worst.note, worst.legend)


def correlations(compared: Comparison, folder: Path, key: str, shown: tuple[str, ...]) -> None:
    """Correlations of genes in holdout and in virtual patients."""
    draw(_maps(str(folder), key, shown), "maps")
    st.caption("Orange: −1, blue: 1.")


@st.cache_data(show_spinner="Correlating genes", max_entries=12)
def _maps(folder: str, key: str, shown: tuple[str, ...]) -> Gallery:
    return gene_figures.correlations(*_sides(folder, key, shown), subset(folder, key, shown).features)


VIEWS: dict[str, View] = {
    "Embedding (PCA, UMAP)": embedding,
    "Heatmap": heatmap,
    "Genes": genes,
    "Gene correlations": correlations,
}
