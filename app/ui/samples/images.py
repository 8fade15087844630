"""Views of images: galleries by class, the patients nearest to one image, means, and generation steps."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from cohortsmith.app.ui import colours, draw, fill, report_part
from cohortsmith.app.ui.samples.generation_steps import making
from cohortsmith.app.ui.samples.subset import subset
from cohortsmith.evaluation.html import image_means, image_side
from cohortsmith.evaluation.plots import images as image_figures
from cohortsmith.evaluation.plots import like_a_patient, plain, png, some_of
from cohortsmith.evaluation.plots import pca as figures

if TYPE_CHECKING:
    from pathlib import Path

    from markupsafe import Markup
    from numpy.typing import NDArray

    from cohortsmith.app.ui.samples.subset import View
    from cohortsmith.evaluation import Comparison
    from cohortsmith.evaluation.plots import Gallery

_ACROSS, _DOWN = 12, 5  # images in a row of the gallery; rows of a page of few classes, of more it is one a class
_EDGE, _NAMES = 66, 150  # pixels of an image and of the names of classes on the screen
_CHOSEN, _CLICKED = "image-row", "image-clicked"
_NEAREST = 4
_INTERNAL = "This page shows images of real patients: internal use only."


class Lane(NamedTuple):
    """Synthetic images of one class, by their rows in the synthetic cohort."""

    name: str
    rows: NDArray[np.int64]


def gallery(compared: Comparison, folder: Path, key: str, shown: tuple[str, ...]) -> None:
    """Synthetic images of the chosen classes, page by page; one that is clicked is shown with its neighbours."""
    patients = st.toggle("Show images of real patients", key="image-patients")
    lanes = _lanes(compared, shown)
    if not lanes:
        st.info("No synthetic image of these classes.")
        return
    st.session_state.setdefault(_CHOSEN, int(lanes[0].rows[0]))
    down = max(1, _DOWN // len(lanes))
    pages = max(-(-len(lane.rows) // (_ACROSS * down)) for lane in lanes)
    at = st.pagination(pages, key=f"image-page-{'-'.join(shown)}") if pages > 1 else 1
    part = slice((at - 1) * _ACROSS * down, at * _ACROSS * down)
    lanes = [Lane(lane.name, lane.rows[part]) for lane in lanes if len(lane.rows[part])]
    drawn = np.concatenate([lane.rows for lane in lanes])
    alike = np.asarray(_alike(str(folder), key, tuple(drawn.tolist())))
    hidden = set() if patients else set(drawn[alike].tolist())
    if hidden:
        st.caption(
            f"{len(hidden)} of these {len(drawn)} look like a real patient's image (correlation of pixels above 0.98): "
            "they are left blank."
        )
    _sheet(compared, lanes, hidden, f"sheet-{folder}-{at}-{'-'.join(shown)}-{patients}")
    _closely(compared, patients=patients)
    if patients:
        st.warning(_INTERNAL, icon=":material/lock:")
        _patients(compared, shown)


def _lanes(compared: Comparison, shown: tuple[str, ...]) -> list[Lane]:
    """Synthetic images of each chosen class that has any, in random order."""
    y = compared.synthetic.y
    lanes = [Lane(name, some_of(y, compared.classes.index(name), len(y))) for name in shown if name in compared.classes]
    return [lane for lane in lanes if len(lane.rows)]


@st.cache_data(show_spinner="Searching for patients' images", max_entries=50)
def _alike(folder: str, key: str, rows: tuple[int, ...]) -> list[bool]:
    from pathlib import Path

    from cohortsmith.app.ui import comparison

    compared = comparison(Path(folder))
    found: list[bool] = like_a_patient(compared, compared.synthetic.x[list(rows)]).tolist()
    return found


def _sheet(compared: Comparison, lanes: list[Lane], hidden: set[int], key: str) -> None:
    """The images of each class on one picture, with a place to click on each."""
    made, palette = compared.synthetic, colours()
    height, width, channels = made.x.shape[1:]
    starts = np.cumsum([0, *(-(-len(lane.rows) // _ACROSS) for lane in lanes)])
    down = int(starts[-1])
    soft, paper = ([int(palette[name][i : i + 2], 16) for i in (1, 3, 5)] for name in ("soft", "paper"))
    sheet = np.empty((down * (height + 2), _ACROSS * (width + 2), 3), dtype=np.uint8)
    sheet[:] = paper
    cells: list[tuple[int, int, int, str]] = []
    for start, lane in zip(starts, lanes, strict=False):
        for i, row in enumerate(lane.rows.tolist()):
            y, x = int(start) + i // _ACROSS, i % _ACROSS
            cells.append((row, x, y, lane.name))
            place = sheet[y * (height + 2) + 1 :, x * (width + 2) + 1 :][:height, :width]
            place[:] = soft if row in hidden else made.x[row][..., : 3 if channels > 1 else 1]
    picture = "data:image/png;base64," + base64.b64encode(png(np.repeat(np.repeat(sheet, 2, 0), 2, 1))).decode()
    bare: dict[str, Any] = {"fixedrange": True, "showgrid": False, "zeroline": False}
    names = {"tickvals": [float(s) + 0.5 for s in starts[:-1]], "ticktext": [plain(lane.name) for lane in lanes]}
    figure = {
        "data": [
            {
                "type": "scatter",
                "mode": "markers",
                "x": [x + 0.5 for _, x, _, _ in cells],
                "y": [y + 0.5 for _, _, y, _ in cells],
                "text": [f"no. {row}, {plain(name)}" for row, _, _, name in cells],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {"symbol": "square", "size": _EDGE - 6, "opacity": 0, "color": palette["accent"]},
                "selected": {"marker": {"opacity": 0.3}},
                "unselected": {"marker": {"opacity": 0}},
            }
        ],
        "layout": {
            "xaxis": bare | {"visible": False, "range": [0, _ACROSS]},
            "yaxis": bare | names | {"range": [down, 0], "tickfont": {"size": 13, "color": palette["ink"]}},
            "images": [
                {"source": picture, "xref": "x", "yref": "y", "x": 0, "y": 0, "sizex": _ACROSS, "sizey": down}
                | {"sizing": "stretch", "layer": "below"}
            ],
            "margin": {"l": _NAMES, "r": 0, "t": 0, "b": 0},
            "width": _NAMES + _ACROSS * _EDGE,
            "height": down * _EDGE,
            "dragmode": False,
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
        },
    }
    picked = st.plotly_chart(
        figure, theme=None, width="content", key=key, on_select="rerun", selection_mode="points",
        config={"displayModeBar": False}, alt=f"{len(cells)} synthetic images, one row per class",
    )  # fmt: skip
    points = getattr(picked, "selection", {}).get("points", [])
    taken = cells[points[0]["point_index"]][0] if points else None
    # A click counts once: a number typed later is not overruled by it at the next look.
    if taken is not None and st.session_state.get(_CLICKED) != (key, taken):
        st.session_state[_CLICKED] = (key, taken)
        st.session_state[_CHOSEN] = taken


def _closely(compared: Comparison, *, patients: bool) -> None:
    """One image, how near the real ones come to it, and, behind the switch, those themselves."""
    from cohortsmith.evaluation.metrics.images import nearer_than, neighbours

    made = compared.synthetic
    st.session_state[_CHOSEN] = min(max(0, int(st.session_state[_CHOSEN])), len(made) - 1)
    st.subheader("One image and its nearest patients")
    row = int(st.number_input("Image no. (or click one above)", 0, len(made) - 1, key=_CHOSEN))
    found = neighbours(compared, row, _NEAREST)
    near, other = found["train"][0].distance, found["holdout"][0].distance
    share = nearer_than(compared, near)
    words = (
        f"The nearest of {len(compared.train):,} train images is {near:.1f} grey levels away, the nearest of "
        f"{len(compared.holdout):,} holdout images, which the generator never saw, {other:.1f} (root mean square over "
        "tiles of 4 × 4 pixels, turned and mirrored to fit)."
    )
    if share is not None:
        words += f" Of new real images {100 * share:.0f} % come as near to train."
    st.markdown(words)
    blank = not patients and bool(like_a_patient(compared, made.x[row : row + 1])[0])
    real = []
    for side, near_ones in found.items() if patients else ():
        cohort = getattr(compared, side)
        real += [(side, cohort.x[n.row], n.distance, compared.classes[cohort.y[n.row]]) for n in near_ones]
    image, own = None if blank else made.x[row], compared.classes[made.y[row]]
    report_part(fill("neighbours", image, own, real), "One image and its neighbours")
    if not patients:
        st.caption("The real images themselves are shown only with the switch above the gallery.")


def _patients(compared: Comparison, shown: tuple[str, ...]) -> None:
    """Real images of each chosen class, drawn at random."""
    rows = []
    for name in shown:
        c = compared.classes.index(name)
        rows.append((c, name, compared.train.x[some_of(compared.train.y, c, _ACROSS)]))
    st.subheader("Real images of train")
    report_part(fill("patients", rows), "Real images of each class")


def means(compared: Comparison, folder: Path, key: str, shown: tuple[str, ...]) -> None:
    """Mean image of each class, and where real and synthetic ones differ."""
    report_part(_means(str(folder), key, shown), "Mean image of each class, real and synthetic, and their difference")


@st.cache_data(show_spinner="Averaging images", max_entries=8)
def _means(folder: str, key: str, shown: tuple[str, ...]) -> Markup:
    return image_means(subset(folder, key, shown))


def embedding(compared: Comparison, folder: Path, key: str, shown: tuple[str, ...]) -> None:
    """The principal components of train's pixels, and curves of sharpness and colour."""
    for name, pictures in _embedding(str(folder), key, shown).items():
        if name != "plane":
            st.subheader(name)
        draw(pictures, f"embedding-{name}")


@st.cache_data(show_spinner="Computing the embedding", max_entries=8)
def _embedding(folder: str, key: str, shown: tuple[str, ...]) -> dict[str, Gallery]:
    some = subset(folder, key, shown)
    train, holdout, made = (image_side(some, cohort) for cohort in (some.train, some.holdout, some.synthetic))
    images = image_figures.sides(some)
    return {
        "plane": figures.scatter(train, holdout, made, some.classes),
        "Sharpness": image_figures.sharpness(images, some.classes),
        "Colours and contrast": image_figures.colours(images),
    }


VIEWS: dict[str, View] = {
    "Gallery": gallery,
    "Means": means,
    "Embedding (PCA)": embedding,
    "Generation steps": making,
}
