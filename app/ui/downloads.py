"""Virtual patients to be downloaded, in the format the real ones came in: all of them, or those of some classes."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from cohortsmith.app.workspace import synthetic_file
from cohortsmith.data import write_cohort

if TYPE_CHECKING:
    from cohortsmith.data import Cohort


def offer(folder: Path, made: Cohort, shown: tuple[str, ...]) -> None:
    """A button to download a run's virtual patients of the classes `shown`."""
    source = synthetic_file(folder)
    rows = np.flatnonzero(np.isin(made.y, [made.classes.index(name) for name in shown]))
    whole = len(rows) == len(made)
    suffix = source.name.removeprefix("synthetic") if source.is_file() else ""
    name = f"{folder.name}-virtual{suffix or '.zip'}"
    label = f"Download {'all' if whole else 'these'} {len(rows):,} virtual patients ({suffix or 'PNG in a zip'})"

    def content() -> bytes:
        return packed(source) if whole else written(made.take(rows), suffix)

    st.download_button(label, content, file_name=name, mime="application/octet-stream", icon=":material/download:")


def packed(source: Path) -> bytes:
    """A file as it is; a folder of PNG as a zip."""
    if source.is_file():
        return source.read_bytes()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(source))
    return content.getvalue()


def written(cohort: Cohort, suffix: str) -> bytes:
    """A cohort in the format of `suffix`, `""` for a folder of PNG."""
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / f"virtual{suffix}"
        write_cohort(cohort, target)
        return packed(target)
