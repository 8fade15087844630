"""Images in the making: the way through a VAE's latents from class to class, a diffusion model from noise to image."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import streamlit as st

from cohortsmith.app.ui import report_part
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.evaluation import Comparison
    from cohortsmith.generators import Generator

_STEPS = 12  # of a way between two classes
_PATIENTS = 6


@st.cache_resource(show_spinner="Loading the model", max_entries=4)
def _model(folder: str, _key: str) -> Generator:
    from cohortsmith.generators import load

    return load(folder)


def making(compared: Comparison, folder: Path, key: str, shown: tuple[str, ...]) -> None:
    """Ways of the run's own model, moving and step by step, where its family has such."""
    if not (folder / "model").is_dir():
        st.info("This run has no model: its family cannot be saved without saving patients.")
        return
    model = _model(str(folder / "model"), key)
    if model.family not in ("vae", "diffusion"):
        st.info("A diffusion model can be watched from noise to image, a VAE between two classes; this is neither.")
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
    source = f"data:image/png;base64,{base64.b64encode(moving).decode()}"
    style = "image-rendering: pixelated; max-width: 100%"
    report_part(f'<img src="{source}" alt="" style="{style}">', "Images in the making, moving")
    told = {
        "vae": "Virtual images in equal steps of the latent, from one class to the other; a row a draw.",
        "diffusion": "What the sampler holds at each noise level, from noise on the left to the image on the right.",
    }
    st.caption(told[model.family])
    st.image(steps, alt="Images in the making, step by step")


@st.cache_data(show_spinner="Drawing the ways", max_entries=12)
def _drawn(folder: str, key: str, first: str, last: str, seed: int) -> tuple[bytes, bytes]:
    """The ways in motion, and all their steps."""
    from cohortsmith.evaluation.plots import animation, strips
    from cohortsmith.generators import VAE
    from cohortsmith.generators.analysis import unfold

    model = _model(folder, key)
    if isinstance(model, VAE):
        ways = [model.interpolate(first, last, _STEPS, seed + i) for i in range(_PATIENTS)]
    else:
        ways = unfold(model, first, _PATIENTS, seed)
    return animation(ways), strips({f"draw {i + 1}": way for i, way in enumerate(ways)})
