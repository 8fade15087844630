"""Generation steps of images: latent interpolation of a VAE between classes, a diffusion model from noise to image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from cohortsmith.app.ui import fill, report_part
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.evaluation import Comparison
    from cohortsmith.generators import Generator

_STEPS = 12  # of an interpolation between two classes
_DRAWS = 6


@st.cache_resource(show_spinner="Loading the model", max_entries=4)
def _model(folder: str, _key: str) -> Generator:
    from cohortsmith.generators import load

    return load(folder)


def making(compared: Comparison, folder: Path, key: str, shown: tuple[str, ...]) -> None:
    """Generation steps of the run's own model, animated and side by side, where its family has such."""
    if not (folder / "model").is_dir():
        st.info("This run has no model: its family cannot be saved without saving patients.")
        return
    model = _model(str(folder / "model"), key)
    if model.family not in ("vae", "diffusion"):
        st.info(
            "Generation steps exist for diffusion models (from noise to image) and VAEs (latent interpolation) only."
        )
        return
    known = [name for name, count in model.class_counts.items() if count]
    columns = st.columns(3)
    first = columns[0].selectbox("Class", known, key="making-first")
    last = columns[1].selectbox(
        "To class", known, index=len(known) - 1, key="making-last", disabled=model.family != "vae"
    )
    seed = int(columns[2].number_input("Seed", 0, 10_000, key="making-seed"))
    try:
        moving, steps = _drawn(str(folder / "model"), key, str(first), str(last), seed)
    except DataError as error:
        st.info(str(error))
        return
    report_part(fill("moving", moving), "Generation steps, animated")
    captions = {
        "vae": "Latent interpolation: synthetic images in equal steps from one class to the other; one row per draw.",
        "diffusion": "The state of the sampler at each noise level, from noise on the left to the image on the "
        "right; one row per draw.",
    }
    st.caption(captions[model.family])
    st.image(steps, alt="Generation steps side by side")


@st.cache_data(show_spinner="Computing generation steps", max_entries=12)
def _drawn(folder: str, key: str, first: str, last: str, seed: int) -> tuple[bytes, bytes]:
    """The ways in motion, and all their steps."""
    from cohortsmith.evaluation.plots import animation, strips
    from cohortsmith.generators import VAE
    from cohortsmith.generators.analysis import unfold

    model = _model(folder, key)
    if isinstance(model, VAE):
        ways = [model.interpolate(first, last, _STEPS, seed + i) for i in range(_DRAWS)]
    else:
        ways = unfold(model, first, _DRAWS, seed)
    return animation(ways), strips({f"draw {i + 1}": way for i, way in enumerate(ways)})
