"""Views of sequences: the alignment, variants along the protein, variant types, and all variants as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from cohortsmith.app.ui import draw, report_part
from cohortsmith.app.ui.samples.subset import subset

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from markupsafe import Markup

    from cohortsmith.app.ui.samples.subset import View
    from cohortsmith.evaluation import Comparison
    from cohortsmith.evaluation.plots import Gallery
    from cohortsmith.evaluation.spaces import Tally

_PAGE = 50  # variants on a page of the table
_HEADS = {
    "variant": "Variant",
    "protein": "Protein",
    "kind": "Effect",
    "real": "Real patients, %",
    "synthetic": "Virtual patients, %",
}


@st.cache_resource(show_spinner="Calling variants", max_entries=3)
def _tally(folder: str, key: str, shown: tuple[str, ...]) -> Tally:
    from cohortsmith.evaluation.spaces import tally

    return tally(subset(folder, key, shown))


def alignment(compared: Comparison, folder: Path, key: str, shown: tuple[str, ...]) -> None:
    """Differences from the reference, coloured."""
    report_part(_alignment(str(folder), key, shown), "Alignment of real and virtual patients, differences coloured")


@st.cache_data(show_spinner="Aligning", max_entries=8)
def _alignment(folder: str, key: str, shown: tuple[str, ...]) -> Markup:
    from cohortsmith.evaluation.html import variant_alignment

    return variant_alignment(subset(folder, key, shown), _tally(folder, key, shown).short_title)


def variants(compared: Comparison, folder: Path, key: str, shown: tuple[str, ...]) -> None:
    """Lollipops along the protein, frequencies, and variant types."""
    for name, pictures in zip(("variants", "spectrum"), _variants(str(folder), key, shown), strict=True):
        draw(pictures, name)


@st.cache_data(show_spinner="Drawing variants", max_entries=8)
def _variants(folder: str, key: str, shown: tuple[str, ...]) -> tuple[Gallery, Gallery]:
    from cohortsmith.evaluation.plots import spectrum, variants

    counted = _tally(folder, key, shown)
    return variants(counted), spectrum(counted)


def table(compared: Comparison, folder: Path, key: str, shown: tuple[str, ...]) -> None:
    """Variants with their frequencies, searched and paged."""
    rows = _rows(str(folder), key, shown)
    left, right = st.columns(2)
    search = left.text_input("Find a variant", key="variant-find", placeholder="c.524G>A or R175H").strip().casefold()
    kinds = right.multiselect("Effects", sorted(rows["kind"].unique()), placeholder="all effects", key="variant-kind")
    kept = rows[rows["kind"].isin(kinds)] if kinds else rows
    if search:
        words = (kept["variant"] + " " + kept["protein"]).str.casefold()
        kept = kept[words.str.contains(search, regex=False)]
    st.caption(
        f"{len(kept):,} of {len(rows):,} variants. Variants carried by fewer than five real patients show "
        '"under 5" in place of a share.'
    )
    if kept.empty:
        return
    pages = -(-len(kept) // _PAGE)
    at = st.pagination(pages, key=f"variant-page-{search}-{'-'.join(kinds)}") if pages > 1 else 1
    part = kept.iloc[(at - 1) * _PAGE : at * _PAGE]
    table = part[list(_HEADS)].assign(real=100 * part["real"].astype(float), synthetic=100 * part["synthetic"])
    number = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(
        table.rename(columns=_HEADS),
        hide_index=True,
        height="content",
        placeholder="under 5",
        column_config={_HEADS["real"]: number, _HEADS["synthetic"]: number},
        alt="Variants, most frequent among real patients first",
    )


@st.cache_data(show_spinner=False, max_entries=8)
def _rows(folder: str, key: str, shown: tuple[str, ...]) -> pd.DataFrame:
    from cohortsmith.evaluation.metrics.sequences import variant_rows

    return variant_rows(_tally(folder, key, shown))


VIEWS: dict[str, View] = {"Alignment": alignment, "Variants along the protein": variants, "Variant table": table}
